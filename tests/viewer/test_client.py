"""The client in a browser: no step is lost, nothing is asked of the server, and every number is pydicom's."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.viewer import files, hand
from tests.viewer.conftest import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
CT = (512, 512)
MIDDLE = files.SLICES // 2
# Notches of a wheel over the picture, 20 ms apart, however long the machine takes to draw.
NOTCHES = """(reader, count) => new Promise((done) => {
  const view = reader.querySelector(".view");
  const turn = () => {
    view.dispatchEvent(new WheelEvent("wheel", { deltaY: 100, bubbles: true, cancelable: true, composed: true }));
    count -= 1;
    count ? setTimeout(turn, 20) : done();
  };
  turn();
})"""


def test_a_hundred_wheel_steps_arrive_and_ask_nothing_of_the_server(page: Page, bench: str) -> None:
    opened(page, f"{bench}/?case=ct")
    hand.press(page, "Home")
    hand.arrived(page, 0)
    expect(page.get_by_text("slice 0 measures 0")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hand.reader(page).evaluate(NOTCHES, 100)
    hand.arrived(page, 100)
    assert asked == []
    # The slice that is drawn is that one: its square holds its number less 50, in a window from -135 to 215.
    page.mouse.move(*hand.frame(page, CT).at(300, 256))
    x, y = hand.frame(page, CT).at(256, 256)
    assert hand.grey(page, x, y) == pytest.approx(255 * (50 + 135) / 350, abs=2)
    expect(page.get_by_text("slice 100 measures 0")).to_be_visible()
    assert asked == []


# A machine that needs a second and a half to load the component.
SLOW = """
  const make = URL.createObjectURL;
  URL.createObjectURL = (blob) => make.call(URL, blob.type !== "text/javascript" ? blob :
    new Blob(["await new Promise((done) => setTimeout(done, 1500));\\n", blob], { type: blob.type }));
"""


def test_what_is_drawn_anew_before_the_browser_has_loaded_it_is_there(page: Page, bench: str) -> None:
    page.add_init_script(SLOW)
    opened(page, f"{bench}/?case=mr&times=4")
    # And once its place is gone it lets go of everything.
    held = hand.reader(page).evaluate_handle("(reader) => reader.overread")
    page.get_by_text("Away", exact=True).click()
    expect(page.locator(".reader")).to_have_count(0)
    assert held.evaluate("(viewer) => viewer.gone") is True


def test_no_context_takes_more_than_one_sample_of_a_pixel(page: Page, bench: str) -> None:
    """By the processor, four samples of every pixel cost half of the frames."""
    opened(page, f"{bench}/?case=ct")
    smoothed = hand.reader(page).evaluate("""(reader) => reader.overread.engine._implementation.contextPool
      .getAllContexts().map((one) => one.getOpenGLRenderWindow().getContext().getContextAttributes().antialias)""")
    assert smoothed == [False] * 4


def test_keys_choose_windows(page: Page, bench: str) -> None:
    opened(page, f"{bench}/?case=ct")
    hand.press(page, "End")
    hand.arrived(page, 119)  # 69 HU in the middle
    wanted = ((40, 350), (-600, 1500), (40, 400), (400, 1800), (40, 80), (60, 160))  # stored, then as clinics use them
    x, y = hand.frame(page, CT).at(256, 256)
    for number, (level, width) in enumerate(wanted, 1):
        hand.press(page, str(number))
        expect(page.get_by_label("Window width")).to_have_value(str(width))
        expect(page.get_by_label("Window level")).to_have_value(str(level))
        expect(page.locator(".reader .level")).to_have_text(re.compile(f"^W {width}  L {level}"))
        shown = 255 * min(max((69 - level + width / 2) / width, 0), 1)
        assert hand.grey(page, x, y) == pytest.approx(shown, abs=2)


def test_window_fields_closed_untouched_change_nothing(page: Page, bench: str) -> None:
    opened(page, f"{bench}/?case=ct")
    page.get_by_text("Answers").click()
    expect(page.get_by_role("button", name="Heat map", exact=True)).to_be_visible()
    hand.laid(page, 3)
    hand.press(page, "2")
    page.mouse.move(2, 2)
    stage = page.locator(".reader .stage")
    reader = hand.reader(page)
    expect(page.get_by_text(re.compile("slice (None|60)"))).to_be_visible()
    before, picture = reader.get_attribute("data-shown"), stage.screenshot()
    for name in ("Window width", "Window level", "Window"):
        field = page.get_by_label(name, exact=True)
        field.focus()
        field.press("Tab")
    page.get_by_label("Window width").click()
    page.keyboard.press("Escape")
    page.mouse.move(2, 2)
    assert reader.get_attribute("data-shown") == before
    assert stage.screenshot() == picture


def test_a_picture_without_geometry_says_so(page: Page, bench: str) -> None:
    opened(page, f"{bench}/?case=photo")
    expect(page.locator(".reader .side.left")).to_have_text("side unknown")
    for side in ("right", "top", "bottom"):
        expect(page.locator(f".reader .side.{side}")).to_have_text("")
    expect(page.locator(".reader .scale")).to_have_text("no scale")
    frame = hand.frame(page, (80, 120))
    page.mouse.move(*frame.at(30, 20))
    expect(page.locator(".reader .under")).to_have_text("50 as stored · column 30, row 20")
    hand.press(page, "d")
    start, end = frame.spot(20, 20), frame.spot(50, 60)
    hand.drag(page, start, end)
    (found,) = hand.measured(page, 1)
    pixels = np.hypot(*(np.subtract(frame.pixel(*end), frame.pixel(*start))))
    assert found["values"]["length"] == pytest.approx(pixels, abs=0.01)
    assert found["text"] == f"{pixels:.1f} px"


# The letters, by hand from Image Orientation (Patient): to the right of the picture, down, left, up. A direction names
# every axis that it comes within 75 degrees of, the nearest first.
LETTERS = {
    "oblique": ("LP", "FPR", "RA", "HAL"),  # row (0.82, 0.57, 0); column (-0.34, 0.49, -0.80)
    "tilted": ("L", "PF", "R", "AH"),  # row along x; column (0, 0.94, -0.34)
    "anisotropic": ("P", "F", "A", "H"),
}


@pytest.mark.parametrize("name", list(files.SHAPES))
def test_letters_scale_values_and_measures_are_those_of_the_file(page: Page, bench: str, name: str) -> None:
    header = files.headers(name)[MIDDLE]
    down, across = (float(mm) for mm in header.PixelSpacing)
    values = header.pixel_array.astype(float) * float(header.RescaleSlope) + float(header.RescaleIntercept)
    opened(page, f"{bench}/?case=dicom-{name}")
    frame = hand.frame(page, values.shape, (down, across))

    for side, letters in zip(("right", "bottom", "left", "top"), LETTERS[name], strict=True):
        expect(page.locator(f".reader .side.{side}")).to_have_text(letters)

    bar = page.locator(".reader .scale i").bounding_box()
    assert bar is not None
    number, unit = page.locator(".reader .scale span").inner_text().split()
    millimetres = float(number) * {"cm": 10, "mm": 1}[unit]
    assert bar["width"] / frame.scale == pytest.approx(millimetres, rel=0.02)

    for column, row in ((5, 7), (56, 48), (100, 80)):
        page.mouse.move(*frame.at(column, row))
        expect(page.locator(".reader .under")).to_have_text(
            f"{values[row, column]:.0f} HU · column {column}, row {row}"
        )

    start, end = frame.spot(20, 15), frame.spot(70, 60)
    (c0, r0), (c1, r1) = frame.pixel(*start), frame.pixel(*end)
    hand.press(page, "d")
    hand.drag(page, start, end)
    (length,) = hand.measured(page, 1)
    expected = np.hypot((c1 - c0) * across, (r1 - r0) * down)
    assert length["values"]["length"] == pytest.approx(expected, abs=0.01)
    assert length["text"] == f"{length['values']['length']:.1f} mm"

    hand.press(page, "b")
    start, end = frame.spot(25, 35), frame.spot(60, 70)
    (c0, r0), (c1, r1) = frame.pixel(*start), frame.pixel(*end)
    hand.drag(page, start, end)
    box = next(m for m in hand.measured(page, 2) if m["kind"] == "rectangle")
    y, x = np.mgrid[: values.shape[0], : values.shape[1]]
    _same(box["values"], values[(x > c0) & (x < c1) & (y > r0) & (y < r1)])
    assert box["values"]["area"] == pytest.approx((c1 - c0) * across * (r1 - r0) * down, rel=1e-4)

    hand.press(page, "e")
    start, end = frame.spot(85, 25), frame.spot(100, 37)
    hand.drag(page, start, end)
    ellipse = next(m for m in hand.measured(page, 3) if m["kind"] == "ellipse")
    # Drawn from its middle: the half axes are what was dragged across and down.
    (cx, cy), (ex, ey) = frame.pixel(*start), frame.pixel(*end)
    a, b = abs(ex - cx), abs(ey - cy)
    away = ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2
    _same(ellipse["values"], values[away <= 1])
    assert ellipse["values"]["area"] == pytest.approx(np.pi * a * across * b * down, rel=1e-3)


def _same(said: dict[str, float], inside: np.ndarray) -> None:
    assert said["n"] == inside.size
    assert said["mean"] == pytest.approx(inside.mean(), abs=1e-6)
    assert said["sd"] == pytest.approx(inside.std(), abs=1e-6)
    assert (said["min"], said["max"]) == (inside.min(), inside.max())


def test_two_series_are_linked_by_where_they_lie(page: Page, bench: str) -> None:
    """CT slices lie at z = 10 + 2.5 n, those of the PET at 12 + 10 n."""
    opened(page, f"{bench}/?case=ct")
    page.get_by_label("Layout").select_option(label="Beside: PET, SUV")
    second = page.locator(".reader .pane").nth(1)
    expect(second.locator(".where")).to_have_text(re.compile(r"^16 / 30"))  # slice 60: z 160, nearest 162
    page.mouse.move(*hand.frame(page, CT).at(256, 256))
    for to, nearest in ((20, 5), (99, 25), (0, 0)):  # z 60, 257.5 and 10: nearest 62, 262 and 12
        hand.reader(page).evaluate("(r, to) => r.overread.panes[0].go(to)", to)
        expect(second.locator(".where")).to_have_text(re.compile(rf"^{nearest + 1} / 30"))
    # The other way round: the PET leads, z = 12 + 10 * 7 = 82; 10 + 2.5 * 29 = 82.5.
    box = second.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for step in range(1, 8):
        page.mouse.wheel(0, 100)
        expect(second.locator(".where")).to_have_text(re.compile(rf"^{step + 1} / 30"))
    hand.arrived(page, 29)
    # Their windows are in different units and stay their own.
    level = second.locator(".level").inner_text()
    hand.press(page, "Escape")
    assert level.startswith("W 5")
