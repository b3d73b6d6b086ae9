"""What an upload may cost: declared limits, and the account that is kept while reading."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import LimitExceededError

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Largest upload that is read.

    Attributes:
        total_bytes: bytes of the whole upload, after unpacking.
        image_pixels: pixels (width x height) of one image.
        side: width or height of one image in pixels.
        total_voxels: pixels of all images together.
        files: files in the upload, archives opened.
        zip_nesting: levels of archives within archives.
        ratio: unpacked bytes per packed byte.
        ratio_floor: unpacked bytes up to which ``ratio`` is not applied, so that small flat files pass.
    """

    total_bytes: int = 1024 * MIB
    image_pixels: int = 64_000_000
    side: int = 16_384
    total_voxels: int = 400_000_000
    files: int = 5_000
    zip_nesting: int = 2
    ratio: int = 200
    ratio_floor: int = 10 * MIB


DEFAULT_LIMITS = Limits()


class UploadLimitError(LimitExceededError):
    """A limit on the upload as a whole: reading stops, where a limit on one file only leaves that file out."""


class Budget:
    """Running account of one upload against its limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
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

    def add_voxels(self, count: int) -> None:
        """Count pixels that are about to be decoded.

        Raises:
            UploadLimitError: all images together are too large.
        """
        if not self.fits(count):
            raise UploadLimitError(
                f"The images hold more than {self.limits.total_voxels:,} pixels together, the limit on total voxels.",
                "Upload fewer series at a time.",
            )
        self._voxels += count

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
