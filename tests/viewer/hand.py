"""A reader's hand on the client: where pixels are on the screen, worked out from spacing alone, and what it writes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect


@dataclass(frozen=True)
class Frame:
    """A slice that is fitted into its frame: the longer side fills it, the middle is in the middle.

    Attributes:
        left, top, width, height: of the frame, CSS pixels. rows, columns: of the slice.
        down, across: millimetres between rows and between columns (or any unit, the same for both).
    """

    left: float
    top: float
    width: float
    height: float
    rows: int
    columns: int
    down: float
    across: float

    @property
    def scale(self) -> float:
        """CSS pixels a millimetre."""
        return min(self.width / (self.columns * self.across), self.height / (self.rows * self.down))

    def at(self, column: float, row: float) -> tuple[float, float]:
        """Place on the screen of a pixel's centre."""
        x = self.left + self.width / 2 + (column - (self.columns - 1) / 2) * self.across * self.scale
        y = self.top + self.height / 2 + (row - (self.rows - 1) / 2) * self.down * self.scale
        return x, y

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Column and row under a place on the screen."""
        column = (x - self.left - self.width / 2) / self.scale / self.across + (self.columns - 1) / 2
        return column, (y - self.top - self.height / 2) / self.scale / self.down + (self.rows - 1) / 2

    def spot(self, column: float, row: float) -> tuple[int, int]:
        """A whole place on the screen close by, as the mouse tells it, whose column and row end far from a half and
        from a whole: no pixel's centre lies on the line of a shape that begins or ends there."""
        x, y = (round(v) for v in self.at(column, row))
        around = [(x + a, y + b) for a in range(-4, 5) for b in range(-4, 5)]

        def clear(place: tuple[int, int]) -> float:
            return min(abs((v % 0.5) - 0.25) for v in self.pixel(*place))

        return min(around, key=clear)


def frame(page: Page, shape: Sequence[int], spacing: Sequence[float] = (1.0, 1.0), pane: int = 0) -> Frame:
    """The frame of a viewer's picture as it is on the screen now."""
    box = page.locator(".reader .view").nth(pane).bounding_box()
    assert box is not None
    return Frame(box["x"], box["y"], box["width"], box["height"], shape[0], shape[1], spacing[0], spacing[1])


def reader(page: Page) -> Locator:
    """The viewer."""
    return page.locator(".reader")


def press(page: Page, *keys: str) -> None:
    """Press keys in the viewer."""
    for key in keys:
        reader(page).press(key)


def held(page: Page, key: str, times: int) -> None:
    """A key held down until it has repeated so many times: on a slow machine too, nothing rests in between."""
    reader(page).evaluate(
        """(reader, [key, times]) => {
          for (let n = 0; n < times; n++) {
            reader.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, repeat: n > 0 }));
          }
        }""",
        [key, times],
    )


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag with the left button."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def arrived(page: Page, index: int) -> None:
    """Wait until a slice, from 0, is drawn."""
    expect(reader(page)).to_have_attribute("data-slice", str(index))
    until = time.monotonic() + 30  # not wait_for_function: it evaluates a text, which the pages' policy refuses
    while reader(page).evaluate("reader => reader.overread.panes[0].shown") != index:
        assert time.monotonic() < until, f"slice {index} is not drawn"
        page.wait_for_timeout(20)


def back_before(page: Page, index: int) -> None:
    """Wait until a slice before one, from 0, is drawn: of slices that pass by themselves a slow look misses some."""
    until = time.monotonic() + 60
    while reader(page).evaluate("reader => reader.overread.panes[0].shown") >= index:
        assert time.monotonic() < until, f"no slice before {index} is drawn"
        page.wait_for_timeout(20)


def laid(page: Page, count: int) -> None:
    """Wait until so many overlays have come whole."""
    come = "r => r.overread.panes[0].layers.all.filter(one => one.mask || one.heat.size).length"
    until = time.monotonic() + 30
    while reader(page).evaluate(come) != count:
        assert time.monotonic() < until, f"there are not {count} overlays"
        page.wait_for_timeout(20)


def measured(page: Page, count: int) -> list[dict[str, Any]]:
    """Measurements with their values, once there are so many."""
    expect(page.locator(".reader .list li")).to_have_count(count)
    found: list[dict[str, Any]] = reader(page).evaluate("r => r.overread.list.all")
    return found


def colour(page: Page, x: float, y: float) -> np.ndarray:
    """What the screen shows at a place: red, green and blue, 0 to 255."""
    data = page.screenshot(clip={"x": round(x), "y": round(y), "width": 1, "height": 1})
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))[0, 0].astype(int)


def grey(page: Page, x: float, y: float) -> int:
    """What the screen shows at a place, 0 to 255."""
    colours = colour(page, x, y)
    assert np.ptp(colours) <= 2, f"not grey: {colours}"
    return int(colours[0])
