"""What every student of a class will do, and how long it took."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

SURE = (50, 60, 70, 80, 90, 95, 100)
NAME = "Name for the teacher's list (may be made up)"
SEEN, HOW_SURE, GIVE = "What do you see?", "How sure are you?", "This is my answer"


@dataclass
class Student:
    """One student: what they will say of each case, and what happens to them.

    Attributes:
        plan: finding and confidence, percent, of every case.
        reloads, dies, twice: the case, from 1, at which the page is loaded anew, at which the phone dies and another
            takes over, and which is answered in two tabs; 0 for none.
    """

    name: str
    plan: list[tuple[bool, int]]
    reloads: int = 0
    dies: int = 0
    twice: int = 0

    def said(self, place: int) -> tuple[str, str]:
        """What is chosen of the two questions at a case, from 1."""
        finding, sure = self.plan[place - 1]
        return "tumour" if finding else "no tumour seen", f"{sure} %"


def students(count: int, cases: int, seed: int, ahead: int) -> list[Student]:
    """A class; among the first ``ahead`` and among the others one reloads, one's phone dies, one answers twice."""
    rng = np.random.default_rng(seed)
    class_ = [
        Student(f"Student {n + 1}", [(bool(rng.integers(2)), int(rng.choice(SURE))) for _ in range(cases)])
        for n in range(count)
    ]
    for group in (class_[1:ahead], class_[ahead:]):
        for one, what in zip(group, ("reloads", "dies", "twice"), strict=False):
            setattr(one, what, {"reloads": 2, "dies": 3, "twice": 1}[what])
    return class_


@dataclass
class Pace:
    """How a class goes: seconds in which all come, and seconds that a case is looked at, half to one and a half times.

    Both 0: everybody does everything at once, as no class does.
    """

    arrive: float
    think: float

    def coming(self, rng: np.random.Generator) -> float:
        """When one comes."""
        return float(rng.uniform(0, self.arrive))

    def looking(self, rng: np.random.Generator) -> float:
        """How long one looks at a case; half of it at its truth."""
        return float(self.think * rng.uniform(0.5, 1.5))


@dataclass
class Times:
    """Milliseconds by step."""

    steps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Note how long a step took."""
        before = time.perf_counter()
        yield
        spent = 1000 * (time.perf_counter() - before)
        with self._lock:
            self.steps[step].append(spent)

    def told(self, title: str, within: float = 2000.0) -> Sequence[str]:
        """The steps in lines."""
        lines = [title]
        for step, values in self.steps.items():
            p50, p95, p99 = np.percentile(values, (50, 95, 99))
            lines.append(
                f"{step:>18}: {p50:.0f}, {p95:.0f}, {p99:.0f} ms; longest {max(values):.0f} ms; n = {len(values)}"
            )
        spent = np.concatenate([*self.steps.values()]) if self.steps else np.zeros(0)
        if spent.size:
            fast = int((spent <= within).sum())
            lines.append(f"{'within 2 s':>18}: {fast} of {spent.size} steps ({fast / spent.size:.1%})")
        return lines
