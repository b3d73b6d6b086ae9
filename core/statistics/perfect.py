"""What no error in a few groups is worth: intervals of figures that a bootstrap leaves at their best or worst value.

No resample of perfect data holds an error, so a percentile interval of 1 is [1, 1]: a claim of certainty that nine
patients cannot bear. Here groups without an error are counted instead (Hanley and Lippman-Hand 1983, "If nothing goes
wrong, is everything all right?"). Groups, not their cases: cases of one patient are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.statistics._checks import binary_truth, same_length
from core.statistics.intervals import Interval, group_codes, wilson

Groups = Sequence[Any] | NDArray[Any]
SAID = "no error in n = "  # how the method of such an interval begins


def past_perfection(rate: Interval, groups: Groups) -> Interval:
    """A bootstrapped proportion of 0 or 1, which no resample can leave, with Wilson's interval over its groups.

    Nine patients without an error say as much as nine cases without one. Any other proportion is returned as it is.

    Args:
        rate: from :func:`~core.statistics.bootstrap_by_group`. groups: of the cases that the proportion is over.
    """
    if rate.value not in (0.0, 1.0):
        return rate
    _, count = group_codes(groups, len(groups))
    ends = wilson(count if rate.value else 0, count, rate.level)
    said = f"{SAID}{count} groups" if rate.value else f"none right in n = {count} groups"
    return replace(rate, low=ends.low, high=ends.high, method=f"{said} (Wilson score)")


def f1_past_perfection(f1: Interval, groups: Groups) -> Interval:
    """An F1 of 0 or 1 with Wilson's interval over the groups of the cases that are, or are called, of the class.

    With ``J = tp / (tp + fp + fn)``, a proportion of those cases, ``F1 = 2 J / (1 + J)`` rises with ``J``.
    """
    bound = past_perfection(f1, groups)
    if bound is f1:
        return f1
    low, high = (2 * end / (1 + end) for end in (bound.low, bound.high))
    return replace(bound, low=low, high=high)


def independent_pairs(truth: ArrayLike, groups: Groups) -> int:
    """The most pairs of a positive and a negative case that can be formed when no group serves two pairs.

    >>> independent_pairs([1, 1, 0, 0, 0], ["a", "b", "c", "d", "e"])
    2
    >>> independent_pairs([1, 0, 1, 0], ["a", "a", "b", "b"])  # two patients with both kinds make one pair
    1
    """
    labels = binary_truth(truth)
    same_length(truth=labels, groups=groups)
    codes, count = group_codes(groups, len(labels))
    ill, well = (np.bincount(codes, weights=side, minlength=count) > 0 for side in (labels, ~labels))
    both = int((ill & well).sum())
    positive, negative = int((ill & ~well).sum()), int((well & ~ill).sum())
    return min(positive + both, negative + both, (positive + negative + both) // 2)


def ranking_past_perfection(area: Interval, truth: ArrayLike, groups: Groups) -> Interval:
    """An AUC of 0 or 1 with an exact interval over independent pairs; any other is returned as it is.

    The AUC is the probability that a positive case outranks a negative one. ``t`` disjoint pairs of groups, a positive
    and a negative one in each, are ``t`` independent trials of just that; when all rank rightly, Clopper and Pearson
    (1934) give the lower end ``((1 - level) / 2) ** (1 / t)``. All other pairs are left out, so it is conservative, and
    it assumes no distribution (for the binormal one see Obuchowski and Lieber 2002).

    Args:
        area: of these cases. truth: ``(N,)`` 0/1. groups: ``(N,)``.

    >>> i = ranking_past_perfection(Interval(1.0, 1.0, 1.0, 28, 28, ""), [1] * 14 + [0] * 14, list(range(28)))
    >>> round(i.low, 3), i.high, i.method
    (0.768, 1.0, 'no error in n = 14 pairs of groups (Clopper-Pearson)')
    """
    if area.value not in (0.0, 1.0):
        return area
    pairs = independent_pairs(truth, groups)
    if not pairs:
        return replace(area, low=float("nan"), high=float("nan"))
    end = float(((1 - area.level) / 2) ** (1 / pairs))
    low, high = (end, 1.0) if area.value else (0.0, 1 - end)
    said = f"{SAID}{pairs} pairs of groups" if area.value else f"none right in n = {pairs} pairs of groups"
    return replace(area, low=low, high=high, method=f"{said} (Clopper-Pearson)")
