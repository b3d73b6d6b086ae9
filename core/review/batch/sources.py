"""Where a batch's images lie: a folder, a zip, a sheet, or any address that fsspec reads (s3://, https://, ...)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import fsspec

from core.errors import ArchiveError, LimitExceededError, OverreadError
from core.imaging.archive import clean_name
from core.imaging.limits import MIB
from core.review.archives.intake.sources import Layout, Survey, survey
from core.review.archives.intake.staging import ARCHIVE_LIMITS, locate
from core.review.batch.parts import digest


@dataclass(frozen=True)
class Source:
    """The images, where they can be opened, and one hash for their state."""

    found: Survey
    digest: str


@contextmanager
def opened(address: str, *, join: bool = False) -> Iterator[Source]:
    """The images of a folder, zip, sheet or address; what was unpacked or fetched is removed at the end.

    Args:
        address: path, or ``protocol://...`` of a folder or of one zip.
        join: slices of one patient and series form one image.

    Raises:
        ArchiveError: it cannot be reached, or nothing is in it. LimitExceededError: it is too large.
    """
    with TemporaryDirectory(prefix="overread-") as scratch:
        fetched = Path(scratch) / "fetched"
        source = _fetch(address, fetched) if remote(address) else Path(address)
        root, sheet = locate(source, Path(scratch) / "images")
        # Without a sheet named by the user the files themselves are the images: a table beside them may list others.
        found = survey(root, Layout(sheet=sheet or "", join=join))
        ours = Path(scratch).resolve() in root.resolve().parents
        yield Source(found, digest(_states(found, ours=ours)))


def remote(address: str) -> bool:
    """Whether it names a protocol rather than a path."""
    return "://" in address


def shown(address: str) -> str:
    """The address without a user name, password or query: what may be printed."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if remote(address) else address


def _fetch(address: str, into: Path) -> Path:
    """Copy what an address names to a folder of ours, file by file; of one zip, the zip."""
    try:
        files, base = fsspec.core.url_to_fs(address)
        whole = files.isfile(base) or not files.isdir(base)
        names = [base] if whole else sorted(files.find(base))
        if len(names) > ARCHIVE_LIMITS.files:
            raise LimitExceededError(f"There are more than {ARCHIVE_LIMITS.files:,} files.", "Score parts of it.")
        into.mkdir(parents=True)
        left = ARCHIVE_LIMITS.total_bytes
        for name in names:
            inner = name.rpartition("/")[2] if whole else name[len(base) :]
            path = into / clean_name(inner)
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.open(name, "rb") as remote_file, path.open("wb") as out:
                while block := remote_file.read(MIB):
                    if (left := left - len(block)) < 0:
                        most = ARCHIVE_LIMITS.total_bytes // MIB
                        raise LimitExceededError(f"There are more than {most:,} MiB.", "Score parts of it.")
                    out.write(block)
    except OverreadError:
        raise
    except ImportError as error:
        raise ArchiveError(
            f"{urlsplit(address).scheme}:// needs a package that is not installed.", f"{error}"
        ) from error
    except Exception as error:  # every protocol has errors of its own
        raise ArchiveError(
            f"{shown(address)} cannot be read ({type(error).__name__}).", "Check the address and who may read it."
        ) from error
    return into / clean_name(base.rpartition("/")[2]) if whole else into


def _states(found: Survey, *, ours: bool) -> Iterator[str]:
    """What tells this state of the images from another; copies of ours have new times every time."""
    for one in found.cases:
        yield one.path
        for name in one.files:
            try:
                state = (found.root / name).stat()
            except OSError:
                yield f"{name} missing"
                continue
            yield f"{name} {state.st_size}" if ours else f"{name} {state.st_size} {state.st_mtime_ns}"
