"""Files of a folder that somebody named: nothing outside it is read."""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

from core.errors import OverreadError, UnreadableFileError
from core.imaging.reader import read
from core.imaging.study import Study


def inside(root: Path, name: str) -> Path:
    """A file of the source; refused when a link leads out of the root.

    Raises:
        UnreadableFileError: it is not there, or outside.
    """
    path = (root / name).resolve()
    if root != path and root not in path.parents:
        raise UnreadableFileError("The path leads out of the archive's folder.", "Put the file into the folder.")
    if not path.is_file():
        raise UnreadableFileError("There is no such file.", "Correct the path, or add the file and import again.")
    return path


def read_files(root: Path, names: Sequence[str]) -> list[tuple[str, bytes]]:
    """Name and bytes of files of a source.

    Raises:
        UnreadableFileError: one is missing, outside the folder, or cannot be opened.
    """
    out = []
    for name in names:
        path = inside(root, name)
        try:
            out.append((name, path.read_bytes()))
        except OSError as error:
            raise UnreadableFileError(f"It cannot be opened ({error.strerror}).", "Check its permissions.") from error
    return out


def decoded(root: Path, names: Sequence[str]) -> Study | OverreadError:
    """The study in some files of a folder, or why there is none: what a decoding process does."""
    try:
        return read(read_files(root, names))
    except OverreadError as error:
        return error
    except (MemoryError, RecursionError) as error:
        return UnreadableFileError(f"Reading it failed ({type(error).__name__}).", "Look at the file by itself.")


def let_studies_travel() -> None:
    """Make studies fit to be sent between processes of ours: pickle knows no read-only mappings, which tags are."""
    copyreg.pickle(MappingProxyType, lambda tags: (_read_only, (dict(tags),)))


def _read_only(tags: dict[str, str]) -> MappingProxyType[str, str]:
    return MappingProxyType(tags)
