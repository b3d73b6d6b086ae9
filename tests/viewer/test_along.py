"""Along the stack: heat maps follow the scroll, and the slice bar says what the models think of every slice."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.viewer import hand
from tests.viewer.conftest import opened
from tests.viewer.page import ANSWERED
from tests.viewer.told import Told

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
CT = (512, 512)
COUNT, MIDDLE = 120, 60
HEAT = re.compile(r" heat:\w+$")


def hot(page: Page, index: int) -> tuple[float, float]:
    """The middle of a slice's square, see :func:`tests.viewer.page.square`."""
    return hand.frame(page, CT).at(105 + 4 * index, 115)


def test_heat_maps_follow_the_scroll_and_never_show_another_slice(page: Page, bench: str) -> None:
    told = Told(page)
    opened(page, f"{bench}/?case=ct&along=1")
    page.get_by_text("Answers").click()
    shown = hand.reader(page)
    expect(shown).to_have_attribute("data-shown", HEAT)
    expect(page.locator(".reader .lacks")).to_have_text("")
    page.mouse.move(2, 2)
    assert np.ptp(hand.colour(page, *hot(page, MIDDLE))) > 40
    expect(page.get_by_text("slice 60 measures 0")).to_have_count(0)  # the reader has not moved
    told.forget()

    hand.held(page, "ArrowRight", 6)
    hand.arrived(page, MIDDLE + 6)
    expect(shown).to_have_attribute("data-shown", HEAT)
    assert np.ptp(hand.colour(page, *hot(page, MIDDLE + 6))) > 40
    hand.grey(page, *hot(page, MIDDLE))
    expect(page.get_by_text("slice 66 measures 0")).to_be_visible()
    # Of six steps the page's script heard where the reader rests; the maps came by addresses of their slices.
    changed = told.changes()
    assert [one["desk"]["view"]["slice"] for one in changed] == [MIDDLE + 6], changed
    assert {url.rsplit("/", 1)[0] for url in told.asked if "/viewer/" not in url} == set()
    maps = [url.rsplit("/", 1) for url in told.asked if not url.endswith("/now")]
    assert len({address for address, _ in maps}) == 1
    assert {int(index) for _, index in maps} <= set(range(MIDDLE - 4, MIDDLE + 11))

    # A slice that was not answered has none, says so, and shows nothing of its neighbours.
    hand.press(page, *["ArrowRight"] * 6)
    hand.arrived(page, MIDDLE + 12)
    expect(page.locator(".reader .lacks")).to_have_text("no map for this slice yet")
    expect(shown).not_to_have_attribute("data-shown", HEAT)
    for index in (MIDDLE + 6, ANSWERED - 1, MIDDLE + 12):
        hand.grey(page, *hot(page, index))
    kept = shown.evaluate("r => r.overread.panes[0].layers.hot.heat.size")
    assert kept <= MIDDLE + 6 + 4 - (MIDDLE - 4) + 1


def test_the_slice_bar_shows_and_steers(page: Page, bench: str) -> None:
    opened(page, f"{bench}/?case=ct&along=1")
    bar = page.get_by_role("slider", name="Slice", exact=True)
    expect(bar).to_have_attribute("aria-valuetext", "Slice 61 of 120: First 0.50, others not yet")
    assert (bar.get_attribute("aria-valuemin"), bar.get_attribute("aria-valuemax")) == ("1", "120")
    box = bar.bounding_box()
    assert box is not None

    def at(index: int) -> float:
        return box["x"] + (index + 0.5) * box["width"] / COUNT

    # The line of the first model, solid green, lies where its probability is: 30/120 of the way up on slice 30.
    high = (box["height"] - 7) - 6
    for index in (12, 30, 48):
        y = box["y"] + 3 + (1 - index / COUNT) * high
        near = [hand.colour(page, at(index), y + by) for by in (-1, 0, 1)]
        assert min(np.abs(one - (64, 200, 96)).max() for one in near) < 70, near

    page.mouse.click(at(30), box["y"] + 20)
    hand.arrived(page, 30)
    expect(bar).to_have_attribute("aria-valuetext", "Slice 31 of 120: First 0.25, others not yet")
    hand.drag(page, (at(30), box["y"] + 20), (at(90), box["y"] + 20))
    hand.arrived(page, 90)
    expect(bar).to_have_attribute("aria-valuetext", "Slice 91 of 120: not answered yet")
    expect(bar).to_have_attribute("aria-valuenow", "91")
    for key, index in (("ArrowRight", 91), ("ArrowDown", 90), ("PageDown", 80), ("Home", 0), ("End", 119)):
        bar.press(key)
        hand.arrived(page, index)
    page.mouse.move(at(6), box["y"] + 20)
    expect(page.locator(".reader .tip")).to_have_text("Slice 7 of 120: First 0.05, others not yet")
    hand.arrived(page, 119)  # to look is not to go
