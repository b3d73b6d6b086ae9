"""What a threshold means for a practice: rates with intervals, at a chosen prevalence, per 1,000 patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.statistics._checks import FloatArray, StatisticsInputError, binary_truth, probabilities, same_length
from core.statistics.intervals import Interval, describe, group_codes, group_weights, percentile
from core.statistics.perfect import f1_past_perfection, past_perfection
from core.statistics.rates import BinaryRates, binary_rates


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on one set of cases, and what it would mean at another prevalence.

    ``ppv``, ``npv``, ``number_needed_to_screen`` and ``per_1000`` are at ``prevalence`` (Bayes, from sensitivity and
    specificity); all other figures are those of the set itself.

    Attributes:
        rates: the fourfold table of the set.
        prevalence: in (0, 1), as asked.
        number_needed_to_screen: ``1 / (prevalence * sensitivity)``: people who go through the model for one disease
            found. reads_per_finding: ``1 / ppv``: flagged people a reader opens for one true finding.
        diagnostic_odds_ratio: ``tp tn / (fp fn)``; 0.5 is added to every cell when one of them is 0;
            ``nan`` where every case gets the same answer.
        per_1000: of 1,000 people, in this order: found, missed, false alarms, rightly cleared.
    """

    rates: BinaryRates
    prevalence: float
    sensitivity: Interval
    specificity: Interval
    balanced_accuracy: Interval
    accuracy: Interval
    f1: Interval
    ppv: Interval
    npv: Interval
    diagnostic_odds_ratio: Interval
    number_needed_to_screen: Interval
    reads_per_finding: Interval
    per_1000: tuple[Interval, Interval, Interval, Interval]


_F1 = 13  # places of the figures below that are named
_PPV, _NPV = 4, 5


def _figures(tables: FloatArray, prevalence: float) -> list[FloatArray]:
    """All figures of the fourfold tables ``(R, 4)`` (tp, fp, tn, fn), in the order of :class:`OperatingPoint`."""
    tp, fp, tn, fn = tables.T
    with np.errstate(invalid="ignore", divide="ignore"):
        sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
        found, missed = prevalence * sensitivity, prevalence * (1 - sensitivity)
        alarms, cleared = (1 - prevalence) * (1 - specificity), (1 - prevalence) * specificity
        empty = np.where((tp == 0) | (fp == 0) | (tn == 0) | (fn == 0), 0.5, 0.0)
        odds = (tp + empty) * (tn + empty) / ((fp + empty) * (fn + empty))
        odds = np.where((tp + fp == 0) | (tn + fn == 0), np.nan, odds)  # who always says the same has no odds
        return [
            sensitivity,
            specificity,
            (sensitivity + specificity) / 2,
            (tp + tn) / (tp + fp + tn + fn),
            found / (found + alarms),
            cleared / (cleared + missed),
            odds,
            1 / found,
            (found + alarms) / found,
            *(1000 * share for share in (found, missed, alarms, cleared)),
            2 * tp / (2 * tp + fp + fn),
        ]


def operating_point(
    truth: ArrayLike,
    probability: ArrayLike,
    threshold: float,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    prevalence: float | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> OperatingPoint:
    """Everything that follows from a threshold, with intervals that draw whole groups.

    The groups' fourfold tables are counted once and the resampled ones summed by a matrix product, so that a slider
    can ask for it at every step.

    Args:
        truth: ``(N,)`` 0/1. probability: ``(N,)`` in [0, 1]. threshold: in [0, 1], ``>=`` says finding.
        groups: ``(N,)`` patients, drawn whole; ``None`` draws cases.
        prevalence: in (0, 1); by default the share of positives among the cases.

    Raises:
        StatisticsInputError: prevalence outside (0, 1), wrong or unequal arrays, no cases.

    >>> p = operating_point([1, 1, 0, 0], [0.9, 0.2, 0.7, 0.1], 0.5, prevalence=0.1, n=10)
    >>> p.sensitivity.value, round(p.ppv.value, 3), p.number_needed_to_screen.value, p.per_1000[0].value
    (0.5, 0.1, 20.0, 50.0)
    """
    return operating_points(truth, probability, [threshold], groups, prevalence, n, seed, level)[0]


def operating_points(
    truth: ArrayLike,
    probability: ArrayLike,
    thresholds: Sequence[float],
    groups: Sequence[Any] | NDArray[Any] | None = None,
    prevalence: float | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> list[OperatingPoint]:
    """:func:`operating_point` at many thresholds, all from the same resamples."""
    labels, values = binary_truth(truth), probabilities(probability).astype(np.float64)
    cases = same_length(truth=labels, probability=values)
    if not cases:
        raise StatisticsInputError("No cases at this threshold.", "Pass at least one case.")
    share = float(labels.mean()) if prevalence is None else float(prevalence)
    if not 0 < share < 1:
        raise StatisticsInputError(f"A prevalence of {share:g} leaves one class empty.", "Choose one between 0 and 1.")
    codes, count = group_codes(groups, cases)
    drawn = group_weights(count, n, seed)
    method = describe(count, cases, n)
    found = []
    for threshold in thresholds:
        flagged = values >= float(threshold)
        cells = np.stack(
            [
                np.bincount(codes, weights=cell, minlength=count)
                for cell in (flagged & labels, flagged & ~labels, ~flagged & ~labels, ~flagged & labels)
            ]
        )
        whole = _figures(cells.sum(axis=1)[None], share)
        resampled = _figures(np.concatenate([weights @ cells.T for weights in drawn]), share)
        nothing = (float("nan"), float("nan"))
        made = [
            Interval(float(one[0]), *(percentile(many, level) if count > 1 else nothing), cases, count, method, level)
            for one, many in zip(whole, resampled, strict=True)
        ]
        if count > 1 and flagged.any() and not flagged.all():  # a constant answer has its rates by definition
            for place, rows in ((0, labels), (1, ~labels), (3, np.ones(cases, bool))):
                made[place] = past_perfection(made[place], codes[rows])
            made[_F1] = f1_past_perfection(made[_F1], codes[flagged | labels])
            made = _follow(made, share)
        found.append(_point(binary_rates(labels, values, threshold), share, made))
    return found


def _follow(made: Sequence[Interval], prevalence: float) -> list[Interval]:
    """The figures with what a bound on a perfect sensitivity or specificity means for those that follow from the two.

    A predictive value of 0 or 1 is as far from certain as the rate that it comes from; so is a share of nobody missed.
    """
    out = list(made)
    sensitivity, specificity = made[0], made[1]

    def put(place: int, low: float, high: float, method: str) -> None:
        out[place] = replace(made[place], low=min(low, high), high=max(low, high), method=method)

    def both(place: int, ends: FloatArray, method: str) -> None:
        put(place, float(ends[0]), float(ends[1]), method)

    def ppv(found: float, cleared: float) -> float:
        true, false = prevalence * found, (1 - prevalence) * (1 - cleared)
        return true / (true + false) if true + false else float("nan")

    def npv(found: float, cleared: float) -> float:
        true, false = (1 - prevalence) * cleared, prevalence * (1 - found)
        return true / (true + false) if true + false else float("nan")

    if made[_PPV].value == 1:
        put(_PPV, ppv(sensitivity.value, specificity.low), 1.0, specificity.method)
    elif made[_PPV].value == 0:
        put(_PPV, 0.0, ppv(sensitivity.high, specificity.value), sensitivity.method)
    if made[_NPV].value == 1:
        put(_NPV, npv(sensitivity.low, specificity.value), 1.0, sensitivity.method)
    elif made[_NPV].value == 0:
        put(_NPV, 0.0, npv(sensitivity.value, specificity.high), specificity.method)
    if sensitivity.value in (0.0, 1.0):
        ends = np.array([sensitivity.low, sensitivity.high])
        with np.errstate(divide="ignore"):
            both(7, 1 / (prevalence * ends), sensitivity.method)
        both(9, 1000 * prevalence * ends, sensitivity.method)
        both(10, 1000 * prevalence * (1 - ends), sensitivity.method)
    if specificity.value in (0.0, 1.0):
        ends = np.array([specificity.low, specificity.high])
        both(11, 1000 * (1 - prevalence) * (1 - ends), specificity.method)
        both(12, 1000 * (1 - prevalence) * ends, specificity.method)
    if made[2].value == 1:
        put(2, (sensitivity.low + specificity.low) / 2, 1.0, "mean of the two rates' own bounds")
    if made[_PPV].value == 1:
        put(8, 1.0, 1 / out[_PPV].low, out[_PPV].method)
    return out


def _point(rates: BinaryRates, prevalence: float, made: Sequence[Interval]) -> OperatingPoint:
    return OperatingPoint(
        rates=rates,
        prevalence=prevalence,
        sensitivity=made[0],
        specificity=made[1],
        balanced_accuracy=made[2],
        accuracy=made[3],
        f1=made[_F1],
        ppv=made[4],
        npv=made[5],
        diagnostic_odds_ratio=made[6],
        number_needed_to_screen=made[7],
        reads_per_finding=made[8],
        per_1000=(made[9], made[10], made[11], made[12]),
    )
