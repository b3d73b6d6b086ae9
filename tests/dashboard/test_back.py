"""The browser's Back: a page that keeps its place in the address goes there, and lets the reader leave."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard import desk
from tests.dashboard.ward import School

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    ("name", "role", "second", "third"),
    [("learn", "tab", "Tours", "Your curves"), ("teach", "radio", "Class", "Cases")],
)
def test_back_goes_back_and_out(page: Page, lesson: School, name: str, role: str, second: str, third: str) -> None:
    chosen = {"tab": "aria-selected", "radio": "aria-checked"}[role]
    page.goto(f"{lesson.house.url}/models")
    desk.settled(page)
    page.goto(f"{lesson.house.url}/{name}")
    desk.settled(page)
    for place in (second, third):
        page.get_by_role(role, name=place, exact=True).click()  # type: ignore[arg-type]
        expect(page).to_have_url(re.compile(f"={place.split()[0]}"))
        desk.settled(page)
    seen: list[str] = []
    for _ in range(8):  # some places are put into the address one after the other
        page.go_back()
        page.wait_for_timeout(300)
        desk.settled(page)
        if page.url.endswith("/models"):
            break
        (here,) = page.locator(f"[role={role}][{chosen}=true]").first.all_inner_texts()
        if not seen or seen[-1] != here:
            seen.append(here)
    expect(page.get_by_role("heading", name="Models and their evidence")).to_be_visible()
    assert seen[-2:] == [second, "Quizzes" if name == "learn" else "Results"]
