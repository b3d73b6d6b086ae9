"""What a reader does while a review is under way, and just as it ends: the page never stays behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.teaching import learners
from core.teaching.rules import Models, Rules
from tests.dashboard import desk, readings
from tests.dashboard.conftest import Server
from tests.dashboard.house import House
from tests.teaching import school

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
SAMPLE = "brain-mr-04"


@pytest.fixture
def held(tmp_path: Path, server: Server) -> Iterator[Callable[[float], House]]:
    """Starts a dashboard whose reviews wait for a file, and whose pages look so often, in seconds."""
    started: list[House] = []

    def start(poll: float) -> House:
        settings = {"OVERREAD_HELD": str(tmp_path), "OVERREAD_POLL": str(poll)}
        served = ("-m", "tests.dashboard.held_back")
        started.append(House(tmp_path, server.weights, settings, served=served).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


def _stop(page: Page) -> Locator:
    """The button of the review; Streamlit has one of its own in the header."""
    return page.get_by_test_id("stMain").get_by_role("button", name="Stop")


def test_a_click_between_the_end_and_the_next_look_leaves_nothing_behind(
    page: Page, held: Callable[[float], House], tmp_path: Path
) -> None:
    page.goto(f"{held(600).url}/review?sample={SAMPLE}")
    expect(page.get_by_text("Image check under way")).to_be_visible()
    expect(_stop(page)).to_be_visible()
    desk.settled(page)
    (tmp_path / "go").touch()
    whole = page.locator("table.or-table[aria-busy=false]")
    for _ in range(60):  # nothing but these clicks asks the server
        page.get_by_role("tab", name="Maps", exact=True).click()
        desk.settled(page)
        page.get_by_role("tab", name="Answers", exact=True).click()
        desk.settled(page)
        if whole.count():
            break
        page.wait_for_timeout(500)
    expect(whole).to_be_visible()
    expect(page.get_by_text("Image check: passed")).to_be_visible(timeout=5_000)
    expect(page.get_by_text("Image check under way")).to_have_count(0)


def test_a_tab_without_answers_follows_the_review_to_its_end(
    page: Page, held: Callable[[float], House], tmp_path: Path
) -> None:
    page.goto(f"{held(0.5).url}/review?sample={SAMPLE}&section=Maps")
    expect(page.get_by_text("Follows when every slice has been answered.")).to_be_visible()
    expect(page.get_by_text("Image check under way")).to_be_visible()
    desk.settled(page)
    (tmp_path / "go").touch()
    expect(page.locator(".st-key-heat-tiles")).to_be_visible()
    expect(page.get_by_text("Image check: passed")).to_be_visible(timeout=5_000)


def test_a_stopped_review_goes_on(page: Page, held: Callable[[float], House], tmp_path: Path) -> None:
    page.goto(f"{held(0.5).url}/review?sample={SAMPLE}")
    _stop(page).click()
    expect(page.get_by_text("Stopped at 0%")).to_be_visible()
    expect(page.get_by_text("Image check: not made.")).to_be_visible()
    desk.settled(page)
    page.get_by_role("button", name="Go on").click()
    expect(_stop(page)).to_be_visible()
    (tmp_path / "go").touch()
    desk.answered(page)
    expect(page.get_by_text("All answered").or_(page.get_by_text("1 slice answered"))).to_be_visible()


def test_one_that_failed_is_tried_again(page: Page, held: Callable[[float], House], tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    (tmp_path / "fail").touch()
    page.goto(f"{held(0.5).url}/review?sample={SAMPLE}")
    expect(page.get_by_text("All places are taken.")).to_be_visible()
    expect(page.get_by_text("Image check: not made.")).to_be_visible()
    desk.settled(page)
    (tmp_path / "fail").unlink()
    page.get_by_role("button", name="Try again").click()
    desk.answered(page)
    expect(page.get_by_text("All places are taken.")).to_have_count(0)


def test_what_follows_on_another_tab_of_a_told_case_comes_by_itself(
    page: Page, held: Callable[[float], House], tmp_path: Path
) -> None:
    house = held(0.5)
    store = readings.opened(house.store)
    quiz = school.quiz(store, Rules(models=Models.WITH_TRUTH, shuffle=False), ["tumour"]).id
    me = learners.of_user(store, school.teacher(store)).id or 0
    attempt = school.begun(store, quiz, me)
    school.say(store, me, attempt)
    store.close()
    page.goto(f"{house.url}/learn?attempt={attempt}&look=1")
    page.get_by_role("tab", name="Heat maps").click()
    expect(page.get_by_text("Follows when every slice has been answered.")).to_be_visible()
    desk.settled(page)
    (tmp_path / "go").touch()
    expect(page.get_by_text("Follows when every slice has been answered.")).to_have_count(0)
    expect(page.get_by_role("tab", name="Heat maps")).to_have_attribute("aria-selected", "true")
