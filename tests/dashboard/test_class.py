"""A class: a teacher, and students on phones; one reloads, one loses the connection, one answers twice."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sklearn.metrics import accuracy_score, brier_score_loss

from core.review.trail import verify
from core.teaching import quizzes
from core.teaching.rules import Models, Rules
from tests.dashboard import desk, pupils
from tests.dashboard.conftest import watch
from tests.dashboard.pupils import Said
from tests.dashboard.ward import School
from tests.teaching import school

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
CASES = ["tumour", "no tumour", "no tumour", "tumour"]
PLAN: dict[str, Said] = {"Ada": (True, 80), "Bo": (False, 90), "Cy": (True, 60)}  # what each says of every case


def _rest(page: Page, name: str, start: int) -> None:
    """Answer the cases from one on, to the results."""
    for place in range(start, len(CASES) + 1):
        pupils.at(page, place, len(CASES))
        pupils.fill([page], [PLAN[name]])
        pupils.answer(page)
        pupils.told(page)
        page.get_by_role("button", name="Next case" if place < len(CASES) else "To your results").click()
    expect(page.get_by_text(f"of {len(CASES)} cases right")).to_be_visible(timeout=desk.ANSWER)


def test_a_class_from_the_code_to_the_table(page: Page, browser: Browser, lesson: School) -> None:
    url, store = lesson.house.url, lesson.store
    quiz = school.quiz(store, Rules(models=Models.NEVER, seed=3), CASES).id or 0
    page.goto(f"{url}/teach?section=Class&quiz={quiz}")
    page.get_by_role("button", name="Open the class").click()
    expect(page.get_by_text("Join with the code")).to_be_visible(timeout=desk.ANSWER)
    code = re.search(r"class\?code=([A-Z0-9]{6})", page.content())
    assert code is not None

    # Ada fills in, reloads, and finds what she had filled in.
    ada = pupils.join(browser, url, code[1], "Ada", len(CASES))
    errors = watch(ada)
    pupils.fill([ada], [PLAN["Ada"]])
    ada.reload()
    pupils.at(ada, 1, len(CASES))
    expect(ada.get_by_role("radio", name="80 %", exact=True)).to_be_checked(timeout=desk.ANSWER)
    pupils.answer(ada)
    pupils.told(ada)
    ada.get_by_role("button", name="Next case").click()

    # Bo's phone dies in the middle of the first case; another one opens the same address.
    bo = pupils.join(browser, url, code[1], "Bo", len(CASES))
    pupils.fill([bo], [PLAN["Bo"]])
    address = bo.url
    bo.context.close()
    bo = pupils.phone(browser).new_page()
    bo.goto(address)
    pupils.at(bo, 1, len(CASES))
    expect(bo.get_by_role("radio", name="90 %", exact=True)).to_be_checked(timeout=desk.ANSWER)

    # Cy has two tabs, and answers the first case in both: the first answer stands.
    cy = pupils.join(browser, url, code[1], "Cy", len(CASES))
    twin = cy.context.new_page()
    twin.goto(cy.url)
    pupils.at(twin, 1, len(CASES))
    pupils.fill([twin], [(False, 100)])
    pupils.fill([cy], [PLAN["Cy"]])
    pupils.answer(cy)
    pupils.told(cy)
    twin.get_by_role("button", name="This is my answer").click()
    pupils.told(twin)
    expect(twin.get_by_text("you said tumour, 60 % sure")).to_be_visible(timeout=desk.ANSWER)
    twin.close()
    cy.get_by_role("button", name="Next case").click()

    _rest(ada, "Ada", 2)
    _rest(bo, "Bo", 1)
    _rest(cy, "Cy", 2)

    # The teacher sees them all without a click, and the export says what scikit-learn makes of what they did.
    expect(page.get_by_text("3 joined, 3 finished")).to_be_visible(timeout=desk.ANSWER)
    page.goto(f"{url}/teach?section=Results&quiz={quiz}")
    with page.expect_download() as download:
        page.get_by_role("button", name="All answers (CSV)").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 3 * len(CASES)
    truth = {str(i.position + 1): i.finding for i in quizzes.items_for(store, 1, quiz)}
    for name, (finding, sure) in PLAN.items():
        mine = [row for row in rows if row["learner"] == name]
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
