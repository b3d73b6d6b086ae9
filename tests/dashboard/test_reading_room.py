"""The reading desk in a browser: nothing moves, nothing is lost, and the address leads back to the same place."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard import desk
from tests.dashboard.conftest import Server

pytestmark = pytest.mark.browser


def test_nothing_moves_from_the_upload_to_the_last_answer_and_a_reload_finds_it_again(
    page: Page, server: Server
) -> None:
    page.goto(f"{server.url}/review")
    expect(page.get_by_role("button", name="Brain MR, stack of 14")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    desk.watch_shifts(page)
    desk.give(page, desk.SAMPLES / "brain-mr-01.nii.gz")
    desk.answered(page)
    assert desk.shifted(page) <= 0.05
    # The reader's slice was not moved; where it is most suspicious is a button.
    expect(page.locator(".corner.right")).to_contain_text("8 / 14")
    page.get_by_role("button", name=re.compile(r"^Most suspicious: \d+")).click()
    expect(page.locator(".corner.right")).not_to_contain_text("8 / 14")
    shown = page.locator(".corner.right").inner_text().split(" / ")[0]
    desk.settled(page)
    desk.turn_to(page, "Masks")
    expect(page).to_have_url(re.compile(rf"\?open=[\w-]{{32,}}&slice={shown}&section=Masks$"))
    address = page.url

    page.reload()
    expect(page.get_by_role("heading", name="brain-mr-01.nii.gz")).to_be_visible(timeout=desk.ANSWER)
    expect(page.locator(".corner.right")).to_contain_text(f"{shown} / 14")
    expect(page.get_by_role("tab", name="Masks")).to_have_attribute("aria-selected", "true")
    desk.settled(page)
    page.get_by_role("button", name="More").click()
    expect(page.get_by_text("a reload of this address finds it again for 60 minutes")).to_be_visible()
    page.get_by_role("button", name="Delete now").click()
    expect(page.get_by_role("heading", name="Review a scan")).to_be_visible(timeout=desk.ANSWER)
    page.goto(address)
    expect(page.get_by_text("This upload is not held any more")).to_be_visible(timeout=desk.ANSWER)


@pytest.mark.parametrize("wanted", ["sample=brain-mr-99", "sample=../../etc", "open=guessed"])
def test_an_unknown_address_offers_the_samples(page: Page, server: Server, wanted: str) -> None:
    page.goto(f"{server.url}/review?{wanted}")
    expect(page.get_by_text(re.compile("There is no such sample|not held any more"))).to_be_visible(timeout=desk.ANSWER)
    expect(page.get_by_role("button", name="Brain MR, stack of 14")).to_be_visible()
    expect(page.get_by_text(wanted.split("=")[1])).to_have_count(0)


def test_the_series_are_named_and_the_address_holds_them(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/review?sample=mr-pet-06&series=2&slice=4")
    desk.answered(page)
    expect(page.get_by_role("combobox", name="Series")).to_have_value("PET axial")
    expect(page.locator(".corner.right")).to_contain_text("4 / 12")
    expect(page.get_by_text(re.compile(r"Series \d"))).to_have_count(0)
    desk.choose(page, "Series", "T1 axial")
    desk.settled(page)
    expect(page).to_have_url(re.compile("series=1"))
    # On a phone the picture comes first, the study's line below it, and nothing is wider than the screen.
    page.set_viewport_size({"width": 390, "height": 844})
    shown, line = page.locator(".st-key-screen-stack"), page.locator(".st-key-study-head")
    expect(shown).to_be_in_viewport(ratio=1)
    over, under = shown.bounding_box(), line.bounding_box()
    assert over is not None
    assert under is not None
    assert over["y"] < 200
    assert under["y"] >= over["y"] + over["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
