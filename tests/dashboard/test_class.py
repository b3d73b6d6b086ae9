"""A class: a teacher, and students on phones; one reloads, one loses the connection, one answers twice."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sklearn.metrics import accuracy_score, brier_score_loss

from core.review import Store
from core.review.trail import verify
from core.teaching import quizzes
from core.teaching.rules import Models, Rules
from tests.dashboard import desk, readings, weights
from tests.dashboard.conftest import watch
from tests.dashboard.house import House
from tests.teaching import school

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
CASES = ["tumour", "no tumour", "no tumour", "tumour"]
PLAN = {"Ada": ("tumour", 80), "Bo": ("no tumour", 90), "Cy": ("tumour", 60)}  # what each says of every case


@dataclass(frozen=True)
class School:
    """A running dashboard with a quiz."""

    house: House
    store: Store
    quiz: int


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    folder = tmp_path_factory.mktemp("school")
    house = House(folder, weights.write(folder / "weights"))
    store = readings.opened(house.store)
    quiz = school.quiz(store, Rules(models=Models.NEVER, seed=3), CASES).id or 0
    house.start()
    yield School(house, store, quiz)
    house.stop()


def _phone(browser: Browser) -> BrowserContext:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    context.set_default_timeout(90_000)
    return context


def _join(browser: Browser, url: str, code: str, name: str) -> Page:
    page = _phone(browser).new_page()
    page.goto(f"{url}/class?code={code}")
    page.get_by_label("Name for the teacher's list").fill(name)
    page.get_by_role("button", name="Join", exact=True).click()
    page.get_by_role("button", name="Begin").click()
    _at(page, 1)
    return page


def _at(page: Page, place: int) -> None:
    expect(page.get_by_role("heading", name=f"Case {place} of {len(CASES)}", exact=True)).to_be_visible(
        timeout=desk.ANSWER
    )
    desk.settled(page)


def _fill(page: Page, said: str, sure: int) -> None:
    for name in ("tumour" if said == "tumour" else "no tumour seen", f"{sure} %"):
        choice = page.get_by_role("radio", name=name, exact=True)
        if choice.get_attribute("aria-checked") != "true":  # a second click would take it back
            choice.click()
            desk.settled(page)
        expect(choice).to_be_checked(timeout=desk.ANSWER)
    expect(page.get_by_role("button", name="This is my answer")).to_be_enabled(timeout=desk.ANSWER)


def _told(page: Page) -> None:
    expect(page.get_by_text("The truth:")).to_be_visible(timeout=desk.ANSWER)


def _answer(page: Page) -> None:
    page.get_by_role("button", name="This is my answer").click()
    _told(page)


def _rest(page: Page, name: str, start: int) -> None:
    """Answer the cases from one on, to the results."""
    for place in range(start, len(CASES) + 1):
        _at(page, place)
        _fill(page, *PLAN[name])
        _answer(page)
        page.get_by_role("button", name="Next case" if place < len(CASES) else "To your results").click()
    expect(page.get_by_text(f"of {len(CASES)} cases right")).to_be_visible(timeout=desk.ANSWER)


def test_a_class_from_the_code_to_the_table(page: Page, browser: Browser, lesson: School) -> None:
    url, store = lesson.house.url, lesson.store
    page.goto(f"{url}/teach?section=Class&quiz={lesson.quiz}")
    page.get_by_role("button", name="Open the class").click()
    expect(page.get_by_text("Join with the code")).to_be_visible(timeout=desk.ANSWER)
    code = re.search(r"class\?code=([A-Z0-9]{6})", page.content())
    assert code is not None

    # Ada fills in, reloads, and finds what she had filled in.
    ada = _join(browser, url, code[1], "Ada")
    errors = watch(ada)
    _fill(ada, *PLAN["Ada"])
    ada.reload()
    _at(ada, 1)
    expect(ada.get_by_role("radio", name="80 %", exact=True)).to_be_checked(timeout=desk.ANSWER)
    _answer(ada)
    ada.get_by_role("button", name="Next case").click()

    # Bo's phone dies in the middle of the first case; another one opens the same address.
    bo = _join(browser, url, code[1], "Bo")
    _fill(bo, *PLAN["Bo"])
    address = bo.url
    bo.context.close()
    bo = _phone(browser).new_page()
    bo.goto(address)
    _at(bo, 1)
    expect(bo.get_by_role("radio", name="90 %", exact=True)).to_be_checked(timeout=desk.ANSWER)

    # Cy has two tabs, and answers the first case in both: the first answer stands.
    cy = _join(browser, url, code[1], "Cy")
    twin = cy.context.new_page()
    twin.goto(cy.url)
    _at(twin, 1)
    _fill(twin, "no tumour", 100)
    _fill(cy, *PLAN["Cy"])
    _answer(cy)
    twin.get_by_role("button", name="This is my answer").click()
    _told(twin)
    expect(twin.get_by_text("you said tumour, 60 % sure")).to_be_visible(timeout=desk.ANSWER)
    twin.close()
    cy.get_by_role("button", name="Next case").click()

    _rest(ada, "Ada", 2)
    _rest(bo, "Bo", 1)
    _rest(cy, "Cy", 2)

    # The teacher sees them all without a click, and the export says what scikit-learn makes of what they did.
    expect(page.get_by_text("3 joined, 3 finished")).to_be_visible(timeout=desk.ANSWER)
    page.goto(f"{url}/teach?section=Results&quiz={lesson.quiz}")
    with page.expect_download() as download:
        page.get_by_role("button", name="All answers (CSV)").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 3 * len(CASES)
    truth = {str(i.position + 1): i.finding for i in quizzes.items_for(store, 1, lesson.quiz)}
    for name, (said, sure) in PLAN.items():
        mine = [row for row in rows if row["learner"] == name]
        finding = said == "tumour"
        true = [truth[row["case"]] for row in mine]
        assert sorted(row["case"] for row in mine) == ["1", "2", "3", "4"]
        assert [int(row["right"]) for row in mine] == [int(t is finding) for t in true]
        assert accuracy_score(true, [finding] * 4) == 0.5
        stated = [sure / 100 if finding else 1 - sure / 100] * 4
        points = sum(float(row["points"]) for row in mine) / 4
        assert points == pytest.approx(100 * (1 - brier_score_loss(true, stated)), abs=0.01)
    assert verify(store).ok
    assert errors == []
    for one in (ada, bo, cy):
        one.context.close()
