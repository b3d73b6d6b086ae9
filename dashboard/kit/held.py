"""Open uploads that survive a reload: found again by an unguessable address, by the same person, for a limited time."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from core.imaging.study import Study
from core.systems import Match

MINUTES = 60
MAX_BYTES = 1024 * 1024 * 1024
_TOKEN_BYTES = 24
_POINT = 128  # bytes of a list of two numbers


@dataclass(frozen=True, eq=False)
class Upload:
    """What is needed to open an upload again; no answer of a model is among it.

    Attributes:
        study, match: as they were read. files: the uploaded files, for DICOM objects and for an archive.
        measures: what the person drew in the viewer, by series, see :class:`~dashboard.kit.cases.OpenCase`: open cases
            of this upload write into it, so that it is as they left it and goes with the upload.
        priors: opened beside it, likewise.
    """

    study: Study
    match: Match
    files: tuple[tuple[str, bytes], ...] = field(repr=False, default=())
    measures: dict[str, list[dict[str, Any]]] = field(repr=False, default_factory=dict)
    priors: list[Study] = field(repr=False, default_factory=list)

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        points = sum(len(one["points"]) for drawn in list(self.measures.values()) for one in drawn)
        pixels = sum(int(s.pixels.nbytes) for study in (self.study, *self.priors) for s in study.series)
        return pixels + sum(len(data) for _, data in self.files) + _POINT * points


@dataclass(eq=False)
class _Kept:
    upload: Upload
    person: int
    until: float


class HeldUploads:
    """Uploads of a process by token. In memory only: what is over, and the oldest where memory is short, is let go.

    Args:
        minutes: after the last time that it was opened.
        limit: bytes in all. clock: seconds that only grow.
    """

    def __init__(
        self, minutes: float = MINUTES, limit: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._limit, self._clock = minutes * 60, limit, clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def hold(self, upload: Upload, person: int) -> str | None:
        """Keep an upload for one person; its token, or ``None`` where it is too large to be kept."""
        if upload.nbytes > self._limit:
            return None
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._lock:
            self._sweep()
            self._kept[token] = _Kept(upload, person, self._clock() + self._seconds)
            while sum(kept.upload.nbytes for kept in self._kept.values()) > self._limit:
                self._kept.popitem(last=False)
        return token

    def find(self, token: str, person: int) -> Upload | None:
        """An upload by its token; ``None`` when it is over, unknown or another person's. Its time begins anew."""
        with self._lock:
            self._sweep()
            kept = self._kept.get(token)
            if kept is None or kept.person != person:
                return None
            kept.until = self._clock() + self._seconds
            self._kept.move_to_end(token)
            return kept.upload

    def forget(self, token: str, person: int) -> None:
        """Delete an upload before its time."""
        with self._lock:
            kept = self._kept.get(token)
            if kept is not None and kept.person == person:
                del self._kept[token]

    def minutes_left(self, token: str) -> float:
        """Minutes until it is deleted; 0 when it is not there."""
        with self._lock:
            kept = self._kept.get(token)
            return 0.0 if kept is None else max(kept.until - self._clock(), 0.0) / 60

    def watch(self, every: float) -> Self:
        """Delete what is over also while nobody asks, every so many seconds."""

        def sweeping() -> None:
            while True:
                time.sleep(every)
                with self._lock:
                    self._sweep()

        threading.Thread(target=sweeping, name="overread-held", daemon=True).start()
        return self

    def drop_oldest(self) -> bool:
        """Delete the oldest before its time, where memory is short; false when there is none."""
        with self._lock:
            return bool(self._kept) and self._kept.popitem(last=False) is not None

    def _sweep(self) -> None:
        now = self._clock()
        for token in [token for token, kept in self._kept.items() if kept.until <= now]:
            del self._kept[token]
