"""Pictures of one folder are a stack where they look like the next, and a pile where they do not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from core.imaging import Series, read
from core.imaging.stacks import resembling
from core.imaging.study import APART
from tests.imaging.builders import noise, picture


def drifting(count: int, side: int = 40) -> np.ndarray:
    """A blob that moves by a pixel from slice to slice, uint8."""
    rows, columns = np.mgrid[:side, :side]
    near = [np.exp(-((rows - 15 - n) ** 2 + (columns - 20) ** 2) / 60) for n in range(count)]
    return (np.stack(near) * 250).astype(np.uint8)


def opened(slices: np.ndarray) -> Series:
    files = [(f"crops/{number}.png", picture(plane)) for number, plane in enumerate(slices, 1)]
    (series,) = read(files).series
    return series


def test_a_stack_is_told_from_a_pile() -> None:
    stack, pile = opened(drifting(4)), opened(noise(4, 40, 40))
    assert (stack.apart, pile.apart) == (False, True)
    assert (APART in stack.notes, APART in pile.notes) == (False, True)
    assert not opened(noise(1, 40, 40)).apart  # nothing to compare a single picture with


def test_pages_of_one_file_are_a_stack_whatever_they_show() -> None:
    pages = [Image.fromarray(plane) for plane in noise(3, 40, 40)]
    (series,) = read([("pages.tif", picture(pages[0], "TIFF", save_all=True, append_images=pages[1:]))]).series
    assert series.slices == 3
    assert not series.apart


@pytest.mark.parametrize(
    ("shared", "stack"),
    # slices of r = shared / (shared + 1) with the next: a common picture, and one of its own of variance 1
    [(9.0, True), (3.5, True), (2.5, False), (0.5, False)],
)
def test_the_median_of_the_correlations_decides(shared: float, stack: bool) -> None:
    rng = np.random.default_rng(0)
    common = rng.normal(size=(1, 32, 32)) * shared**0.5
    assert resembling((common + rng.normal(size=(9, 32, 32))).astype(np.float32)) is stack


def test_brightness_and_even_slices_decide_nothing() -> None:
    planes = drifting(5).astype(np.float32)
    brighter = planes * np.array([1, 3, 0.2, 7, 1], np.float32)[:, None, None] + 40
    assert resembling(brighter)
    brighter[[0, 4]] = 9.0  # nothing is seen there
    assert resembling(brighter)
    assert resembling(np.zeros((3, 8, 8), np.float32))
