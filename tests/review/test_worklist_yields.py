"""The curve of reads per miss against the beta-binomial worked by hand, and against a list whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from core.review.archives.yields import PRIOR_READS, yield_curve


def test_without_reads_the_curve_is_the_scores() -> None:
    scores = np.linspace(0.5, 0.01, 100)
    curve = yield_curve(scores, [None] * 100)
    assert curve.tenths[0].rate == pytest.approx(scores[:10].mean())
    last = curve.points[-1]
    assert (last.depth, last.misses) == (100, pytest.approx(scores.sum()))
    assert curve.unranked == pytest.approx(100 / scores.sum())
    assert "No read is finished" in curve.sentence


def test_reads_update_a_tenth_as_the_beta_binomial_does() -> None:
    outcomes: list[bool | None] = [True, True, False, False, False, False, *[None] * 94]
    curve = yield_curve([0.2] * 100, outcomes)
    a, b = 0.2 * PRIOR_READS + 2, 0.8 * PRIOR_READS + 4
    top = curve.tenths[0]
    assert (top.reads, top.misses) == (6, 2)
    assert top.rate == pytest.approx(a / (a + b))
    assert (top.low, top.high) == pytest.approx(beta.interval(0.95, a, b))
    assert top.reads_low < top.reads_per_miss < top.reads_high
    # the other tenths have no read of their own: their prior is corrected by two found where 1.2 were promised
    assert curve.tenths[1].rate == pytest.approx(0.2 * (1 + 2) / (1 + 1.2))
    assert (curve.reads, curve.misses, curve.expected) == (6, 2, pytest.approx(1.2))


def test_scores_far_too_high_are_corrected_by_the_reviews() -> None:
    """47 relevant misses in 5,289 discrepancies: a list that promises one in two and finds one in fifty."""
    rng = np.random.default_rng(0)
    truth = rng.random(2000) < 0.02
    curve = yield_curve([0.5] * 2000, [bool(t) for t in truth])
    assert curve.points[-1].reads_per_miss == pytest.approx(2000 / truth.sum(), rel=0.15)
    assert curve.points[-1].low < 2000 / truth.sum() < curve.points[-1].high


def test_the_interval_holds_what_it_promises() -> None:
    rng = np.random.default_rng(5)
    rates = np.repeat(np.geomspace(0.3, 0.01, 10), 40)
    inside = 0
    for _ in range(60):
        outcomes: list[bool | None] = [bool(x) if rng.random() < 0.5 else None for x in rng.random(400) < rates]
        top = yield_curve(rates, outcomes).tenths[0]
        inside += top.low <= 0.3 <= top.high
    assert inside >= 52  # 95 % of 60 is 57


def test_short_lists_and_impossible_scores() -> None:
    assert yield_curve([], []).points == ()
    three = yield_curve([0.9, 0.0, 1.0], [None, False, True])
    assert len(three.tenths) == 3
    assert all(np.isfinite([p.reads_per_miss, p.low, p.high]).all() for p in three.points)
    with pytest.raises(ValueError, match="probability"):
        yield_curve([1.2], [None])


def test_while_cases_are_blind_the_curve_stands_at_tenths_of_many_blind_cases_only() -> None:
    scores = np.linspace(0.5, 0.01, 250)
    blind = [True] * 250
    curve = yield_curve(scores, [None] * 250, blind=blind)
    assert [p.depth for p in curve.points] == [t.last for t in curve.tenths] == list(range(25, 251, 25))
    assert [p.misses for p in curve.points] == pytest.approx([scores[:d].sum() for d in range(25, 251, 25)])
    blind[:25] = [False] * 25  # a tenth that is open as a whole tells nothing new
    assert len(yield_curve(scores, [None] * 250, blind=blind).points) == 10
    blind[25:31] = [False] * 6  # 19 blind ones are left in the second
    few = yield_curve(scores, [None] * 250, blind=blind)
    assert (few.tenths, few.points) == ((), ())
    assert few.sentence.startswith("In no order about")
    assert "promised" not in few.sentence
    assert len(yield_curve(scores, [None] * 250, blind=[False] * 250).points) > 30
