"""The quiz in one file, opened from disk in a real browser without a network: what it asks, scores and refuses."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from scipy.stats import binomtest

from core.errors import LimitExceededError
from core.reports.offline import OfflineCase, offline_quiz, quiz, refuse
from core.review import Store
from core.review.tables import Quiz, QuizItem
from core.teaching import builtin, quizzes
from core.teaching.material import Material, material
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import Rules, Source, TeachingError, Verify
from core.teaching.scoring import place, points
from dashboard.teach import offline
from tests.dashboard.conftest import watch
from tests.teaching import school

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
LABELS = ("tumour", "no tumour", "tumour", "no tumour")
PLAN = ((True, 90), (True, 60), (True, 70), (False, 95))  # what is said of each case: one is wrong


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A phone that has lost its network; all that it asks for is noted."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    opened = context.new_page()
    errors = watch(opened)
    yield opened
    context.close()
    assert errors == []


def _quiz(store: Store, rules: Rules, slices: int = 5) -> list[OfflineCase]:
    course = quizzes.add_course(store, school.teacher(store), "Course")
    drafts = [
        ItemDraft(d.source, d.place, "Look twice.", "A note.")
        for label in LABELS
        for d in builtin.simulated("brain-mr", [label], 7 + len(label), slices=slices)
    ]
    made: Quiz = quizzes.add_quiz(store, school.teacher(store), course.id or 0, "Quiz", drafts, rules)
    items = quizzes.items_for(store, school.teacher(store), made.id or 0)
    return [offline.case(store, item) for item in items]


def _open(page: Page, folder: Path, data: bytes) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    path = folder / "quiz.html"
    path.write_bytes(data)
    page.goto(path.as_uri())
    return asked


def _say(page: Page, finding: bool, sure: int) -> None:
    page.get_by_role("radio", name="tumour" if finding else "no tumour seen", exact=True).check()
    page.get_by_role("radio", name=f"{sure} %", exact=True).check()
    page.get_by_role("button", name="This is my answer").click()


def _middle(found: Material) -> tuple[int, float, float]:
    """Slice with most of the lesion, and the middle of it there as shares of height and width."""
    assert found.truth is not None
    index = int(found.truth.sum(axis=(1, 2)).argmax())
    rows, columns = np.nonzero(found.truth[index])
    height, width = found.truth.shape[1:]
    return index, (rows.mean() + 0.5) / height, (columns.mean() + 0.5) / width


def test_a_quiz_is_answered_from_disk_without_a_network(page: Page, sqlite_store: Store, tmp_path: Path) -> None:
    cases = _quiz(sqlite_store, Rules(shuffle=False))
    asked = _open(page, tmp_path, offline_quiz("Quiz", "Goals.", Rules(shuffle=False), cases))
    expect(page.get_by_text(quiz.OPEN_TRUTH)).to_be_visible()
    page.get_by_role("button", name="Begin").click()
    for number, (one, (finding, sure)) in enumerate(zip(cases, PLAN, strict=True), 1):
        expect(page.get_by_role("heading", name=f"Case {number} of 4", exact=True)).to_be_visible()
        expect(page.get_by_text("The truth:")).to_have_count(0)
        expect(page.locator("path.truth")).to_have_count(0)
        told = []
        if one.item.finding:
            index, down, across = _middle(one.material)
            page.get_by_label("Slice", exact=True).fill(str(index))
            stage = page.locator("#stage")
            box = stage.bounding_box()
            assert box is not None
            stage.click(position={"x": box["width"] * across, "y": box["height"] * down})
            height, width = one.material.series.shape
            mark = {"slice": index, "x": width * across, "y": height * down}
            where = place([mark], [], one.material.truth, one.material.series.spacing)
            assert where.distance is not None
            told.append(f"you found it, {where.distance:.0f} mm from its middle")
        if number == 2:  # what was said so far survives a reload
            page.get_by_role("radio", name="60 %", exact=True).check()
            page.reload()
            expect(page.get_by_role("radio", name="60 %", exact=True)).to_be_checked()
        _say(page, finding, sure)
        right = finding is one.item.finding
        told += [f"{'Right' if right else 'Not right'}:", f"{points(finding, sure, one.item.finding):.0f} points"]
        for text in told:
            expect(page.locator("main")).to_contain_text(text)
        expect(page.locator("path.truth")).not_to_have_count(0) if one.item.finding else None
        page.get_by_role("button", name="Next case" if number < 4 else "To your results").click()
    total = np.mean([points(*said, one.item.finding) for one, said in zip(cases, PLAN, strict=True)])
    expect(page.get_by_role("heading", name=f"3 of 4 cases right, {total:.0f} points")).to_be_visible()
    for name, successes, n in (("Right", 3, 4), ("Sensitivity", 2, 2), ("Specificity", 1, 2)):
        interval = binomtest(successes, n).proportion_ci(method="wilson")
        line = f"{100 * interval.low:.0f} % to {100 * interval.high:.0f} %, n = {n}"
        expect(page.locator(".figures > div", has_text=name)).to_contain_text(line)
    assert {address.split(":")[0] for address in asked} <= {"file", "data"}


def test_the_truth_at_the_end_is_told_at_the_end_only(page: Page, sqlite_store: Store, tmp_path: Path) -> None:
    rules = Rules(verify=Verify.AT_END)
    _open(page, tmp_path, offline_quiz("Quiz", "", rules, _quiz(sqlite_store, rules, slices=1)))
    page.get_by_role("button", name="Begin").click()
    for number in range(1, 5):
        expect(page.get_by_role("heading", name=f"Case {number} of 4", exact=True)).to_be_visible()
        expect(page.get_by_text("The truth:")).to_have_count(0)
        _say(page, True, 50)
    expect(page.get_by_role("heading", name="2 of 4 cases right, 75 points")).to_be_visible()
    page.get_by_role("button", name="Look at case 1").click()
    expect(page.get_by_text("The truth:")).to_be_visible()


def test_marks_are_scored_as_in_a_class(page: Page, sqlite_store: Store, tmp_path: Path) -> None:
    """Two lesions, voxels far from cubes, marks anywhere: the browser's place is that of core/teaching/scoring.py."""
    one = _quiz(sqlite_store, Rules())[0]
    truth = np.zeros((6, 60, 44), bool)
    truth[1:3, 10:20, 5:12], truth[4, 40:44, 30:41], truth[4, 41, 33] = True, True, False
    pixels = np.zeros(truth.shape, np.float32)
    rng = np.random.default_rng(5)
    for spacing in ((4.0, 1.5, 0.7), None):
        series = replace(one.material.series, pixels=pixels, truth=truth, spacing=spacing)
        found = replace(one.material, study=replace(one.material.study, series=(series,)), series_index=0)
        case = OfflineCase(one.item, found, pixels.astype(np.uint8), "full range")
        _open(page, tmp_path, offline_quiz("Quiz", "", Rules(), [case]))
        for count in (1, 1, 1, 2, 4, 7):
            marks = [
                {"slice": int(rng.integers(0, 6)), "x": float(rng.uniform(0, 44)), "y": float(rng.uniform(0, 60))}
                for _ in range(count)
            ]
            expected = place(marks, [], truth, spacing)
            got = page.evaluate("marks => place(marks, quiz.cases[0])", marks)
            assert (got["found"], got["beside"]) == (expected.found, expected.false_marks)
            assert got["away"] == pytest.approx(expected.distance, abs=1e-3)
    assert page.evaluate("place([{slice: 0, x: 1, y: 1}], {lesions: []})")["beside"] == 1


def test_nothing_can_be_sent_even_with_a_network(page: Page, sqlite_store: Store, tmp_path: Path) -> None:
    reached: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.context.set_offline(False)
        address = f"http://127.0.0.1:{server.server_port}/"
        ask = "address => fetch(address).then(() => 'reached', () => 'stopped')"
        blank = page.context.new_page()
        assert blank.evaluate(ask, address) == "reached"  # without the file's policy
        _open(blank, tmp_path, offline_quiz("Quiz", "", Rules(), _quiz(sqlite_store, Rules(), slices=1)))
        assert blank.evaluate(ask, address) == "stopped"
        server.shutdown()
    assert len(reached) == 1


def test_words_stay_words(page: Page, sqlite_store: Store, tmp_path: Path) -> None:
    title = "A </script><b>bold</b> @DATA@ & “quiz”"
    _open(page, tmp_path, offline_quiz(title, "<i>Goals</i>", Rules(), _quiz(sqlite_store, Rules(), slices=1)))
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_text("<i>Goals</i>")).to_be_visible()
    assert page.title() == title
    assert page.locator("b, i").count() == 0


def test_a_case_of_an_archive_is_refused(sqlite_store: Store) -> None:
    items = [one.item for one in _quiz(sqlite_store, Rules(), slices=1)]
    refuse(items, Rules())
    for changed in ({"source": Source.CASE}, {"simulated": False}):
        real = QuizItem(**(items[2].model_dump() | changed))
        with pytest.raises(TeachingError, match=r"Case 3 is from an archive.*Make a quiz of simulated scans"):
            refuse([*items[:2], real], Rules())
        found = material(sqlite_store, items[2].source, items[2].place)
        with pytest.raises(TeachingError, match="from an archive"):
            offline_quiz("Quiz", "", Rules(), [OfflineCase(real, found, np.zeros((1, 8, 8), np.uint8), "")])


def test_a_file_that_no_phone_holds_is_refused(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiz, "MOST_BYTES", 10_000)
    with pytest.raises(LimitExceededError, match="fewer cases"):
        offline_quiz("Quiz", "", Rules(), _quiz(sqlite_store, Rules(), slices=1))
    with pytest.raises(TeachingError, match="cannot hide it"):
        offline_quiz("Study", "", Rules(verify=Verify.NEVER), _quiz(sqlite_store, Rules(), slices=1))
    with pytest.raises(TeachingError, match="without a case"):
        offline_quiz("Quiz", "", Rules(), [])
