"""Two pictures beside each other: which of them follows the other's window, and to which slice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.viewer import hand
from tests.viewer.conftest import opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def middle(place: Locator) -> tuple[float, float]:
    """The middle of an element on the screen."""
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_window_however_chosen_is_that_of_both_pictures_of_one_unit_and_modality(page: Page, bench: str) -> None:
    opened(page, f"{bench}/?case=ct")
    hand.press(page, "2")
    page.get_by_label("Layout").select_option(label="Beside itself")
    levels = page.locator(".reader .level")

    def both(text: str) -> None:
        for one in (levels.nth(0), levels.nth(1)):
            expect(one).to_have_text(re.compile(rf"^{text}"))

    both("W 1500  L -600")  # the second one begins as the first one is
    hand.press(page, "5")
    both("W 80  L 40")
    page.get_by_label("Window", exact=True).select_option(index=5)
    both("W 160  L 60")
    page.get_by_label("Window width").fill("500")
    page.keyboard.press("Enter")
    both("W 500  L 60$")
    page.mouse.click(*middle(page.locator(".reader .pane").nth(1)))
    hand.press(page, "i")  # the second one leads now
    both("W 500  L 60  inverted")
    page.get_by_role("button", name="Invert").click()
    hand.press(page, "1")
    both("W 350  L 40  as stored$")
    x, y = middle(page.locator(".reader .pane").nth(1))
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    page.mouse.move(x + 60, y)
    page.mouse.up(button="right")
    expect(levels.nth(1)).not_to_have_text(re.compile("^W 350"))
    both(re.escape(levels.nth(1).inner_text()))

    page.get_by_role("button", name="Link slices and windows").click()
    hand.press(page, "4")
    expect(levels.nth(1)).to_have_text(re.compile("^W 1800  L 400"))
    expect(levels.nth(0)).not_to_have_text(re.compile("^W 1800"))


def test_mr_and_pet_are_linked_by_where_they_lie_and_keep_their_windows(page: Page, bench: str) -> None:
    """MR slices lie at z = 20 + 4 n, those of the PET at 12 + 10 n."""
    opened(page, f"{bench}/?case=mr")
    page.get_by_label("Layout").select_option(label="Beside: PET, SUV")
    second = page.locator(".reader .pane").nth(1)
    where, level = second.locator(".where"), second.locator(".level")
    expect(where).to_have_text(re.compile("^14 / 30"))  # slice 30: z 140, nearest 142
    own = level.inner_text()
    for key, nearest in (("Home", 1), ("End", 24), ("PageUp", 20)):  # z 20, 256 and 216: nearest 22, 252 and 212
        hand.press(page, key)
        expect(where).to_have_text(re.compile(rf"^{nearest + 1} / 30"))
    hand.press(page, "i", "3")
    expect(page.locator(".reader .pane").first.locator(".level")).to_have_text(re.compile("inverted$"))
    assert level.inner_text() == own
    # The other way round: the PET leads, z = 12 and 12 + 10 * 8 = 92; 20 + 4 * 18 = 92.
    page.mouse.click(*middle(second))
    hand.press(page, "Home")
    hand.arrived(page, 0)
    page.mouse.move(*middle(second))
    for _ in range(8):
        page.mouse.wheel(0, 100)
    hand.arrived(page, 18)
