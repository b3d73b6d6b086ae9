"""Three planes, the projection and the blend: what is drawn at a place is what numpy finds in the numbers there."""

from __future__ import annotations

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
GREY = 3  # levels
# ParaView's "Black-Body Radiation", as documented: black, red, yellow, white.
HOT_AT, HOT = (0.0, 0.4, 0.8, 1.0), np.array([[0, 0, 0], [0.902, 0, 0], [0.902, 0.902, 0], [1, 1, 1]])


def value(series: Series, place: np.ndarray) -> float:
    """The series at a place in the patient, between its pixels as straight lines have it."""
    assert series.affine is not None
    column, row, index = (np.linalg.inv(series.affine) @ [*place, 1.0])[:3]
    return float(map_coordinates(series.pixels, [[index], [row], [column]], order=1)[0])


def uptake(suv: float) -> float:
    """Grey of an SUV in the window from 0 to 5, uptake dark."""
    return 255 * (1 - min(max(suv / 5.0, 0), 1))


def planes(page: Page, label: str, count: int) -> None:
    """Choose a layout of planes and wait until it is drawn."""
    page.get_by_label("Layout").select_option(label=label)
    expect(page.locator(".reader .planes .pane")).to_have_count(count)
    expect(page.locator(".reader .planes")).to_have_attribute("data-drawn", "true")


def on_screen(page: Page, pane: int, place: np.ndarray) -> tuple[float, float]:
    """Where a plane shows a place."""
    box = page.locator(".reader .planes .view").nth(pane).bounding_box()
    assert box is not None
    x, y = hand.reader(page).evaluate(
        "(r, [pane, place]) => r.overread.planes.panes[pane].viewport.worldToCanvas(place)", [pane, place.tolist()]
    )
    return box["x"] + x, box["y"] + y


def colour(page: Page, x: float, y: float) -> np.ndarray:
    """What the screen shows at a place, red, green and blue; between pixels as straight lines have it."""
    left, top = int(x) - 2, int(y) - 2
    data = page.screenshot(clip={"x": left, "y": top, "width": 5, "height": 5})
    shown = np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(float)
    at = [[y - top - 0.5], [x - left - 0.5]]  # a pixel's value is that of its middle
    return np.array([map_coordinates(shown[..., k], at, order=1)[0] for k in range(3)])


def shows(page: Page, pane: int, place: np.ndarray, wanted: object, within: float) -> None:
    """A plane shows a grey or a colour at a place, as soon as a slow machine has drawn it."""
    page.mouse.move(2, 2)
    for _ in range(40):
        found = colour(page, *on_screen(page, pane, place))
        if np.abs(found - wanted).max() <= within:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"pane {pane} shows {found} at {place}, not {wanted}")


def crosshair(page: Page) -> np.ndarray:
    """Its place, in millimetres of the patient."""
    return np.array([float(v) for v in (hand.reader(page).get_attribute("data-place") or "").split()])


def test_three_planes_agree_at_the_crosshair_and_the_projection_is_the_maximum(page: Page, bench: str) -> None:
    series = cases.pet()
    opened(page, f"{bench}/?case=pet")
    planes(page, "Three planes", 3)
    for pane, letters in ((AXIAL, "LPRA"), (SAGITTAL, "PFAH"), (CORONAL, "LFRH")):
        for side, letter in zip(("right", "bottom", "left", "top"), letters, strict=True):
            expect(page.locator(".reader .planes .pane").nth(pane).locator(f".side.{side}")).to_have_text(letter)

    # Onto the flank of the ball, whose middle is at (-10, 22.4, 152): first across in one plane, then up in another.
    for wanted, pane in ((np.array([8.0, 26.0, 162.0]), AXIAL), (np.array([6.0, 26.0, 149.0]), CORONAL)):
        before = hand.reader(page).get_attribute("data-place") or ""
        page.mouse.click(*on_screen(page, pane, wanted))
        expect(hand.reader(page)).not_to_have_attribute("data-place", before)
        place = crosshair(page)
        np.testing.assert_allclose(place, wanted, atol=1.5)
        expected = uptake(value(series, place))
        assert 5 < expected < 150  # the ball's own: around it everything is brighter than 200
        for each in (AXIAL, SAGITTAL, CORONAL):
            shows(page, each, place, expected, GREY)

    # A notch in a plane is one pixel of the series across it, and the stack behind follows to the nearest slice.
    before = hand.reader(page).get_attribute("data-place") or ""
    page.mouse.move(*on_screen(page, SAGITTAL, crosshair(page) + np.array([0, 30, 30])))
    page.mouse.wheel(0, 100)
    expect(hand.reader(page)).not_to_have_attribute("data-place", before)
    moved = np.abs(crosshair(page) - [float(v) for v in before.split()])
    np.testing.assert_allclose(moved, [5.6, 0, 0], atol=0.02)
    assert hand.reader(page).get_attribute("data-slice") == str(round((crosshair(page)[2] - 12) / 10))

    highest = series.pixels.max(axis=1)  # over what lies behind each other from the front
    for begins in (0.0, 0.4):  # rays begin by chance within their first step: these come by the ball's middle worst
        page.evaluate("(begins) => { Math.random = () => begins; }", begins)
        planes(page, "Three planes", 3)
        planes(page, "Projection (MIP)", 1)
        for slice_, column in ((14, 26), (14, 33), (16, 29), (20, 12), (5, 50)):
            place = np.array([-178 + 5.6 * column, 0.0, 12 + 10.0 * slice_])
            shows(page, 0, place, uptake(highest[slice_, column]), 2)


def test_uptake_is_laid_over_anatomy_as_the_slider_says(page: Page, bench: str) -> None:
    ct, pet = cases.ct(), cases.pet()
    opened(page, f"{bench}/?case=ct")
    planes(page, "Blend with: PET, SUV", 1)
    places = [np.array(place) for place in ([14.0, 22.4, 160.0], [4.0, 40.0, 160.0], [60.0, 60.0, 160.0])]
    for percent in (0, 25, 50, 100):
        page.get_by_label("Blend").fill(str(percent))
        for place in places:
            share, suv = percent / 100, value(pet, place)
            bare = 255 * np.clip((value(ct, place) + 135) / 350, 0, 1)
            over = 255 * np.array([np.interp(suv / 5, HOT_AT, HOT[:, k]) for k in range(3)])
            shows(page, 0, place, (1 - share) * bare + share * over, GREY + 2)
