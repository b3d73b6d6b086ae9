"""Answers about a picture are kept by its content, not by who holds it."""

from __future__ import annotations

import numpy as np
import pytest

from core.preprocessing.body import body_box
from core.preprocessing.remembered import MOST, MOST_BYTES, once_a_picture


def test_the_same_content_is_asked_about_once() -> None:
    asked: list[float] = []

    @once_a_picture
    def doubled(picture: np.ndarray, *, plus: float = 0.0) -> np.ndarray:
        asked.append(plus)
        return 2 * picture + plus

    picture = np.arange(6.0).reshape(2, 3)
    first = doubled(picture)
    np.testing.assert_array_equal(first, [[0, 2, 4], [6, 8, 10]])
    assert doubled(picture.copy()) is first
    assert doubled(np.asfortranarray(picture)) is first
    np.testing.assert_array_equal(doubled(picture, plus=1.0), [[1, 3, 5], [7, 9, 11]])
    np.testing.assert_array_equal(doubled(picture.reshape(3, 2)), [[0, 2], [4, 6], [8, 10]])
    picture[0, 0] = 50.0
    assert doubled(picture)[0, 0] == 100.0
    assert len(asked) == 4
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1.0


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    asked: list[float] = []

    @once_a_picture
    def top(picture: np.ndarray) -> float:
        asked.append(float(picture.max()))
        return float(picture.max())

    pictures = [np.full((2, 2), float(number)) for number in range(MOST + 1)]
    for picture in pictures:
        assert top(picture) == picture[0, 0]
    top(pictures[-1])
    assert len(asked) == MOST + 1
    top(pictures[0])
    assert len(asked) == MOST + 2


def test_large_answers_do_not_pile_up() -> None:
    asked: list[int] = []

    @once_a_picture
    def enlarged(picture: np.ndarray, *, size: int) -> np.ndarray:
        asked.append(size)
        return np.zeros(size, np.uint8)

    pictures = [np.full((2, 2), float(number)) for number in range(3)]
    for picture in pictures:
        enlarged(picture, size=MOST_BYTES // 2)
    enlarged(pictures[2], size=MOST_BYTES // 2)
    enlarged(pictures[1], size=MOST_BYTES // 2)
    assert len(asked) == 3
    enlarged(pictures[0], size=MOST_BYTES // 2)  # had to go
    assert len(asked) == 4
    for _ in range(2):
        assert enlarged(pictures[0], size=MOST_BYTES + 1).nbytes > MOST_BYTES
    assert len(asked) == 6


def test_slice_and_projection_have_boxes_of_their_own() -> None:
    picture = np.zeros((100, 100), np.float32)
    picture[20:80, 30:70] = 0.08  # hardly brighter than air, as skin on a projection
    picture[40:60, 40:60] = 1.0
    assert body_box(picture, projection=True) == (18, 28, 82, 72)
    assert body_box(picture) == (0, 0, 100, 100)
    assert body_box(picture, projection=True) == (18, 28, 82, 72)
