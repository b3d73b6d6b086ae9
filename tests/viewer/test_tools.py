"""The reader's tools in the client: each does what it says, and the server is asked nothing meanwhile."""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from scipy.spatial import cKDTree
from skimage.measure import grid_points_in_poly

from tests.dashboard import desk
from tests.viewer import files, hand
from tests.viewer.cases import CASES
from tests.viewer.conftest import opened
from tests.viewer.told import Told

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
CT = (512, 512)
PAUSE = 1800  # milliseconds: longer than the client waits before it tells the server where the reader rests


def level(page: Page, pane: int = 0) -> tuple[float, float]:
    """Width and level as they are written on a picture."""
    text = page.locator(".reader .level").nth(pane).inner_text()
    found = re.match(r"W ([\d.]+)  ?L (-?[\d.]+)", text)
    assert found is not None, text
    return float(found[1]), float(found[2])


def on(page: Page, place: tuple[float, float], column: int, row: int) -> None:
    """The pixel is at the place on the screen, as the line under the cursor says."""
    page.mouse.move(*place)
    expect(page.locator(".reader .under")).to_have_text(re.compile(rf"column {column}, row {row}$"))


def pulled(page: Page, button: str, by: tuple[float, float]) -> None:
    """Drag with a button from the middle of the picture."""
    x, y = hand.frame(page, CT).at(256, 256)
    page.mouse.move(x, y)
    page.mouse.down(button=button)  # type: ignore[arg-type]
    page.mouse.move(x + by[0] / 2, y + by[1] / 2)
    page.mouse.move(x + by[0], y + by[1])
    page.mouse.up(button=button)  # type: ignore[arg-type]


def test_looking_asks_nothing_of_the_server(page: Page, bench: str) -> None:
    """One thing may leave: where the reader rests, after the pause, as the state of the viewer and nothing else."""
    told = Told(page)
    opened(page, f"{bench}/?case=ct")
    page.get_by_text("Answers").click()
    reader, chips = hand.reader(page), page.get_by_role("group", name="Overlays")
    expect(chips.get_by_role("button", name="Heat map")).to_be_visible()
    hand.laid(page, 3)
    desk.settled(page)
    page.wait_for_timeout(PAUSE)
    told.forget()

    # The sheet of keys, zoom, fit, true size, moving, overlays and their opacity.
    hand.press(page, "?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_contain_text("window presets")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(reader).to_be_focused()
    frame = hand.frame(page, CT)
    x, y = frame.at(255.5, 255.5)
    on(page, frame.at(330, 200), 330, 200)
    hand.press(page, "+")
    on(page, (x + 1.25 * 74.5 * frame.scale, y - 1.25 * 55.5 * frame.scale), 330, 200)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    zoomed = 1.25 * np.exp(0.2) * frame.scale
    on(page, (x + 74.5 * zoomed, y - 55.5 * zoomed), 330, 200)
    hand.press(page, "9")
    on(page, (x + 100.5, y - 60.5), 356, 195)
    hand.press(page, "0")
    on(page, frame.at(330, 200), 330, 200)
    hand.press(page, "p")
    pulled(page, "left", (40, -30))
    on(page, tuple(np.add(frame.at(330, 200), (40, -30))), 330, 200)
    pulled(page, "middle", (-20, 50))
    on(page, tuple(np.add(frame.at(330, 200), (20, 20))), 330, 200)
    page.get_by_role("button", name="Fit to the frame").click()
    on(page, frame.at(330, 200), 330, 200)
    hand.press(page, "z")
    pulled(page, "left", (0, 60))
    assert reader.evaluate("r => r.overread.active.perPixel") != pytest.approx(0.7 / frame.scale, rel=0.05)
    hand.press(page, "0", "w")

    hot = frame.at(45, 40)  # air, under the heat map and in the hole of the mask
    assert np.ptp(hand.colour(page, *hot)) > 40
    opacity = page.get_by_label("Opacity of heat maps")
    opacity.press("Home")
    assert hand.grey(page, *hot) == 0
    opacity.press("End")
    assert np.ptp(hand.colour(page, *hot)) > 40
    for key, shown in (("h", "false"), ("h", "true")):
        hand.press(page, key)
        for chip in ("U-Net", "truth", "Heat map"):
            expect(chips.get_by_role("button", name=chip)).to_have_attribute("aria-pressed", shown)
    chips.get_by_role("button", name="Heat map").click()
    assert hand.grey(page, *hot) == 0
    page.wait_for_timeout(PAUSE)
    assert (told.asked, told.frames) == ([], [])

    # Slices: the bar, arrows, cine.
    bar = page.get_by_label("Slice", exact=True)
    box = bar.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    hand.drag(page, (box["x"] + box["width"] / 2, middle), (box["x"] + box["width"] + 30, middle))
    hand.arrived(page, 119)
    hand.press(page, "ArrowLeft", "ArrowUp", "ArrowLeft", "ArrowRight", "PageUp")
    hand.arrived(page, 107)
    hand.press(page, "End", " ")
    expect(page.get_by_role("button", name="Cine")).to_have_text("❚❚")
    hand.back_before(page, 60)  # after the last one the first
    hand.press(page, " ")
    expect(page.get_by_role("button", name="Cine")).to_have_text("▶")
    hand.press(page, "End")
    hand.arrived(page, 119)  # 69 HU in the middle
    page.wait_for_timeout(PAUSE)
    hand.arrived(page, 119)

    # Window: numbers, the right button, invert.
    expect(page.locator(".reader .level")).to_have_text(re.compile("^W 350  L 40"))
    for name, number in (("Window width", "300"), ("Window level", "60")):
        page.get_by_label(name).fill(number)
        page.keyboard.press("Enter")
    expect(page.locator(".reader .level")).to_have_text("W 300  L 60")
    shown = hand.grey(page, x, y)
    assert shown == pytest.approx(255 * (69 - 60 + 150) / 300, abs=2)
    hand.press(page, "i")
    expect(page.locator(".reader .level")).to_have_text("W 300  L 60  inverted")
    assert hand.grey(page, x, y) == pytest.approx(255 - shown, abs=2)
    hand.press(page, "i")
    pulled(page, "right", (80, 0))
    wide = level(page)
    assert wide[0] > 320
    assert wide[1] == 60
    pulled(page, "right", (0, 60))
    assert level(page)[0] == wide[0]
    assert level(page)[1] != 60
    page.wait_for_timeout(PAUSE)
    assert told.asked == []
    changes = told.changes()
    assert changes
    assert all(list(one) == ["desk"] and list(one["desk"]) == ["view"] for one in changes), changes
    width, centre = level(page)
    rest = changes[-1]["desk"]["view"]
    assert (rest["slice"], rest["inverted"]) == (119, False)
    assert (rest["width"], rest["centre"]) == pytest.approx((width, centre), abs=0.5)


def test_angle_and_freehand_outline(page: Page, bench: str) -> None:
    header = files.headers("anisotropic")[files.SLICES // 2]
    down, across = (float(mm) for mm in header.PixelSpacing)
    values = header.pixel_array.astype(float) * float(header.RescaleSlope) + float(header.RescaleIntercept)
    opened(page, f"{bench}/?case=dicom-anisotropic")
    frame = hand.frame(page, values.shape, (down, across))

    hand.press(page, "a")
    ends = [frame.spot(*place) for place in ((20, 20), (60, 30), (30, 60))]
    hand.drag(page, ends[0], ends[1])
    page.mouse.move(*ends[2])
    page.mouse.click(*ends[2])
    (angle,) = hand.measured(page, 1)
    first, corner, last = (np.multiply(frame.pixel(*end), (across, down)) for end in ends)
    a, b = first - corner, last - corner
    degrees = np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    assert angle["kind"] == "angle"
    assert angle["values"]["angle"] == pytest.approx(degrees, abs=0.01)
    assert angle["text"] == f"{angle['values']['angle']:.1f}°"

    hand.press(page, "o")
    corners = [frame.spot(*place) for place in ((70, 50), (100, 55), (88, 72), (95, 88), (66, 80))]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner_ in (*corners[1:], corners[0]):
        page.mouse.move(*corner_, steps=6)
    page.mouse.up()
    outline = next(one for one in hand.measured(page, 2) if one["kind"] == "freehand")
    drawn = np.array([frame.pixel(*one) for one in corners])
    inside = values[grid_points_in_poly(values.shape, drawn[:, ::-1])]
    x, y = drawn.T
    shoelace = abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2
    assert outline["values"]["area"] == pytest.approx(shoelace * across * down, rel=0.005)
    assert outline["values"]["n"] == pytest.approx(inside.size, abs=3)
    assert outline["values"]["mean"] == pytest.approx(inside.mean(), abs=1.0)


@pytest.mark.parametrize("case", ["pet", "pet-fine"])
def test_uptake_under_the_cursor_and_in_an_ellipse(page: Page, bench: str, case: str) -> None:
    """SUVpeak: the highest mean of what lies within a sphere of 1 ml around a pixel of the ellipse."""
    series = CASES[case]()
    pixels, (between, down, across) = series.pixels, series.spacing or (0, 0, 0)
    opened(page, f"{bench}/?case={case}")
    hand.reader(page).evaluate("r => r.overread.panes[0].go(13)")
    hand.arrived(page, 13)
    frame = hand.frame(page, series.shape)
    for column, row in ((30, 34), (12, 50)):
        page.mouse.move(*frame.at(column, row))
        expect(page.locator(".reader .under")).to_have_text(
            f"{pixels[13, row, column]:.2f} SUV · column {column}, row {row}"
        )
    # The window dragged forth and back is what it was, however many moves that took.
    assert level(page) == (5, 2.5)
    place = frame.at(30, 34)
    page.mouse.move(*place)
    page.mouse.down(button="right")
    for by in (200, 180, 120, -60, -30, 40, 0):
        page.mouse.move(place[0] + by, place[1] + by / 2)
        if by == 200:
            expect(page.locator(".reader .level")).not_to_have_text(re.compile("^W 5.0"))
    page.mouse.up(button="right")
    expect(page.locator(".reader .level")).to_have_text("W 5.0  L 2.5")
    hand.press(page, "e")
    start, end = frame.spot(28, 33), frame.spot(33, 39)
    hand.drag(page, start, end)
    (found,) = hand.measured(page, 1)
    (cx, cy), (ex, ey) = frame.pixel(*start), frame.pixel(*end)
    y, x = np.mgrid[: series.shape[0], : series.shape[1]]
    within = ((x - cx) / (ex - cx)) ** 2 + ((y - cy) / (ey - cy)) ** 2 <= 1
    highest = pixels[13][within].max()
    places = np.argwhere(np.ones(pixels.shape, dtype=bool)) * (between, down, across)
    radius = (3 * 1000 / (4 * np.pi)) ** (1 / 3)
    around = cKDTree(places).query_ball_point(
        np.column_stack([np.full(within.sum(), 13), *np.nonzero(within)]) * (between, down, across), radius
    )
    peak = max(float(pixels.ravel()[one].mean(dtype=np.float64)) for one in around)
    assert found["values"]["n"] == within.sum()
    assert found["values"]["mean"] == pytest.approx(pixels[13][within].mean(dtype=np.float64), rel=1e-6)
    assert found["values"]["max"] == highest
    assert found["values"]["peak"] == {"value": pytest.approx(peak, rel=1e-6), "inPlane": False}
    assert f"SUVmax {highest:.2f}, SUVpeak {peak:.2f}" in found["text"]


def test_what_is_written_on_a_white_picture_can_be_read(page: Page, bench: str) -> None:
    """Contrast as WCAG 2 has it, 4.5 for small letters: of their colour against what is beside the first of them."""
    opened(page, f"{bench}/?case=ct")
    hand.press(page, "i")
    expect(page.locator(".reader .level")).to_have_text(re.compile("inverted$"))
    frame = hand.frame(page, CT)
    page.mouse.move(*frame.at(256, 256))
    assert hand.grey(page, *frame.at(20, 256)) > 250, "air is white now"

    def light(colours: np.ndarray) -> np.ndarray:
        return ((colours / 255 + 0.055) / 1.055) ** 2.4 @ (0.2126, 0.7152, 0.0722)

    for name in ("level", "name", "where", "scale"):
        line = page.locator(f".reader .hud.{name}").first
        box, colour = line.bounding_box(), line.evaluate("one => getComputedStyle(one).color")
        assert box is not None
        shot = np.asarray(Image.open(BytesIO(page.screenshot(clip=box))).convert("RGB"), float)  # type: ignore[arg-type]
        letters = light(np.array([float(one) for one in re.findall(r"\d+", colour)[:3]]))
        behind = np.median(light(shot[4:-4, 1:3]))
        assert (letters + 0.05) / (behind + 0.05) >= 4.5, name
