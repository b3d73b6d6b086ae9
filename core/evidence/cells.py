"""The cases behind a cell of a confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.weights.predictions import Part


@dataclass(frozen=True)
class Cell:
    """One cell: its key, what it is called, its count, and the count of its true class."""

    key: str
    name: str
    count: int
    of: int

    @property
    def share(self) -> float:
        """Of the true class, in [0, 1]; 0 where that is empty."""
        return self.count / self.of if self.of else 0.0


CELLS = {
    "found": (True, True),
    "missed": (False, True),
    "false alarms": (True, False),
    "cleared": (False, False),
}  # what the model said, what is true


def fourfold(part: Part, threshold: float) -> dict[str, Cell]:
    """The four cells at a threshold, by name."""
    said = part.finding >= threshold
    out = {}
    for name, (flagged, truth) in CELLS.items():
        count = int(((said == flagged) & (part.truth == truth)).sum())
        out[name] = Cell(name, name, count, int((part.truth == truth).sum()))
    return out


def fourfold_cases(part: Part, threshold: float, name: str) -> pd.DataFrame:
    """Image, group, true class and probability of a finding of a cell's cases, the surest answers first."""
    flagged, truth = CELLS[name]
    rows = np.flatnonzero(((part.finding >= threshold) == flagged) & (part.truth == truth))
    return _frame(part, rows[np.argsort(-part.finding[rows] if flagged else part.finding[rows], kind="stable")])


def by_class(part: Part) -> list[list[Cell]]:
    """A row for every true class, a cell for every class that the largest probability may say."""
    names, answer = part.card.classes, part.calibrated.argmax(axis=1)
    return [
        [
            Cell(f"{k}-{j}", name, int(((part.classes == k) & (answer == j)).sum()), int((part.classes == k).sum()))
            for j, name in enumerate(names)
        ]
        for k in range(len(names))
    ]


def class_cases(part: Part, truth: int, said: int) -> pd.DataFrame:
    """The cases of a cell of :func:`by_class`, the surest answers first; the probability is that of the said class."""
    sure = part.calibrated[:, said]
    rows = np.flatnonzero((part.classes == truth) & (part.calibrated.argmax(axis=1) == said))
    frame = _frame(part, rows[np.argsort(-sure[rows], kind="stable")])
    frame["probability"] = sure[rows[np.argsort(-sure[rows], kind="stable")]].round(4)
    return frame


def _frame(part: Part, rows: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image": part.ids[rows],
            "group": part.groups[rows],
            "truth": [part.card.classes[k] for k in part.classes[rows]],
            "probability": part.finding[rows].round(4),
        }
    )
