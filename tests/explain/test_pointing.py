"""Pointing, energy and overlap on cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.explain.pointing import point

MASK = np.zeros((60, 80), bool)  # a diagonal of 100 pixels
MASK[20:30, 20:40] = True  # 200 pixels


def _heat(row: int, column: int, base: float = 0.0) -> np.ndarray:
    heat = np.full(MASK.shape, base)
    heat[row, column] = 1.0
    return heat


@pytest.mark.parametrize(
    ("row", "column", "hit", "inside", "distance"),
    [
        (25, 30, True, True, 0.0),
        (25, 43, True, False, 0.04),
        (25, 49, False, False, 0.10),
        (33, 43, True, False, 0.0566),
    ],
)
def test_hits_and_distances(row: int, column: int, hit: bool, inside: bool, distance: float) -> None:
    p = point(_heat(row, column), MASK, tolerance=0.057)
    assert p is not None
    assert (p.hit, p.inside) == (hit, inside)
    assert p.distance == pytest.approx(distance, abs=1e-3)


def test_energy_and_overlap() -> None:
    heat = np.zeros(MASK.shape)
    heat[20:30, 30:50] = 0.5  # as large as the mask, half of it inside
    p = point(heat, MASK)
    assert p is not None
    assert p.energy == pytest.approx(0.5)
    assert p.overlap == pytest.approx(100 / 300)
    assert p.area == pytest.approx(200 / 4800)
    perfect = point(MASK.astype(float), MASK)
    assert perfect is not None
    assert (perfect.energy, perfect.overlap, perfect.hit) == (1.0, 1.0, True)


def test_chance_is_the_share_of_the_body_that_would_hit() -> None:
    body = np.zeros(MASK.shape, bool)
    body[10:50, 10:70] = True
    alone = point(_heat(25, 30), MASK, body=body, tolerance=0.0)
    assert alone is not None
    assert alone.chance == pytest.approx(200 / 2400)
    wide = point(_heat(25, 30), MASK, body=body, tolerance=1.0)
    assert wide is not None
    assert wide.chance == 1.0
    cut = point(_heat(25, 30), MASK, body=np.zeros(MASK.shape, bool), tolerance=0.0)
    assert cut is not None
    assert cut.area == 1.0  # the lesion belongs to the body, whatever was taken for it


def test_nothing_to_point_at_or_nothing_that_points() -> None:
    assert point(_heat(1, 1), np.zeros_like(MASK)) is None
    assert point(np.zeros(MASK.shape), MASK) is None
    with pytest.raises(ValueError, match="pixels"):
        point(np.ones((4, 4)), MASK)
