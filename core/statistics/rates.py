"""What a yes-or-no answer at a threshold is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import binary_truth, probabilities, same_length


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else float("nan")


@dataclass(frozen=True)
class BinaryRates:
    """The fourfold table and all that follows from it. A figure whose denominator is 0 is ``nan``.

    Attributes:
        tp, fp, tn, fn: cases; "positive" means that the model says finding.
        threshold: probability from which on (``>=``) the model says finding.
    """

    tp: int
    fp: int
    tn: int
    fn: int
    threshold: float = float("nan")

    @property
    def n(self) -> int:
        """All cases."""
        return self.tp + self.fp + self.tn + self.fn

    @property
    def sensitivity(self) -> float:
        """``tp / (tp + fn)``: share of the diseased that are found."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """``tn / (tn + fp)``: share of the healthy that are cleared."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> float:
        """``tp / (tp + fp)``: share of findings that are right, at this set's prevalence."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> float:
        """``tn / (tn + fn)``: share of clearances that are right, at this set's prevalence."""
        return _ratio(self.tn, self.tn + self.fn)

    @property
    def accuracy(self) -> float:
        """``(tp + tn) / n``; read it beside the share of the larger class."""
        return _ratio(self.tp + self.tn, self.n)

    @property
    def balanced_accuracy(self) -> float:
        """``(sensitivity + specificity) / 2``; 0.5 for any constant answer."""
        return (self.sensitivity + self.specificity) / 2

    @property
    def f1(self) -> float:
        """``2 tp / (2 tp + fp + fn)``."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def diagnostic_odds_ratio(self) -> float:
        """``tp tn / (fp fn)``. Haldane-Anscombe: 0.5 is added to all four cells when any of them is 0."""
        cells = np.array([self.tp, self.fp, self.tn, self.fn], dtype=float)
        if not cells.sum():
            return float("nan")
        tp, fp, tn, fn = cells + 0.5 if (cells == 0).any() else cells
        return float(tp * tn / (fp * fn))

    @property
    def number_needed_to_screen(self) -> float:
        """``n / tp``: cases that go through the model for one disease found; infinite when none is found."""
        return self.n / self.tp if self.tp else float("inf")

    @property
    def reads_per_finding(self) -> float:
        """``(tp + fp) / tp = 1 / ppv``: flagged cases a reader opens for one true one; infinite when none is true."""
        return (self.tp + self.fp) / self.tp if self.tp else float("inf")


def binary_rates(truth: ArrayLike, probability: ArrayLike, threshold: float) -> BinaryRates:
    """Fourfold table at a threshold: ``probability >= threshold`` says finding.

    Args:
        truth: ``(N,)``, 1 for the positive class.
        probability: ``(N,)`` in [0, 1].
        threshold: in [0, 1].

    Raises:
        StatisticsInputError: labels other than 0/1, values outside [0, 1], unequal lengths.

    >>> r = binary_rates([1, 1, 1, 0, 0], [0.9, 0.6, 0.2, 0.7, 0.1], 0.5)
    >>> (r.tp, r.fp, r.tn, r.fn, round(r.sensitivity, 3), r.specificity)
    (2, 1, 1, 1, 0.667, 0.5)
    """
    labels, values = binary_truth(truth), probabilities(probability)
    same_length(truth=labels, probability=values)
    # A Python float would be rounded to float32 beside a float32 array: compare in double precision everywhere.
    positive = values.astype(np.float64) >= float(threshold)
    return BinaryRates(
        tp=int((positive & labels).sum()),
        fp=int((positive & ~labels).sum()),
        tn=int((~positive & ~labels).sum()),
        fn=int((~positive & labels).sum()),
        threshold=float(threshold),
    )
