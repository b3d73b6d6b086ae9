"""The automation-bias laboratory in the browser: a teacher plants an AI, one student follows it and one does not, both
are told at the end, and the teacher's table says what the test makes of their answers by itself."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from scipy import stats

from core.review.trail import verify
from core.teaching import quizzes
from tests.dashboard import desk, pupils
from tests.dashboard.conftest import watch
from tests.dashboard.ward import School

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
CASES = 4
FIRST = {"Fay": (True, 80), "Sam": (False, 70)}  # what each says alone, of every case; Fay then says what the AI says


def _design(page: Page, url: str) -> None:
    page.goto(f"{url}/teach?section=New quiz")
    pupils.type_in(
        page, {"Name of the course": "Machines", "Title of the quiz": "With help", "No tumour": "2", "Tumour": "2"}
    )
    for choice in (
        "after the first answer, for a second one",
        "Another order for every learner",
        "A planted AI instead",
    ):
        page.locator("label").filter(has_text=choice).click()
        desk.settled(page)
    page.get_by_role("button", name="Make the quiz").click()
    expect(page.get_by_text("“With help” is ready.")).to_be_visible(timeout=desk.ANSWER)


def _advice(page: Page) -> bool:
    """What the AI says of the case on the screen, once the first answer is locked."""
    expect(page.get_by_text("The AI in sight: your second answer")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    card = page.get_by_text("The AI’s answer", exact=True).locator("xpath=..").inner_text()
    share = float(re.search(r"probability of a finding (0\.\d\d)", card)[1])  # type: ignore[index]
    said = card.splitlines()[1]
    assert said == pupils.CLASSES[share > 0.5]
    return share > 0.5


def _lines(page: Page, button: Locator) -> list[dict[str, str]]:
    """Rows of the CSV behind a button."""
    with page.expect_download() as download:
        button.click()
    return list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))


def test_who_follows_a_planted_ai_and_what_it_cost(page: Page, browser: Browser, lesson: School) -> None:
    url, store = lesson.house.url, lesson.store
    _design(page, url)
    page.get_by_role("button", name="Open the class").click()
    expect(page.get_by_text("Join with the code")).to_be_visible(timeout=desk.ANSWER)
    code = re.search(r"class\?code=([A-Z0-9]{6})", page.content())
    assert code is not None
    pages = [pupils.join(browser, url, code[1], name, CASES) for name in FIRST]
    errors = [watch(one) for one in pages]
    advice: list[bool] = []
    for place in range(1, CASES + 1):
        for one in pages:
            pupils.at(one, place, CASES)
            assert "The AI" not in one.inner_text("body")
        pupils.fill(pages, list(FIRST.values()))
        pupils.answer(*pages)
        said = {_advice(one) for one in pages}
        assert len(said) == 1
        assert not any("planted" in one.inner_text("body") for one in pages)
        advice += said
        pupils.fill(pages, [(advice[-1], 90), FIRST["Sam"]])
        pupils.answer(*pages)

    (quiz,) = [listed.quiz.id or 0 for listed in quizzes.quizzes(store) if listed.quiz.title == "With help"]
    truth = np.array([item.finding for item in quizzes.items_for(store, 1, quiz)])
    machine = np.array(advice)
    assert ((machine != truth) & truth).sum() == ((machine != truth) & ~truth).sum() == 1  # 30 % of each class
    alone = np.array([[finding] * CASES for finding, _ in FIRST.values()])
    advised = np.array([machine, alone[1]])
    before, after = alone == truth, advised == truth
    for one, was, is_ in zip(pages, before, after, strict=True):
        expect(one.get_by_text("The AI of this quiz was planted")).to_be_visible(timeout=desk.ANSWER)
        expect(one.get_by_text("wrong on purpose in 2 of 4 cases")).to_be_visible(timeout=desk.ANSWER)
        told = f"It mended {(~was & is_).sum()} of your answers and spoilt {(was & ~is_).sum()}"
        expect(one.get_by_text(told)).to_be_visible(timeout=desk.ANSWER)

    page.goto(f"{url}/teach?section=Results&quiz={quiz}")
    expect(page.get_by_text("Automation bias: a planted AI")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    gain = after.astype(float) - before.astype(float)
    for part, where in (("AI right", machine == truth), ("AI wrong", machine != truth), ("all cases", truth == truth)):
        figure = page.locator(f"[aria-label*='{part} {gain[:, where].mean():+.0%}']")
        expect(figure.first).to_be_attached(timeout=desk.ANSWER)  # the figure in words
    table = {line["Reader"]: line for line in _lines(page, page.locator(f".st-key-csv-bias-{quiz} button"))}
    for row, name in enumerate(FIRST):
        gained, lost = int((~before[row] & after[row]).sum()), int((before[row] & ~after[row]).sum())
        p = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
        shares = table[name]["Alone"], table[name]["With the AI"]
        assert shares == (f"{before[row].mean():.0%}", f"{after[row].mean():.0%}")
        assert [table[name][column] for column in ("p", "Mended", "Spoilt")] == [f"{p:.3f}", str(gained), str(lost)]
    for line in _lines(page, page.get_by_role("button", name="Decisions (CSV)")):
        reader, case = int(line["reader"]) - 1, int(line["case"]) - 1
        decided = (alone if line["arm"] == "alone" else advised)[reader, case]
        assert (int(line["truth"]), int(line["ai"])) == (truth[case], machine[case])
        assert int(line["decision"]) == decided
    assert verify(store).ok
    assert errors == [[], []]
    for one in pages:
        one.context.close()
