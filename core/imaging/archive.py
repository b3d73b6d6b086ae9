"""Opens archives in memory, bounded: every byte that comes out is counted, headers are not believed."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.errors import EncryptedFileError, LimitExceededError, OverreadError, UnreadableFileError
from core.imaging.formats import Format, is_nifti, sniff
from core.imaging.limits import MIB, Budget, UploadLimitError

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
_CENTRAL_HEADER = b"PK\x01\x02"
_JUNK = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One file of the upload: its bytes, or why it has none."""

    name: str
    data: bytes = b""
    error: OverreadError | None = None
    unpacked: bool = False  # out of an archive, so that its bytes are held beside the uploaded ones


def walk(files: Sequence[tuple[str, bytes]], budget: Budget) -> Iterator[Entry]:
    """All files of an upload, archives opened, in the order given.

    Gzipped NIfTI stays packed: its own header says how much may come out (see :mod:`core.imaging.nifti`).

    Raises:
        UploadLimitError: the upload as a whole is over a limit.
    """
    for _, data in files:
        budget.add_bytes(len(data))
    for name, data in files:
        yield from _open(clean_name(name), data, 0, budget)


def clean_name(name: str) -> str:
    """A path within the upload: forward slashes, no drive, no parent folders, no control characters."""
    text = "".join(char for char in name.replace("\\", "/") if char.isprintable())
    parts = [part.strip() for part in re.sub(r"^[A-Za-z]:", "", text).split("/")]
    return "/".join(part for part in parts if part not in ("", ".", ".."))[-240:] or "unnamed"


def gunzip(data: bytes, most: int) -> bytes:
    """Unpack gzip, at most ``most`` bytes; several members are joined.

    Raises:
        UnreadableFileError: the data ends early or is damaged (unless ``most`` was reached first).
    """
    out: list[bytes] = []
    left = most
    while data and left > 0:
        worker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            while left > 0 and not worker.eof:
                chunk = worker.decompress(data, min(left, MIB))
                data = worker.unconsumed_tail
                if not chunk and not data and not worker.eof:
                    raise UnreadableFileError(
                        "The gzip data ends early: the file is truncated.", "Copy or download it again."
                    )
                out.append(chunk)
                left -= len(chunk)
        except zlib.error as error:
            raise UnreadableFileError("The gzip data is damaged.", "Copy or download it again.") from error
        if worker.eof:
            data = worker.unused_data.lstrip(b"\x00")
            if not data.startswith(b"\x1f\x8b"):
                break
    return b"".join(out)


def _open(name: str, data: bytes, depth: int, budget: Budget) -> Iterator[Entry]:
    kind = sniff(data)
    if kind not in (Format.ZIP, Format.GZIP):
        budget.add_file()
        yield Entry(name, data, unpacked=depth > 0)
        return
    try:
        if kind is Format.GZIP and is_nifti(gunzip(data, 400)):
            budget.add_file()
            yield Entry(name, data, unpacked=depth > 0)
            return
        if depth >= budget.limits.zip_nesting:
            raise LimitExceededError(
                f"Archives are nested deeper than {budget.limits.zip_nesting}, the limit on nesting.",
                "Unpack the inner archive and upload its files.",
            )
    except UploadLimitError:
        raise
    except OverreadError as error:
        yield Entry(name, error=error)
        return
    yield from (_open_zip if kind is Format.ZIP else _open_gzip)(name, data, depth, budget)


def _open_gzip(name: str, data: bytes, depth: int, budget: Budget) -> Iterator[Entry]:
    most = max(budget.limits.ratio_floor, budget.limits.ratio * len(data))
    try:
        inner = gunzip(data, min(most, budget.limits.total_bytes) + 1)
    except UnreadableFileError as error:
        yield Entry(name, error=error)
        return
    budget.check_ratio(len(data), len(inner))
    budget.add_bytes(len(inner))
    yield from _open(name.removesuffix(".gz"), inner, depth + 1, budget)


def _open_zip(name: str, data: bytes, depth: int, budget: Budget) -> Iterator[Entry]:
    try:
        archive, members = _contents(data, budget)
    except UploadLimitError:
        raise
    except OverreadError as error:
        yield Entry(name, error=error)
        return
    folder = "" if depth == 0 else f"{name}/"
    unpacked = 0
    with archive:
        for info in members:
            path = folder + clean_name(info.filename)
            try:
                _check_member(info)
                content = _member(archive, info, budget)
            except UploadLimitError:
                raise
            except OverreadError as error:
                budget.add_file()
                yield Entry(path, error=error)
                continue
            except Exception as error:  # zipfile raises many kinds on damaged archives; the rest is still read
                why = UnreadableFileError("It is damaged within the zip.", "Make the zip again.")
                why.__cause__ = error
                budget.add_file()
                yield Entry(path, error=why)
                continue
            unpacked += len(content)
            budget.check_ratio(len(data), unpacked)
            yield from _open(path, content, depth + 1, budget)


def _contents(data: bytes, budget: Budget) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    # The directory is counted before it is parsed: parsing millions of entries would itself exhaust memory.
    if data.count(_CENTRAL_HEADER) > 4 * budget.limits.files:
        for _ in range(budget.limits.files + 1):
            budget.add_file()
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:  # BadZipFile, but also struct, value and unicode errors on damaged directories
        raise UnreadableFileError(
            "The zip archive is truncated or damaged.", "Make it again, or upload the files themselves."
        ) from error
    members = [
        info for info in archive.infolist() if not _is_folder(info) and not _JUNK.search(clean_name(info.filename))
    ]
    if any(info.filename == "[Content_Types].xml" for info in members):
        raise UnreadableFileError("It is an Office document, not an image.", "Save the images out of it.")
    if members and all(info.flag_bits & 1 for info in members):
        raise EncryptedFileError("The zip archive is encrypted.", "Unpack it with its password, then upload the files.")
    if members and all(info.compress_type not in _METHODS for info in members):
        raise UnreadableFileError(
            "The zip archive uses an uncommon compression method.", "Make it again as an ordinary (deflate) zip."
        )
    if not members:
        raise UnreadableFileError("The zip archive holds no files.", "Upload the images themselves.")
    return archive, members


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith("/")  # ZipInfo.is_dir fails on an empty name (Python 3.11)


def _check_member(info: zipfile.ZipInfo) -> None:
    """Refuse one member that cannot be unpacked; the others are."""
    if info.flag_bits & 1:
        raise EncryptedFileError("It is encrypted.", "Unpack the zip with its password, then upload the file.")
    if info.compress_type not in _METHODS:
        raise UnreadableFileError(
            "It is packed by an uncommon compression method.", "Make the zip again as an ordinary (deflate) one."
        )


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> bytes:
    out = io.BytesIO()
    with archive.open(info) as stream:
        while chunk := stream.read(MIB):
            out.write(chunk)
            budget.add_bytes(len(chunk))
            budget.check_ratio(info.compress_size, out.tell())
    return out.getvalue()
