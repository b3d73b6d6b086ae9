"""Review as it is read: with the client, from the upload to the last answer, on a desk and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.accessibility.axe import findings
from tests.dashboard import desk
from tests.dashboard.conftest import Server
from tests.dashboard.test_accessibility import KNOWN
from tests.viewer import hand
from tests.viewer.conftest import LOADED

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
CLIENT = re.compile("/viewer/client/")
TABS = ("Maps", "Masks", "Measures", "Report")


def told(page: Page, place: str) -> list[str]:
    """What axe-core calls serious or critical on the page as it stands, as text."""
    found = [one for one in findings(page, KNOWN) if not one.known]
    return [f"{place}: {one.rule}: {one.target}: {one.html}: {one.told}" for one in found]


def test_from_the_upload_to_the_last_answer(page: Page, drawing: Browser, server: Server) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_response(CLIENT):  # the client is there before there is anything to show
        page.goto(f"{server.url}/review")
    expect(page.get_by_role("button", name="Brain MR, stack of 14")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    desk.watch_shifts(page)
    desk.give(page, desk.SAMPLES / "brain-mr-01.nii.gz")
    desk.answered(page)
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    assert desk.shifted(page) <= 0.05
    assert len([url for url in asked if CLIENT.search(url)]) == 1
    wrong = told(page, "Answers")

    # The reader's slice was not moved; a wheel moves it, the arrows do from anywhere, and the address follows.
    hand.arrived(page, 7)
    page.locator(".reader .view").hover()
    page.mouse.wheel(0, 100)
    hand.arrived(page, 8)
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("ArrowRight")
    hand.arrived(page, 9)
    expect(page).to_have_url(re.compile(r"\?open=[\w-]{32,}&slice=10$"), timeout=desk.ANSWER)
    desk.settled(page)

    # An outline and a heat map in their model's row, by a click and by the keyboard: they lie over the picture, which
    # stays as it is and names what lies over it.
    chips = page.get_by_role("group", name="Overlays")
    bare = re.compile(r"^9( -?[\d.]+){2} \w+$")
    for kind, called in (("Outline", "Mask"), ("Heat map", "Heat map")):
        switch = desk.table(page).get_by_role("button", name=desk.starts(f"{kind} of ")).first
        for on in (True, False):
            switch.click() if on else switch.press("Enter")
            expect(switch).to_have_attribute("aria-pressed", str(on).lower())
            shown = re.compile(rf"^9 .* {called[:4].lower()} ") if on else bare
            expect(page.locator(".reader")).to_have_attribute("data-shown", shown)
            expect(chips.get_by_role("button", name=desk.starts(f"{called}: "))).to_have_count(int(on))
    # A click elsewhere in the row switches its first; one heat map takes the place of another.
    desk.table(page).get_by_role("rowheader").first.click()
    expect(page.locator(".reader")).to_have_attribute("data-shown", re.compile(r"^9 .* mask "))
    desk.table(page).get_by_role("rowheader").first.click()
    expect(page.locator(".reader")).to_have_attribute("data-shown", bare)
    maps = desk.table(page).get_by_role("button", name=desk.starts("Heat map of "))
    if maps.count() > 1:
        maps.nth(0).click()
        maps.nth(1).click()
        expect(maps.nth(0)).to_have_attribute("aria-pressed", "false")
        maps.nth(1).click()
    # The slice bar speaks of the slice in view as the table does.
    bar = page.get_by_role("slider", name="Slice", exact=True)
    expect(bar).to_have_attribute("aria-valuetext", re.compile(r"^Slice 10 of 14: .* [01]\.\d\d"))
    for tab in TABS:
        desk.turn_to(page, tab)
        expect(page.get_by_role("tabpanel").filter(visible=True)).not_to_be_empty()
        hand.arrived(page, 9)
        wrong += told(page, tab)
    desk.turn_to(page, "Masks")
    expect(page).to_have_url(re.compile(r"&slice=10&section=Masks$"), timeout=desk.ANSWER)

    page.reload()
    desk.settled(page)
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    hand.arrived(page, 9)
    expect(page.get_by_role("tab", name="Masks")).to_have_attribute("aria-selected", "true")

    with drawing.new_context(viewport={"width": 390, "height": 844}, has_touch=True) as context:
        context.set_default_timeout(120_000)
        phone = context.new_page()
        phone.goto(f"{server.url}/review?sample=brain-mr-01&slice=10")
        desk.answered(phone)
        expect(phone.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
        hand.arrived(phone, 9)
        stage, line = phone.locator(".reader .stage"), phone.locator(".st-key-study-head")
        expect(phone.locator(".reader")).to_be_in_viewport(ratio=1)
        over, under = stage.bounding_box(), line.bounding_box()
        assert over is not None
        assert under is not None
        assert over["y"] < 260
        assert over["height"] > 250
        assert under["y"] >= over["y"] + over["height"]
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        wrong += told(phone, "phone")
    assert wrong == []
