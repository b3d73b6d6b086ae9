"""What child processes of the tests do; importable, so that a fresh interpreter finds it."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from core.engine.engine import Engine
from core.engine.results import Review
from core.review.batch.score import score


def score_and_tell(weights: Path, folder: Path, out: Path, told: Connection) -> None:
    score(str(folder), out, Engine(weights), "brain-mr", processes=0, chunk=2, told=lambda done, _: told.send(done))


class EndsOnce(Engine):
    """An engine whose process is killed by the first review after ``mark`` was made, once for all processes."""

    def __init__(self, weights: Path, mark: Path) -> None:
        super().__init__(weights)
        self._mark = mark

    def review(self, *args: Any, **options: Any) -> Review:
        try:
            self._mark.rename(self._mark.with_suffix(".used"))
        except FileNotFoundError:
            return super().review(*args, **options)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError
