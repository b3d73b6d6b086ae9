"""Three planes, the projection and the blend: what is drawn at a place is what numpy finds in the numbers there."""

from __future__ import annotations

import itertools
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from scipy.ndimage import map_coordinates

from core.imaging.study import Series
from tests.viewer import cases, hand
from tests.viewer.conftest import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
AXIAL, SAGITTAL, CORONAL = range(3)
GREY = 5  # levels
PIXEL = 1.2  # millimetres of a pixel of the screen, at most: so exactly a place can be looked at


def value(series: Series, place: np.ndarray) -> float:
    """The series at a place in the patient, between its pixels as straight lines have it."""
    assert series.affine is not None
    column, row, index = (np.linalg.inv(series.affine) @ [*place, 1.0])[:3]
    return float(map_coordinates(series.pixels, [[index], [row], [column]], order=1)[0])


def on_screen(page: Page, pane: int, place: np.ndarray) -> tuple[float, float]:
    """Where a plane shows a place."""
    box = page.locator(".reader .planes .view").nth(pane).bounding_box()
    assert box is not None
    x, y = hand.reader(page).evaluate(
        "(r, [pane, place]) => r.overread.planes.panes[pane].viewport.worldToCanvas(place)", [pane, place.tolist()]
    )
    return box["x"] + x, box["y"] + y


def place_of(page: Page) -> np.ndarray:
    """The crosshair, in millimetres of the patient."""
    return np.array([float(v) for v in (hand.reader(page).get_attribute("data-place") or "").split()])


def planes(page: Page, label: str, count: int) -> None:
    """Choose a layout of planes and wait until it is drawn."""
    page.get_by_label("Layout").select_option(label=label)
    expect(page.locator(".reader .planes .pane")).to_have_count(count)
    expect(page.locator(".reader .planes")).to_have_attribute("data-drawn", "true")


def colour(page: Page, x: float, y: float) -> np.ndarray:
    """What the screen shows at a place, red, green and blue."""
    data = page.screenshot(clip={"x": round(x), "y": round(y), "width": 1, "height": 1})
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))[0, 0].astype(int)


def test_three_planes_agree_at_the_crosshair(page: Page, bench: str) -> None:
    series = cases.pet()
    opened(page, f"{bench}/?case=pet")
    planes(page, "Three planes", 3)
    for pane, letters in ((AXIAL, "LPRA"), (SAGITTAL, "PFAH"), (CORONAL, "LFRH")):
        for side, letter in zip(("right", "bottom", "left", "top"), letters, strict=True):
            expect(page.locator(".reader .planes .pane").nth(pane).locator(f".side.{side}")).to_have_text(letter)

    # Onto the flank of the ball, whose middle is at (-10, 22.4, 152): first across in one plane, then up in another.
    for wanted, pane in ((np.array([8.0, 22.4, 162.0]), AXIAL), (np.array([4.0, 22.4, 150.0]), CORONAL)):
        page.mouse.click(*on_screen(page, pane, wanted))
        page.wait_for_timeout(200)
        place = place_of(page)
        np.testing.assert_allclose(place, wanted, atol=1.5)
        around = [place + PIXEL * np.array(step) for step in itertools.product((-1, 0, 1), repeat=3)]
        greys = [255 * (1 - np.clip(value(series, one) / 5.0, 0, 1)) for one in around]  # SUV 0 to 5, uptake dark
        assert max(greys) < 160  # the ball's own: around it everything is brighter than 200
        page.mouse.move(2, 2)
        for each in (AXIAL, SAGITTAL, CORONAL):
            assert min(greys) - GREY <= hand.grey(page, *on_screen(page, each, place)) <= max(greys) + GREY

    # A notch in a plane is one pixel of the series across it, and the stack behind follows to the nearest slice.
    before = place_of(page)
    page.mouse.move(*on_screen(page, SAGITTAL, before + np.array([0, 30, 30])))
    page.mouse.wheel(0, 100)
    expect(hand.reader(page)).not_to_have_attribute("data-place", " ".join(f"{v:.2f}" for v in before))
    np.testing.assert_allclose(np.abs(place_of(page) - before), [5.6, 0, 0], atol=0.02)
    assert hand.reader(page).get_attribute("data-slice") == str(round((before[2] - 12) / 10))


def test_the_projection_shows_the_highest_value(page: Page, bench: str) -> None:
    series = cases.pet()
    opened(page, f"{bench}/?case=pet")
    planes(page, "Projection (MIP)", 1)
    highest = series.pixels.max(axis=1)  # over what lies behind each other from the front
    for slice_, column in ((14, 30), (20, 12), (5, 50)):
        place = np.array([-178 + 5.6 * column, 0.0, 12 + 10.0 * slice_])
        grey = 255 * (1 - np.clip(highest[slice_, column] / 5.0, 0, 1))
        assert hand.grey(page, *on_screen(page, 0, place)) == pytest.approx(grey, abs=GREY)


def test_uptake_over_anatomy_with_a_slider(page: Page, bench: str) -> None:
    opened(page, f"{bench}/?case=ct")
    planes(page, "Blend with: PET, SUV", 1)
    ball, tissue = np.array([-10.0, 22.4, 160.0]), np.array([60.0, 60.0, 160.0])
    blend = page.get_by_label("Blend")
    blend.fill("0")
    page.wait_for_timeout(500)
    ct = cases.ct()
    bare = colour(page, *on_screen(page, 0, ball))
    assert np.ptp(bare) <= 3
    assert bare[0] == pytest.approx(255 * np.clip((value(ct, ball) + 135) / 350, 0, 1), abs=GREY)
    blend.fill("100")
    page.wait_for_timeout(500)
    hot, cold = colour(page, *on_screen(page, 0, ball)), colour(page, *on_screen(page, 0, tissue))
    assert hot.sum() > cold.sum() + 150  # uptake of 9 against 1
