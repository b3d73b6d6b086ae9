"""Images on disk under the SHA-256 of their bytes, never in the database."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import NotFoundError, StoreAwayError, StoreDamagedError
from core.review.database import Database

_SHA256 = re.compile(r"[0-9a-f]{64}")


@contextmanager
def told_disk_errors() -> Iterator[None]:
    """Tell what the disk refuses in the user's words.

    Raises:
        StoreAwayError: no room, no right to write, or another failure of the disk.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "The disk is full." if full else f"The disk refuses ({error.strerror or type(error).__name__})."
        raise StoreAwayError(
            what, "Make room, or check the rights on the store's folder; nothing is half done."
        ) from error


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is there completely or not at all, even after a kill or a power cut.

    Raises:
        StoreAwayError: the disk is full or may not be written to.
    """
    with told_disk_errors():
        _write_atomically(path, data)


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def image_file(folder: Path, sha256: str) -> Path:
    """Where an image of this hash lies. Raises ``NotFoundError`` for what is no hash."""
    if not _SHA256.fullmatch(sha256):
        raise NotFoundError("An image is asked for by the 64 hexadecimal digits of its SHA-256.")
    return folder / sha256[:2] / sha256


class Images(Database):
    """Keep and fetch images by content hash."""

    def image_path(self, sha256: str) -> Path:
        """Where the image lies; it may not exist."""
        return image_file(self.images_folder, sha256)

    def put_image(self, data: bytes) -> str:
        """Keep an image and return its SHA-256. The same bytes are kept once."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.image_path(sha256)
        if not path.is_file() or path.stat().st_size != len(data):
            write_atomically(path, data)
        return sha256

    def image(self, sha256: str) -> bytes:
        """Bytes of an image.

        Raises:
            NotFoundError: it was never kept, or its file was deleted.
            StoreDamagedError: the file no longer holds the bytes it is named after.
        """
        path = self.image_path(sha256)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"The store holds no image {sha256[:12]}.", "Import it again.") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreDamagedError(
                f"The stored image {sha256[:12]} is damaged.", "Restore it from a backup or import it again."
            )
        return data
