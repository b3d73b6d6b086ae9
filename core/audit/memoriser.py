"""What remembering alone is worth: the label of the training picture most alike, with and without the test's own cases.

It learns nothing of disease. What it scores above the same training part without the test's groups is what a leak pays
to a network that remembers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import places
from core.audit.fingerprint import Table
from core.errors import DataLayoutError
from core.statistics.intervals import Interval, bootstrap_by_group, paired_bootstrap

FOLDER = places.FILES / "data" / "leaks"
TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Leak:
    """Share of test pictures that the memoriser labels rightly, by what it may remember. Intervals draw test groups.

    Attributes:
        name: of the set. classes: labels told apart. test, groups: test pictures, and the groups they are of.
        shared: test pictures whose group has pictures in the training part too.
        published: remembering the whole training part; ``remembered`` pictures.
        without: remembering it without every group of the test part; ``kept`` pictures.
        fewer: remembering as few pictures as that, drawn at random, the test's groups among them: the mean of the
            same answers over ``draws`` draws, so that having less to remember does not pass for the leak.
        inflation: ``fewer - without`` on the same pictures.
    """

    name: str
    classes: int
    test: int
    groups: int
    shared: int
    remembered: int
    kept: int
    draws: int
    published: Interval
    without: Interval
    fewer: Interval
    inflation: Interval

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Leak:
        """From what is stored."""
        kept = json.loads(text)
        read: dict[str, Any] = {n: Interval(**v) if isinstance(v, dict) else v for n, v in kept.items()}
        return cls(**read)


def recall(remembered: NDArray[np.float32], labels: NDArray[np.str_], asked: NDArray[np.float32]) -> NDArray[np.str_]:
    """Label of the most alike remembered picture (1-nearest neighbour by cosine), for every picture asked.

    Args:
        remembered: ``(N, F)`` rows of length 1, see :class:`Table`. labels: ``(N,)``. asked: ``(M, F)``.
    """
    return np.asarray(labels[(asked @ remembered.T).argmax(axis=1)])


def leak(name: str, table: Table, *, draws: int = 20, resamples: int = 1000, seed: int = 0) -> Leak:
    """Measure what a set's published parts pay to a memoriser.

    Raises:
        DataLayoutError: the set has no parts ``train`` and ``test``, no groups, or nothing is left to remember.
    """
    if table.groups is None or table.splits is None:
        raise DataLayoutError(f"{name} names no groups or no parts.", "A leak is between the parts of a set's groups.")
    train, test = table.splits == TRAIN, table.splits == TEST
    clean = train & ~np.isin(table.groups, table.groups[test])
    if not test.any() or not clean.any():
        raise DataLayoutError(f"{name} has no test part, or all its groups are in it.", "Pass a set with both parts.")
    truth, asked, units = table.labels[test], table.thumbnails[test], table.groups[test]

    def right(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        return (recall(table.thumbnails[rows], table.labels[rows], asked) == truth).astype(np.float64)

    rng, rows, kept = np.random.default_rng(seed), np.flatnonzero(train), int(clean.sum())
    fewer = np.mean([right(rng.choice(rows, kept, replace=False)) for _ in range(draws)], axis=0)
    without = right(np.flatnonzero(clean))

    def mean(values: NDArray[np.float64]) -> Interval:
        return bootstrap_by_group(_mean, [values], units, n=resamples, seed=seed)

    return Leak(
        name=name,
        classes=len(np.unique(table.labels)),
        test=int(test.sum()),
        groups=len(np.unique(units)),
        shared=int(np.isin(units, table.groups[train]).sum()),
        remembered=len(rows),
        kept=kept,
        draws=draws,
        published=mean(right(rows)),
        without=mean(without),
        fewer=mean(fewer),
        inflation=paired_bootstrap(_mean, [fewer], [without], units, n=resamples, seed=seed).difference,
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean())


def stored(folder: Path = FOLDER) -> list[Leak]:
    """Leaks measured so far, by the name of the set."""
    return [Leak.from_json(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
