"""Where an import's files lie: a folder as it is, a zip or an upload unpacked beside the store, within the limits."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from core.errors import ArchiveError, LimitExceededError, OverreadError, UnreadableFileError
from core.imaging.archive import clean_name, walk
from core.imaging.limits import MIB, Budget, Limits
from core.places import sha256_of
from core.review.kept.images import told_disk_errors

# A whole archive may be larger than one upload that is reviewed; each case must still fit the limits of a study.
ARCHIVE_LIMITS = Limits(total_bytes=8 * 1024 * MIB, files=200_000)
_SKIPPED = ".skipped.json"
_NAMES = (errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG)  # what a member's name alone brings about
_SHOWN = 60
_LARGEST_ZIP = 2 * 1024 * MIB  # it is unpacked from memory


def staging_folder(images_folder: Path) -> Path:
    """Where uploads and zips wait for their import: beside the images, removed when the import is done."""
    return images_folder.parent / "imports"


def stage_upload(images_folder: Path, files: Sequence[tuple[str, bytes]], limits: Limits = ARCHIVE_LIMITS) -> Path:
    """Put uploaded files (zips unpacked, sheets beside them) into a folder of their own.

    The folder is named after the content: the same upload gives the same folder, so that its import can go on.

    Raises:
        LimitExceededError: too many files or bytes.
        ArchiveError: nothing was uploaded.
    """
    if not files:
        raise ArchiveError("Nothing was uploaded.", "Choose a zip, or scans with a sheet (CSV).")
    digest = hashlib.sha256()
    for name, data in files:
        digest.update(f"{clean_name(name)}:{len(data)}:".encode() + hashlib.sha256(data).digest())
    folder = staging_folder(images_folder) / f"upload-{digest.hexdigest()[:16]}"
    if not folder.is_dir():
        _unpack(files, folder, limits)
    return _descend(folder)


def real_path(source: Path) -> Path:
    """A path that somebody typed, with all links followed.

    Raises:
        ArchiveError: it is no path: links in a ring, a name that no file can have, a home folder of nobody.
    """
    try:
        path = source.expanduser().resolve()
        path.exists()  # too long a name is told by asking only
    except (OSError, RuntimeError, ValueError) as error:
        raise ArchiveError("This is no path of a folder or file.", "Check how it is written, and its links.") from error
    return path


def locate(source: Path, images_folder: Path, limits: Limits = ARCHIVE_LIMITS) -> tuple[Path, str | None]:
    """Folder of a source on disk, and the sheet it names: a folder, a zip (unpacked on first use) or a CSV.

    Raises:
        ArchiveError: it is not there, or none of these.
        LimitExceededError: a zip that unpacks to too much.
    """
    source = real_path(source)
    if source.is_dir():
        return source, None
    if not source.is_file():
        raise ArchiveError("There is no such folder or file.", "Give a folder, a zip or a CSV on this machine.")
    if source.suffix.lower() in (".csv", ".tsv"):
        return source.parent, source.name
    if source.suffix.lower() != ".zip":
        raise ArchiveError("It is neither a folder, a zip nor a CSV.", "Give its folder instead.")
    if source.stat().st_size > _LARGEST_ZIP:
        raise LimitExceededError(
            f"The zip is larger than {_LARGEST_ZIP // MIB:,} MiB.", "Unpack it and import the folder."
        )
    folder = staging_folder(images_folder) / f"zip-{sha256_of(source)[:16]}"
    if not folder.is_dir():
        _unpack([(source.name, source.read_bytes())], folder, limits)
    return _descend(folder), None


def clear(root: Path, images_folder: Path) -> None:
    """Remove what was unpacked for an import that is done; a user's own folder is never touched."""
    base = staging_folder(images_folder).resolve()
    if base in root.resolve().parents:
        shutil.rmtree(base / root.resolve().relative_to(base).parts[0], ignore_errors=True)


def skipped(root: Path, images_folder: Path) -> tuple[tuple[str, OverreadError], ...]:
    """Members of an upload or zip that could not be unpacked, and why; none for a user's own folder."""
    base = staging_folder(images_folder).resolve()
    if base not in root.resolve().parents:
        return ()
    note = base / root.resolve().relative_to(base).parts[0] / _SKIPPED
    if not note.is_file():
        return ()
    told = json.loads(note.read_text(encoding="utf-8"))
    return tuple((name, UnreadableFileError(message, remedy)) for name, message, remedy in told)


def _unpack(files: Sequence[tuple[str, bytes]], folder: Path, limits: Limits) -> None:
    """Unpack to a folder that appears only when it is complete."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    waiting = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        with told_disk_errors():
            _fill(waiting, files, limits)
            try:
                os.replace(waiting, folder)
            except OSError:
                if not folder.is_dir():  # else the same upload, sent twice, was quicker: it holds the same
                    raise
    finally:
        shutil.rmtree(waiting, ignore_errors=True)


def _fill(waiting: Path, files: Sequence[tuple[str, bytes]], limits: Limits) -> None:
    """Write what can be unpacked; a member that cannot costs itself only, and a note says why."""
    bad: list[tuple[str, OverreadError]] = []
    for entry in walk(files, Budget(limits)):
        if entry.error is not None:
            bad.append((entry.name, entry.error))
            continue
        if clean_name(entry.name) == _SKIPPED:  # the note is ours alone
            continue
        try:
            path = _free(waiting / clean_name(entry.name))
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno not in _NAMES:
                raise
            told = "Its name is too long, or a folder on its path is a file in the same upload."
            bad.append((clean_name(entry.name)[:_SHOWN], UnreadableFileError(told, "Rename it and upload it again.")))
            continue
        path.write_bytes(entry.data)
    if bad and not any(waiting.iterdir()):
        raise bad[0][1]
    if bad:
        told_of = [[name, error.message, error.remedy] for name, error in bad]
        (waiting / _SKIPPED).write_text(json.dumps(told_of), encoding="utf-8")


def _free(path: Path) -> Path:
    """The path, or one with a number where two members of a zip have the same name."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _descend(folder: Path) -> Path:
    """Into the one folder that a zip of a folder holds."""
    while True:
        inner = [path for path in folder.iterdir() if not path.name.startswith(".")]
        if len(inner) != 1 or not inner[0].is_dir():
            return folder
        folder = inner[0]
