"""Reads damaged files one after another in a process of its own, and says how each ended."""

from __future__ import annotations

import random
import resource
import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from tests.long.fuzz.mutations import mutated
from tests.long.fuzz.seeds import SEEDS

MOST_SECONDS = 20.0  # of computing, for one small file on a busy machine
MOST_MEMORY = 4 * 2**30
ENDS = ("read", "told", "other exception", "slow", "crash")


@dataclass
class End:
    """How one input ended.

    Attributes:
        number: of the input. kind: of the seed. how: one of :data:`ENDS`.
        seconds: of computing. why: exception, or what the catch-all of the reader caught, by place in the code.
    """

    number: int
    kind: str
    how: str
    seconds: float
    why: str = ""


def make(seed: int, number: int) -> tuple[str, bytes]:
    """Kind and bytes of an input."""
    rng = random.Random(f"{seed} {number}")
    kind = list(SEEDS)[number % len(SEEDS)]
    return kind, mutated(kind, rng)


def attempt(number: int, kind: str, data: bytes) -> End:
    """Read one input."""
    from core.errors import OverreadError
    from core.imaging import Limits, read

    began = time.process_time()
    how, why = "read", ""
    try:
        study = read([("upload", data)], Limits(total_voxels=4_000_000, total_bytes=2**26))
        for series in study.series:
            if not (series.pixels.dtype == np.float32 and np.isfinite(series.pixels).all()):
                how, why = "other exception", "pixels that are no numbers"
    except OverreadError as error:
        how, why = "told", _place(error.__cause__)
    except BaseException as error:
        how, why = "other exception", f"{type(error).__name__}: {_place(error)}"
    seconds = time.process_time() - began
    return End(number, kind, "slow" if how != "other exception" and seconds > MOST_SECONDS else how, seconds, why)


def _place(error: BaseException | None) -> str:
    """Kind of an exception and the last line of our own code that it passed."""
    if error is None:
        return ""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "/core/" in f.filename]
    where = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{where}"


def work(pipe: Connection, seed: int, numbers: range) -> None:
    """Read inputs one after another; each is announced before it is read."""
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in numbers:
        kind, data = make(seed, number)
        pipe.send(("begin", number, kind))
        end = attempt(number, kind, data)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        pipe.send(("end", asdict(end), memory))
    pipe.send(("done", None, None))
