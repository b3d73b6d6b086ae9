"""What the node holds on disk: images that came in, results that go out, and a journal of both.

An image is acknowledged when its file is on the disk, and removed when its case is in the store and its results are in
the outbox; a result is removed when the other side has acknowledged it. Whatever is killed in between, the next start
finds the rest. Files that wait here name patients: the folder is its owner's alone, and the journal names nobody.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pydicom

from core.errors import StoreError, UnreadableFileError
from core.review.kept.images import write_atomically

FREE_BYTES = 1024**3  # below so much free disk nothing more is taken
LONGEST = 3600.0  # seconds between two attempts at most
_log = logging.getLogger(__name__)
_UIDS = ["StudyInstanceUID", "SOPInstanceUID"]


@dataclass(frozen=True)
class Result:
    """One object on its way out.

    Attributes:
        name: its file's, without ending. place: where it goes. kind: ``seg-binary``, ``sr``, ...
        attempts: how often it was tried. due: time (seconds since 1970) of the next attempt. error: of the last one.
    """

    name: str
    place: str
    kind: str
    attempts: int = 0
    due: float = 0.0
    error: str = ""


class Spool:
    """The node's folder.

    Args:
        folder: made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._inbox, self._unread = folder / "inbox", folder / "unread"
        self._outbox, self._sent = folder / "outbox", folder / "sent"
        for path in (self._inbox, self._unread, self._outbox, self._sent):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)

    # in

    def keep(self, data: bytes) -> str:
        """Put a received file on the disk, by its study.

        Returns:
            The study's key: a hash, as the journal has it.

        Raises:
            StoreError: the disk is full. UnreadableFileError: it names no study or image.
        """
        if shutil.disk_usage(self.folder).free < FREE_BYTES:
            raise StoreError("The disk of the DICOM node is nearly full.", "Make room; the sender will try again.")
        head = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=_UIDS)
        study, image = (str(head.get(keyword, "") or "") for keyword in _UIDS)
        if not study or not image:
            raise UnreadableFileError("The file names no study or no image.", "Send it from its archive.")
        key = _short(study)
        write_atomically(self._inbox / key / f"{_short(image)}.dcm", data)
        return key

    def quiet(self, seconds: float, since: float = 0.0) -> Iterator[tuple[str, Path]]:
        """Key and folder of every study to which nothing was added for so long, counted from ``since`` at the earliest.

        A node that was away could not be sent the rest of a study meanwhile.
        """
        for folder in sorted(self._inbox.iterdir()):
            files = [path for path in folder.iterdir() if not path.name.startswith(".")]
            if not files:
                shutil.rmtree(folder, ignore_errors=True)
            elif time.time() - max(since, *(path.stat().st_mtime for path in files)) >= seconds:
                yield folder.name, folder

    def done(self, folder: Path, names: Sequence[str]) -> None:
        """Remove the files of a study that were dealt with; what came meanwhile stays."""
        for name in names:
            (folder / name).unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()

    def set_aside(self, folder: Path, names: Sequence[str]) -> None:
        """Keep files that nothing could read, for whoever looks after the node."""
        for name in names:
            aside = self._unread / folder.name
            aside.mkdir(exist_ok=True, mode=0o700)
            os.replace(folder / name, aside / name)

    # out

    def put(self, name: str, kind: str, place: str, data: bytes) -> bool:
        """Queue a result, unless the same was queued or sent before. Returns whether it is new."""
        if (self._sent / name).exists() or (self._outbox / f"{name}.json").exists():
            return False
        write_atomically(self._outbox / f"{name}.dcm", data)
        self._write(Result(name, place, kind))
        return True

    def waiting(self) -> list[Result]:
        """Results that were not acknowledged yet, the oldest first."""
        found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self._outbox.glob("*.json"))]
        return sorted((Result(**one) for one in found), key=lambda one: one.due)

    def data(self, result: Result) -> bytes:
        """The object itself."""
        return (self._outbox / f"{result.name}.dcm").read_bytes()

    def acknowledged(self, result: Result) -> None:
        """Note that a result has arrived, and let it go."""
        write_atomically(self._sent / result.name, b"")
        (self._outbox / f"{result.name}.json").unlink(missing_ok=True)
        (self._outbox / f"{result.name}.dcm").unlink(missing_ok=True)

    def again(self, result: Result, error: str) -> Result:
        """Put a result off after a failed attempt, twice as long each time."""
        wait = min(5.0 * 2**result.attempts, LONGEST)
        later = replace(result, attempts=result.attempts + 1, due=time.time() + wait, error=error)
        self._write(later)
        return later

    def at_once(self) -> None:
        """Let everything that waits be tried again now."""
        for result in self.waiting():
            self._write(replace(result, due=0.0))

    def _write(self, result: Result) -> None:
        write_atomically(self._outbox / f"{result.name}.json", json.dumps(asdict(result)).encode())

    # told

    def note(self, event: str, **facts: Any) -> None:
        """Add a line to the journal: what happened, when, to which study; never a name.

        On a full disk the line is left out: what it tells of has happened all the same.
        """
        line = json.dumps({"at": time.time(), "event": event, **facts}) + "\n"
        try:
            with (self.folder / "journal.jsonl").open("a", encoding="utf-8") as journal:
                journal.write(line)
        except OSError as error:
            _log.error("the journal cannot be written to: %s", error.strerror)

    def journal(self, last: int = 200) -> list[dict[str, Any]]:
        """The latest lines of the journal, the newest first; a line that a kill cut short is left out."""
        path = self.folder / "journal.jsonl"
        if not path.exists():
            return []
        out = []
        for line in reversed(path.read_text(encoding="utf-8").splitlines()[-last:]):
            try:
                out.append(json.loads(line))
            except ValueError:
                continue
        return out

    def counts(self) -> dict[str, int]:
        """How many images wait to be read, or could not be, and how many results wait, or were sent."""
        return {
            "received, waiting": sum(1 for _ in self._inbox.glob("*/*.dcm")),
            "unread": sum(1 for _ in self._unread.glob("*/*.dcm")),
            "results waiting": sum(1 for _ in self._outbox.glob("*.json")),
            "results sent": sum(1 for _ in self._sent.iterdir()),
        }


def _short(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:20]
