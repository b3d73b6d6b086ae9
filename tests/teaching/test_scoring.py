"""Scores of answers, against scikit-learn and cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, f1_score

from core.teaching.scoring import place, points, probability


def test_points_are_the_brier_score_turned_round() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        finding, confidence, truth = bool(rng.integers(2)), int(rng.integers(50, 101)), bool(rng.integers(2))
        stated = probability(finding, confidence)
        expected = 100 * (1 - brier_score_loss([truth], [stated], labels=[False, True]))
        assert points(finding, confidence, truth) == pytest.approx(expected)
    assert points(None, None, True) == 0


def test_honest_confidence_scores_best() -> None:
    """Who is right in 8 of 10 such cases earns most by saying 80 %."""
    earned = {said: 0.8 * points(True, said, True) + 0.2 * points(True, said, False) for said in range(50, 101, 5)}
    assert max(earned, key=earned.__getitem__) == 80


def lesion(*where: tuple[slice, slice, slice]) -> np.ndarray:
    truth = np.zeros((5, 40, 60), bool)
    for part in where:
        truth[part] = True
    return truth


# rows 10 to 14, columns 20 to 24, slice 2: its middle is the centre of pixel (12, 22), 22.5 from the left edge
ONE = lesion((slice(2, 3), slice(10, 15), slice(20, 25)))


def test_a_mark_off_the_middle_in_millimetres() -> None:
    mark = {"kind": "point", "slice": 2, "x": 24.5, "y": 12.5}
    found = place([mark], [], ONE, (5.0, 2.0, 2.0))
    assert (found.found, found.false_marks, found.unit) == (True, 0, "mm")
    assert found.distance == pytest.approx(4.0)


def test_a_mark_two_slices_away_is_as_far_as_the_slices_are() -> None:
    mark = {"kind": "point", "slice": 4, "x": 22.5, "y": 12.5}
    far, near = (place([mark], [], ONE, (gap, 1.0, 1.0)) for gap in (10.0, 3.0))
    assert (far.found, far.distance) == (False, pytest.approx(20.0))
    # 2 slices of 3 mm: 6 mm from the middle; half a slice is the lesion's own thickness, so 4.5 mm from its edge
    assert (near.found, near.distance) == (True, pytest.approx(6.0))


def test_of_a_box_the_middle_counts_and_every_miss_is_counted() -> None:
    box = {"kind": "box", "slice": 2, "x": 18.5, "y": 10.5, "width": 10, "height": 4}  # middle 23.5, 12.5
    beside = {"kind": "point", "slice": 2, "x": 50.0, "y": 30.0}
    found = place([beside, box, beside], [], ONE, (5.0, 1.0, 1.0))
    assert (found.found, found.false_marks) == (True, 2)
    assert found.distance == pytest.approx(1.0)


def test_the_nearest_of_two_lesions_is_meant() -> None:
    two = ONE | lesion((slice(0, 1), slice(30, 33), slice(50, 53)))
    mark = {"kind": "point", "slice": 0, "x": 51.5, "y": 30.5}
    assert place([mark], [], two, (5.0, 1.0, 1.0)).distance == pytest.approx(1.0)


def test_without_the_size_of_a_pixel_pixels_are_counted() -> None:
    mark = {"kind": "point", "slice": 2, "x": 22.5, "y": 15.5}
    found = place([mark], [], ONE, None)
    assert (found.distance, found.unit, found.found) == (pytest.approx(3.0), "px", True)


def test_no_lesion_means_every_mark_is_beside_it() -> None:
    mark = {"kind": "point", "slice": 2, "x": 22.5, "y": 15.5}
    for truth in (None, np.zeros((5, 40, 60), bool)):
        found = place([mark, mark], [], truth, None)
        assert (found.found, found.distance, found.false_marks) == (None, None, 2)


def test_dice_of_an_outline_is_the_f1_of_its_pixels() -> None:
    # corners at pixel edges: rows 12 to 16, columns 22 to 26 are inside
    outline = [{"slice": 2, "points": [[22, 12], [27, 12], [27, 17], [22, 17]]}]
    drawn = np.zeros((40, 60), bool)
    drawn[12:17, 22:27] = True
    found = place([], outline, ONE, (5.0, 1.0, 1.0))
    assert found.dice == pytest.approx(f1_score(ONE[2].ravel(), drawn.ravel()))
    assert found.dice == pytest.approx(2 * 9 / 50)
