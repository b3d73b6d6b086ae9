"""A reader study in the browser, from its design to its analysis: two readers with accounts read every case twice, and
page and exports say what the test makes of their answers by itself."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Browser, Page, expect
from scipy import stats
from sklearn.metrics import roc_auc_score
from sqlmodel import col, select

from core.review import Role, Store
from core.review.tables import QuizItem, StudyArm
from core.review.trail import verify
from tests.dashboard import desk, pupils, readings, weights
from tests.dashboard.conftest import watch
from tests.dashboard.house import House
from tests.dashboard.pupils import Said
from tests.teaching import school

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
ARMS = ("unaided", "concurrent")
PEOPLE = {"tess": Role.TEACHER, "ann": Role.STUDENT, "bea": Role.STUDENT}
# What readers 1 and 2 say, arm by arm: of the cases with a tumour, then of those without, in the study's own order.
PLAN: tuple[tuple[list[Said], ...], ...] = (
    ([(True, 60), (False, 80), (True, 80), (False, 90)], [(True, 90), (True, 60), (True, 70), (False, 70)]),
    ([(True, 70), (False, 60), (True, 95), (False, 80)], [(True, 95), (True, 80), (False, 60), (False, 90)]),
)


@dataclass(frozen=True)
class Clinic:
    """A running dashboard with people who sign in."""

    house: House
    store: Store


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder = tmp_path_factory.mktemp("clinic")
    house = House(folder, weights.write(folder / "weights"))
    store = readings.opened(house.store)
    school.short_course(store)
    with run_server_in_thread(user_claims=[User(sub=name, claims={"name": name}) for name in PEOPLE]) as server:
        provider = f"http://localhost:{server.server_port}"
        house.sign_in_with(provider)
        admin = store.local_user().number or 0
        for name, role in PEOPLE.items():
            store.set_roles(admin, store.sign_in(provider, name, name, None, False).number or 0, [role])
        house.start()
        yield Clinic(house, store)
        house.stop()


def _design(page: Page, url: str) -> None:
    page.goto(f"{url}/teach?section=Reader study")
    pupils.type_in(
        page,
        {
            "Title of the study": "Does it help?",
            "Readers": "2",
            "Days between sessions": "0",
            "No tumour": "2",
            "Tumour": "2",
        },
    )
    expect(page.get_by_text("4 cases, 2 sessions for each of 2 readers", exact=True)).to_be_visible(timeout=desk.ANSWER)
    page.get_by_role("button", name="Make the study").click()
    expect(page.get_by_text("unaided against concurrent")).to_be_visible(timeout=desk.ANSWER)


def _download(page: Page, name: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def _read(pages: list[Page], session: int, table: list[dict[str, str]], truth: dict[int, bool]) -> None:
    """One session of both readers, side by side, each in their own order and arm."""
    mine = [[row for row in table if row["reader"] == str(n + 1) and row["session"] == str(session)] for n in (0, 1)]
    findings = [case for case in truth if truth[case]]
    order = [*findings, *(case for case in truth if not truth[case])]
    for page in pages:
        page.get_by_role("button", name="Begin").first.click()
    for place in range(1, 5):
        said = []
        for reader, page in enumerate(pages):
            pupils.at(page, place, 4)
            (row,) = [row for row in mine[reader] if row["place"] == str(place)]
            shown = page.get_by_text("The models in sight")
            expect(shown).to_have_count(int(row["arm"] == "concurrent"), timeout=desk.ANSWER)
            said.append(PLAN[reader][ARMS.index(row["arm"])][order.index(int(row["case"]))])
        pupils.fill(pages, said)
        pupils.answer(*pages)
    for page in pages:
        expect(page.get_by_text("This session is done")).to_be_visible(timeout=desk.ANSWER)
        assert "The truth" not in page.inner_text("body")


def _analysis(truth: np.ndarray, ratings: np.ndarray) -> tuple[np.ndarray, float, float, float, float]:
    """Obuchowski and Rockette with Hillis' degrees of freedom for two arms and two readers, written out anew.

    Returns:
        Areas ``(arms, readers)``; mean of the second arm minus the first, its interval, and p.
    """
    kernel = (ratings[:, :, truth][..., :, None] > ratings[:, :, ~truth][..., None, :]) + 0.5 * (
        ratings[:, :, truth][..., :, None] == ratings[:, :, ~truth][..., None, :]
    )
    areas = kernel.mean(axis=(2, 3))
    parts = [kernel.mean(axis=3) - areas[..., None], kernel.mean(axis=2) - areas[..., None]]

    def covariance(a: int, r: int, b: int, s: int) -> float:
        return float(sum((part[a, r] * part[b, s]).sum() / (len(part[a, r]) - 1) / len(part[a, r]) for part in parts))

    same_arm = np.mean([covariance(a, 0, a, 1) for a in (0, 1)])
    neither = np.mean([covariance(0, 0, 1, 1), covariance(0, 1, 1, 0)])
    gaps = areas[1] - areas[0]
    interaction = ((gaps - gaps.mean()) ** 2).sum() / 2
    error = interaction + 2 * max(float(same_arm - neither), 0.0)
    df = (error / interaction) ** 2
    half = stats.t.ppf(0.975, df) * np.sqrt(error)
    p = 2 * stats.t.sf(abs(gaps.mean()) / np.sqrt(error), df)
    return areas, gaps.mean(), gaps.mean() - half, gaps.mean() + half, p


def _desk(browser: Browser, url: str, name: str) -> Page:
    """Somebody's own screen, signed in."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.set_default_timeout(90_000)
    page = context.new_page()
    desk.sign_in(page, url, name)
    return page


def test_a_study_from_its_design_to_its_analysis(browser: Browser, clinic: Clinic) -> None:
    url = clinic.house.url
    page = _desk(browser, url, "tess")
    errors = watch(page)
    _design(page, url)
    table = list(csv.DictReader(_download(page, "Assignment table (CSV)").splitlines()))
    assert len(table) == 2 * 2 * 4

    pages = []
    for name in ("ann", "bea"):  # the first takes the first place
        mine = _desk(browser, url, name)
        mine.goto(f"{url}/learn")
        mine.get_by_role("button", name="Take part").click()
        expect(mine.get_by_role("button", name="Take part")).to_have_count(0, timeout=desk.ANSWER)
        pages.append(mine)
    with clinic.store.reading() as session:
        arms = session.exec(select(StudyArm.quiz_id)).all()
        items = session.exec(select(QuizItem).where(col(QuizItem.quiz_id).in_(arms))).all()
    truth = {item.position + 1: item.finding for item in sorted(items, key=lambda item: item.position)}
    for session_ in (1, 2):
        _read(pages, session_, table, truth)
        for mine in pages:
            mine.goto(f"{url}/learn")
            desk.settled(mine)

    page.reload()
    expect(page.get_by_text("2 of 2 readers, 4 cases (2 with a finding)")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    labels = np.array([truth[case] for case in sorted(truth)])
    place = np.concatenate([np.flatnonzero(labels), np.flatnonzero(~labels)])
    ratings = np.zeros((2, 2, 4))
    for reader, arm in itertools.product((0, 1), (0, 1)):
        ratings[arm, reader, place] = [sure / 100 if found else 1 - sure / 100 for found, sure in PLAN[reader][arm]]
    areas, gap, low, high, p = _analysis(labels, ratings)
    for reader, arm in itertools.product((0, 1), (0, 1)):
        assert areas[arm, reader] == pytest.approx(roc_auc_score(labels, ratings[arm, reader]))

    # What the page says is what the test makes of it, and so is what it exports.
    told = f"Mean area under the ROC curve: unaided {areas[0].mean():.3f}; concurrent {areas[1].mean():.3f}"
    expect(page.get_by_label(told)).to_be_attached(timeout=desk.ANSWER)  # the figure in words
    for cell in (f"{gap:+.3f}", f"{max(low, -1):.3f} to {min(high, 1):.3f}", f"{p:.3f}"):
        grid = page.get_by_test_id("stDataFrame").locator("td").filter(has_text=cell)
        expect(grid.first).to_be_attached(timeout=desk.ANSWER)
    exported = {
        (row["reader"], row["arm"], row["case"]): (bool(int(row["truth"])), float(row["rating"]))
        for row in csv.DictReader(_download(page, "Readings (CSV)").splitlines())
    }
    lines = _download(page, "Readings for iMRMC").splitlines()
    assert lines[1:5] == ["N0: 2", "N1: 2", "NR: 2", "NM: 2"]
    data = [line.split(",") for line in lines[lines.index("BEGIN DATA:") + 1 :]]
    assert [float(score) for reader, _, _, score in data if reader == "-1"] == labels.tolist()
    scores = {(int(r), int(c), int(a)): float(score) for r, c, a, score in data if r != "-1"}
    assert (len(exported), len(scores)) == (16, 16)
    for reader, arm, case in itertools.product((0, 1), (0, 1), range(4)):
        said = ratings[arm, reader, case]
        assert exported[f"Reader {reader + 1}", ARMS[arm], f"Case {case + 1}"] == (labels[case], pytest.approx(said))
        assert scores[reader + 1, case + 1, arm + 1] == pytest.approx(said)
    assert verify(clinic.store).ok
    assert errors == []
    for one in (page, *pages):
        one.context.close()
