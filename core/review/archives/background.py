"""What every background run shares: who runs it, pause and stop, the heartbeat, and what is left to do.

What the user wants stands in the store, so that any process and any page can ask. Who runs a run is told by a lock on
a file, which the system lets go when the process dies, however it dies: a killed run is free to be taken up at once.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from filelock import FileLock, Timeout

from core.review.store import Store
from core.review.tables import ImportRun, ScoreRun
from core.review.vocabulary import RunState, now

Run = TypeVar("Run", ImportRun, ScoreRun)
BEAT_SECONDS = 1.0
_POLL_SECONDS = 0.1
_TRIES = 10


class RunLock:
    """Whether this process runs a run; held until released or until the process is gone."""

    def __init__(self, store: Store, run: ImportRun | ScoreRun) -> None:
        kind = "import" if isinstance(run, ImportRun) else "score"
        self._path = store.images_folder.parent / "locks" / f"{kind}-{run.id}.lock"
        # Of the run's thread and of whoever waits for it alike, not one a thread.
        self._lock = FileLock(self._path, mode=0o600, thread_local=False)

    def take(self, tries: int = _TRIES) -> bool:
        """Take the lock; false when a living process (or another thread here) holds it.

        Whoever only asks holds it for a moment too, so it is tried for a fifth of a second.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in reversed(range(tries)):
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                if left:
                    time.sleep(0.02)
            else:
                return True
        return False

    def release(self) -> None:
        """Let go."""
        self._lock.release()

    @property
    def path(self) -> Path:
        """The lock's file."""
        return self._path


def is_running(store: Store, run: ImportRun | ScoreRun) -> bool:
    """Whether a living process works on the run."""
    lock = RunLock(store, run)
    if not lock.take(tries=1):
        return True
    lock.release()
    return False


class Watch(Generic[Run]):
    """Beats for a run between its steps, and waits or ends as the user wants.

    Args:
        halt: set when the process is about to end; the run stays as it is and goes on later.
    """

    def __init__(self, store: Store, run: Run, halt: threading.Event) -> None:
        self._store = store
        self._halt = halt
        self._last = time.monotonic()
        self._wanted = RunState.RUNNING
        self._columns: dict[str, object] = {}
        self.run: Run = store.update_run(run, state=RunState.RUNNING.value, message="")

    def step(self, *, force: bool = False, **columns: object) -> bool:
        """Note progress; it is written at most once a second unless forced.

        Returns:
            Whether to go on; while the run is paused the call waits.
        """
        self._columns |= columns
        if not force and time.monotonic() - self._last < BEAT_SECONDS:
            return not self._halt.is_set()
        self._write()
        return self._obey()

    def beat(self) -> None:
        """Keep the heart beating within a long step; what the user wants is read on the way."""
        if time.monotonic() - self._last < BEAT_SECONDS:
            return
        self._write()
        self._wanted = RunState(self.run.wanted)

    def stopped(self) -> bool:
        """Whether a long step should be left: stopped by the user, or the process ends."""
        return self._halt.is_set() or self._wanted is RunState.STOPPED

    def finish(self, state: RunState, message: str = "") -> Run:
        """Note the end of the run, or that it rests."""
        self._columns |= {"state": state.value, "message": message}
        if state in (RunState.DONE, RunState.FAILED):
            self._columns["finished"] = now()
        return self._write()

    def _write(self) -> Run:
        self.run = self._store.update_run(self.run, **self._elapsed(), **self._columns)
        self._columns = {}
        return self.run

    def _elapsed(self) -> dict[str, float]:
        moment = time.monotonic()
        passed, self._last = moment - self._last, moment
        return {"seconds": self.run.seconds + passed} if isinstance(self.run, ScoreRun) else {}

    def _obey(self) -> bool:
        while RunState(self.run.wanted) is RunState.PAUSED:
            if self.run.state != RunState.PAUSED:
                self.run = self._store.update_run(self.run, state=RunState.PAUSED.value)
            if self._halt.wait(_POLL_SECONDS):
                return False
            self.run = self._store.run(type(self.run), self.run.id or 0)
        self._last = time.monotonic()
        self._wanted = RunState(self.run.wanted)
        if self._wanted is RunState.STOPPED or self._halt.is_set():
            return False
        if self.run.state != RunState.RUNNING:
            self.run = self._store.update_run(self.run, state=RunState.RUNNING.value)
        return True


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        state: as kept; ``interrupted`` when it should be running but no process works on it (it can go on).
        done: cases finished, failures among them. total: all of them.
        per_minute: cases a minute while running; ``None`` before the first. seconds_left: at that speed.
        message: why it failed or what it waits for.
    """

    state: RunState
    interrupted: bool
    done: int
    failed: int
    total: int
    per_minute: float | None
    seconds_left: float | None
    message: str = ""

    @property
    def share(self) -> float:
        """Done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def active(self) -> bool:
        """Whether it is still to be finished."""
        return self.state in (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED)


def speed(done: int, total: int, seconds: float) -> tuple[float | None, float | None]:
    """Cases a minute, and the seconds left at that speed."""
    if done <= 0 or seconds <= 0:
        return None, None
    return 60 * done / seconds, seconds / done * max(0, total - done)
