"""What an upload may cost: declared limits, and the account that is kept while reading."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import LimitExceededError, MemoryFullError
from core.memory import Lease
from core.settings import settings

MIB = 1024 * 1024
KEPT_BYTES = 5  # a pixel of a series: float32, and whether it holds image
HEADER_BYTES = 128 * 1024  # a file's header, taken apart


@dataclass(frozen=True)
class Limits:
    """Largest upload that is read.

    Attributes:
        total_bytes: bytes of the whole upload, after unpacking.
        image_pixels: pixels (width x height) of one image.
        side: width or height of one image in pixels.
        total_voxels: pixels of all images together.
        memory: bytes that reading may take beside the uploaded ones: ``KEPT_BYTES`` for every pixel, ``HEADER_BYTES``
            for every file, and what the file takes that needs most while it is decoded.
        files: files in the upload, archives opened.
        zip_nesting: levels of archives within archives.
        ratio: unpacked bytes per packed byte.
        ratio_floor: unpacked bytes up to which ``ratio`` is not applied, so that small flat files pass.
    """

    total_bytes: int = 1024 * MIB
    image_pixels: int = 64_000_000
    side: int = 16_384
    total_voxels: int = 400_000_000
    memory: int = 3072 * MIB
    files: int = 5_000
    zip_nesting: int = 2
    ratio: int = 200
    ratio_floor: int = 10 * MIB


DEFAULT_LIMITS = Limits()


def declared() -> Limits:
    """The limits with what the operator has set."""
    return Limits(memory=settings().upload_memory_mib * MIB)


class UploadLimitError(LimitExceededError):
    """A limit on the upload as a whole: reading stops, where a limit on one file only leaves that file out."""


class UploadMemoryError(UploadLimitError, MemoryFullError):
    """The process has no memory left for the upload; later there may be room."""


class Budget:
    """Running account of one upload against its limits.

    Args:
        limits: of one upload.
        lease: memory taken out of the process's account as the upload needs it; ``None`` where nobody keeps one.
        uploaded: bytes of the upload as it came, which count in that account too.
    """

    def __init__(self, limits: Limits, lease: Lease | None = None, uploaded: int = 0) -> None:
        self.limits = limits
        self._lease = lease
        self._uploaded = uploaded
        self._masks = 0
        self._begun = 0
        self._headers = 0
        self._most_beside = 0
        self._bytes = 0
        self._voxels = 0
        self._files = 0

    def add_bytes(self, count: int) -> None:
        """Count unpacked bytes.

        Raises:
            UploadLimitError: the upload is too large.
        """
        self._bytes += count
        if self._bytes > self.limits.total_bytes:
            raise UploadLimitError(
                f"The upload unpacks to more than {self.limits.total_bytes / MIB:,.0f} MiB, the limit on total bytes.",
                "Upload fewer series at a time.",
            )

    def add_file(self) -> None:
        """Count one file.

        Raises:
            UploadLimitError: the upload holds too many files.
        """
        self._files += 1
        if self._files > self.limits.files:
            raise UploadLimitError(
                f"The upload holds more than {self.limits.files:,} files, the limit on files.",
                "Split it and upload one study or series at a time.",
            )

    def check_size(self, width: int, height: int) -> None:
        """Refuse an image by the size in its header, before anything is decoded.

        Raises:
            LimitExceededError: a side or the number of pixels is over the limit.
        """
        if width > self.limits.side or height > self.limits.side:
            raise LimitExceededError(
                f"The image is {width:,} x {height:,} pixels; the limit on width and height is {self.limits.side:,}.",
                "Upload a smaller version or a crop.",
            )
        if width * height > self.limits.image_pixels:
            raise LimitExceededError(
                f"The image is {width:,} x {height:,} pixels; the limit is {self.limits.image_pixels:,} pixels.",
                "Upload a smaller version or a crop.",
            )

    def fits(self, count: int) -> bool:
        """Whether so many more pixels stay within the limit on all images together."""
        return self._voxels + count <= self.limits.total_voxels

    def add_voxels(self, count: int, beside: int = 0) -> None:
        """Count pixels that are about to be decoded, and take out the memory for them.

        Args:
            count: pixels.
            beside: bytes held beside them until their file is decoded: what it unpacks to, as stored.

        Raises:
            UploadLimitError: all images together are too large, or the process has no memory left for them.
        """
        if not self.fits(count):
            raise UploadLimitError(
                f"The images hold more than {self.limits.total_voxels:,} pixels together, the limit on total voxels.",
                "Upload fewer series at a time.",
            )
        self._voxels += count
        self.hold(beside)

    def begin(self, unpacked: int) -> None:
        """Begin a file of the upload, which holds so many bytes unpacked until it is decoded.

        Raises:
            UploadLimitError: as for :meth:`hold`.
        """
        self._begun = unpacked
        self._headers += HEADER_BYTES
        self.hold(0)

    def hold(self, beside: int) -> None:
        """Count further bytes that are held until the file at hand is decoded; the file that needs most counts.

        Raises:
            UploadLimitError: the upload takes too much memory. UploadMemoryError: the process has none left for it.
        """
        self._most_beside = max(self._most_beside, self._begun + beside)
        self._take_out()

    def add_masks(self, count: int) -> None:
        """Count bytes of masks that are about to be laid over images.

        Raises:
            UploadLimitError: as for :meth:`hold`.
        """
        self._masks += count
        self._take_out()

    @property
    def memory(self) -> int:
        """Bytes that reading takes by what has been counted, beside the uploaded ones."""
        return self._voxels * KEPT_BYTES + self._masks + self._headers + self._most_beside

    def _take_out(self) -> None:
        if self.memory > self.limits.memory:
            raise UploadLimitError(
                f"Reading the upload takes more than {self.limits.memory / MIB:,.0f} MiB, the limit on memory.",
                "Upload fewer series at a time, or let the operator raise OVERREAD_UPLOAD_MEMORY_MIB.",
            )
        if self._lease is not None:
            try:
                self._lease.resize(self._uploaded + self.memory)
            except MemoryFullError as full:
                raise UploadMemoryError(full.message, full.remedy) from full
            except LimitExceededError as never:
                raise UploadLimitError(never.message, never.remedy) from never

    def check_ratio(self, packed: int, unpacked: int) -> None:
        """Refuse data that unpacks far beyond what images do.

        Raises:
            UploadLimitError: the decompression ratio is over the limit.
        """
        if unpacked > self.limits.ratio_floor and unpacked > self.limits.ratio * max(packed, 1):
            raise UploadLimitError(
                f"A compressed file unpacks to more than {self.limits.ratio} times its size, "
                "the limit on the decompression ratio.",
                "If it is genuine, unpack it and upload the files themselves.",
            )
