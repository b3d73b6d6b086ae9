"""Outlines in the client, by the pixels of the screen: where scikit-image draws them, in their colour and line."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from core.imaging.render import TRUTH_COLOUR
from dashboard.viewer.overlays import LINES
from tests.dashboard import desk
from tests.viewer import files, hand
from tests.viewer.cases import ring
from tests.viewer.conftest import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
NEAR = 1.8  # CSS pixels: half a line's width, and how far the middle of a pixel of the screen lies from it


def walked(frame: hand.Frame, mask: np.ndarray) -> np.ndarray:
    """Places on the screen along the edge of a mask ``(rows, columns)``, a quarter of a CSS pixel apart or less."""
    steps = np.linspace(0, 1, 40)[:, None]
    legs = []
    for line in find_contours(mask.astype(float), 0.5):
        corners = np.array([frame.at(column, row) for row, column in line])
        legs += [a + steps * (b - a) for a, b in pairwise(corners)]
    return np.concatenate(legs)


def coloured(page: Page, frame: hand.Frame, colour: tuple[int, int, int]) -> np.ndarray:
    """Middles of the pixels of the slice that have a colour, or nearly: places on the screen."""
    left, top = (round(v) for v in frame.at(-0.5, -0.5))
    right, bottom = (round(v) for v in frame.at(frame.columns - 0.5, frame.rows - 0.5))
    data = page.screenshot(clip={"x": left, "y": top, "width": right - left, "height": bottom - top})
    pixels = np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)
    rows, columns = np.nonzero(np.abs(pixels - colour).max(axis=2) < 40)
    return np.column_stack([columns + left + 0.5, rows + top + 0.5])


def test_outlines_lie_where_the_masks_end(page: Page, bench: str) -> None:
    """Pixels of the series are twice as high as wide; the truth is the model's mask, 12 columns further."""
    opened(page, f"{bench}/?case=dicom-anisotropic")
    page.get_by_text("Answers").click()
    chips = page.get_by_role("group", name="Overlays")
    expect(chips.get_by_role("button", name="Heat map")).to_be_visible()
    hand.laid(page, 3)
    chips.get_by_role("button", name="Heat map").click()
    desk.settled(page)
    page.mouse.move(2, 2)
    header = files.headers("anisotropic")[0]
    mask = ring((1, header.Rows, header.Columns))[0]
    frame = hand.frame(page, mask.shape, tuple(float(mm) for mm in header.PixelSpacing))
    model, truth = walked(frame, mask), walked(frame, np.roll(mask, 12, axis=1))

    green, red = coloured(page, frame, LINES[0][0]), coloured(page, frame, TRUTH_COLOUR)
    assert cKDTree(model).query(green)[0].max() < NEAR
    assert cKDTree(truth).query(red)[0].max() < NEAR
    free = model[cKDTree(truth).query(model)[0] > 5]  # the truth is drawn over the model's line
    assert cKDTree(green).query(free)[0].max() < NEAR
    # Strokes of 9 and gaps of 7 pixels.
    assert np.mean(cKDTree(red).query(truth)[0] < 1) == pytest.approx(9 / 16, abs=0.1)

    # Each goes with its chip.
    chips.get_by_role("button", name="truth").click()
    page.mouse.move(2, 2)
    assert len(coloured(page, frame, TRUTH_COLOUR)) == 0
    assert cKDTree(coloured(page, frame, LINES[0][0])).query(model)[0].max() < NEAR
    hand.press(page, "h")
    assert len(coloured(page, frame, LINES[0][0])) == 0
