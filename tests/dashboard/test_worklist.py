"""The Worklist and Archives pages for people with different roles: what each may see of a case."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.engine.engine import Engine
from core.review import Role, Stage, Store
from core.review.archives import Against, Field, Filter, View, need_models, saved_views, worklist
from core.review.tables import DriftReading, Score, User
from dashboard.kit.engine import engine
from dashboard.worklist import table as worklist_table
from tests.dashboard import readings, weights

PAGES = Path(__file__).resolve().parents[2] / "dashboard" / "pages"
Opened = Callable[[str, User], AppTest]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights.write(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def store(tmp_path: Path, installed: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(installed))
    engine.clear()
    return readings.opened(tmp_path / "store")


@pytest.fixture
def planted(store: Store, installed: Path) -> readings.Planted:
    return readings.plant(store, 4, models=need_models(Engine(installed), readings.SYSTEM).identities)


def _person(store: Store, *roles: Role) -> User:
    user = store.sign_in("https://provider", "-".join(roles), "Somebody", None, False)
    return store.set_roles(store.local_user().number or 0, user.number or 0, roles)


def _open(page: str, user: User) -> AppTest:
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=300)
    app.session_state["person"] = user
    return app.run()


def _everything(app: AppTest) -> str:
    """All text that the page would send."""
    parts = [str(node.proto) for node in app.main if node.proto is not None]
    parts += [frame.value.to_csv() for frame in app.dataframe]
    return "\n".join(parts)


def _frame(app: AppTest, column: str) -> pd.DataFrame:
    """The table with a column of that name."""
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


def _lock(store: Store, case: int, reader: int) -> None:
    store.lock_opinion(
        case, reader, Stage.BLIND, finding=True, label="tumour", confidence=90, started=datetime.now(UTC), seconds=3.0
    )


def test_a_reader_sees_of_waiting_cases_only_what_tells_nothing(store: Store, planted: readings.Planted) -> None:
    reader = _person(store, Role.REVIEWER)
    app = _open("worklist", reader)
    assert not app.exception
    waiting = _frame(app, "Slices")
    assert list(waiting.columns) == ["Case", "Slices", "Date", "State"]
    assert sorted(waiting["Case"]) == sorted(planted.cases)
    text = _everything(app)
    for telling in ("zanzibar", "0.74", "no tumour", "unremarkable", "patient-0", "P0", "R1"):
        assert telling not in text, telling
    assert [b.label for b in app.button if "without reading" in b.label.lower()] == []

    _lock(store, planted.cases[1], reader.number or 0)
    app = _open("worklist", reader)
    waiting, ranked = _frame(app, "Slices"), _frame(app, "Rank")
    assert planted.cases[1] not in set(waiting["Case"])
    assert list(ranked["Case"]) == [planted.cases[1]]
    assert list(ranked["Rank"]) == [1]
    (why,) = ranked["Why"]
    assert why.startswith("Recorded: no tumour. All 3 models say tumour (0.74, 0.74, 0.74).")
    assert "zanzibar" not in why  # what the store keeps is made of all cases, blind ones too
    assert list(ranked["Models"]) == ["tumour: 0.74, 0.74, 0.74"]


def test_what_one_reader_locked_opens_nothing_for_another(store: Store, planted: readings.Planted) -> None:
    first, second = _person(store, Role.REVIEWER), _person(store, Role.REVIEWER, Role.ARBITER)
    for case in planted.cases:
        _lock(store, case, first.number or 0)
    assert "zanzibar" in _everything(_open("worklist", first))
    assert "zanzibar" not in _everything(_open("worklist", second))


def test_filters_columns_and_saved_views(store: Store, planted: readings.Planted) -> None:
    reader = _person(store, Role.REVIEWER)
    for case in planted.cases:
        _lock(store, case, reader.number or 0)
    models = need_models(engine(), readings.SYSTEM)
    rows = worklist(store, planted.archive, models, reader.number or 0).rows
    asked = (Field.PROBABILITY, Field.AGAINST, Field.READER, Field.PATIENT)
    shown = worklist_table.table(rows, asked)
    assert list(shown.columns) == ["Case", *(f.value for f in asked)]
    assert list(shown["Chance of a wrong record"]) == pytest.approx([0.9, 0.45, 0.3, 0.225])
    assert set(shown["Models against record"]) == {str(Against.MISSED)}
    assert set(shown["Recorded by"]) == {"R1"}

    store.save_view(
        reader.number or 0, "two", View(Filter(words="P2"), (Field.RANK, Field.PATIENT)).to_json(), shared=False
    )
    assert list(saved_views(store, reader.number or 0)) == ["two"]
    app = _open("worklist", reader)
    app.selectbox(key="worklist-view").set_value("two").run()
    ranked = _frame(app, "Rank")
    assert list(ranked.columns) == ["Case", "Rank", "Patient"]
    assert list(ranked["Patient"]) == ["P2"]

    app.text_input(key="view-name").set_value("again").run()
    app.button(key="view-save").click().run()
    assert [one.value for one in app.success] == ["Saved."]
    assert app.selectbox(key="worklist-view").options == ["default", "again", "two"]
    assert not app.run().success


@pytest.fixture
def many(store: Store, installed: Path) -> readings.Planted:
    """So many cases that what they add up to tells of none."""
    return readings.plant(store, 24, models=need_models(Engine(installed), readings.SYSTEM).identities)


def test_the_curve_of_reads_follows_the_reads(store: Store, many: readings.Planted) -> None:
    app = _open("worklist", _person(store, Role.REVIEWER))
    before = [m.value for m in app.markdown if "relevant miss" in m.value]
    assert len(before) == 1
    reader = _person(store, Role.REVIEWER).number or 0
    for case in many.cases[:4]:
        _lock(store, case, reader)
        store.lock_opinion(
            case, reader, Stage.FINAL, finding=False, label="no tumour", confidence=90, started=datetime.now(UTC),
            seconds=1.0,
        )  # fmt: skip
    app = _open("worklist", _person(store, Role.REVIEWER))
    assert [m.value for m in app.markdown if "4 reads so far found 0 relevant misses" in m.value]
    # four reads of cases that are blind for somebody else would tell them what the scores promised on just those
    app = _open("worklist", _person(store, Role.REVIEWER, Role.LEAD))
    assert [m.value for m in app.markdown if "relevant miss" in m.value] == before


def test_nothing_along_the_list_is_sent_while_tenths_hold_few_blind_cases(store: Store, many: readings.Planted) -> None:
    app = _open("worklist", _person(store, Role.REVIEWER))
    assert [m.value for m in app.markdown if m.value.startswith("In no order about")]
    assert "In the first tenth" not in _everything(app)
    assert not app.get("plotly_chart")
    reader = _person(store, Role.REVIEWER, Role.LEAD)
    for case in many.cases:
        _lock(store, case, reader.number or 0)
    app = _open("worklist", reader)
    assert [m.value for m in app.markdown if m.value.startswith("In the first tenth")]
    assert len(app.get("plotly_chart")) == 1


def test_the_archives_histogram_is_sent_as_bins(store: Store, many: readings.Planted) -> None:
    app = _open("archives", _person(store, Role.LEAD))
    (chart,) = app.get("plotly_chart")
    (bars,) = json.loads(chart.proto.spec)["data"]
    assert bars["type"] == "bar"
    assert bars["x"] == pytest.approx([0.025 + 0.05 * n for n in range(20)])
    # chances of 0.9 / rank for ranks 1 to 24: 0.0375 to 0.05 are ranks 19 to 24, and so on by hand
    assert bars["y"][0] + bars["y"][1] == 24 - 9  # 0.1 and above: ranks 1 to 9
    assert bars["y"][18] == 1  # 0.9 of the first
    assert sum(bars["y"]) == 24


def test_cases_of_another_model_version_have_no_place(store: Store, installed: Path) -> None:
    planted = readings.plant(store, 2, name="old")
    lead = _person(store, Role.LEAD, Role.REVIEWER)
    for case in planted.cases:
        store.unblind(case, lead.number or 0, "test")
    app = _open("worklist", lead)
    assert any("another version of the models only" in w.value for w in app.warning)
    assert list(_frame(app, "Rank")["Rank"].dropna()) == []
    app = _open("archives", lead)
    assert not app.exception
    assert any("another version of the models only" in w.value for w in app.warning)
    assert any(b.label == "Score again with the installed models" for b in app.button)


def test_archives_tell_in_sum_only(store: Store, many: readings.Planted) -> None:
    app = _open("archives", _person(store, Role.LEAD))
    assert not app.exception
    text = _everything(app)
    assert "24 cases ranked; about **3** wrong records expected" in text
    for telling in ("zanzibar", "0.7351", "patient-0"):
        assert telling not in text


def test_sums_that_would_tell_of_the_last_cases_are_held_back(store: Store, many: readings.Planted) -> None:
    lead = _person(store, Role.LEAD, Role.REVIEWER)
    for case in many.cases[:5]:
        _lock(store, case, lead.number or 0)
    for page in ("worklist", "archives"):
        app = _open(page, lead)
        assert not app.exception
        text = _everything(app)
        assert "only a few of the cases that count here are still blind" in text
        assert "wrong records expected" not in text
        assert "one relevant miss" not in text


def test_another_version_is_compared_case_by_case_where_it_is_open(store: Store, many: readings.Planted) -> None:
    lead = _person(store, Role.LEAD, Role.REVIEWER)
    old = [
        Score(
            case_id=case, system=readings.SYSTEM, model="unet", version=version, weights_sha256="e" * 64,
            finding=finding, decision="clear", threshold=0.5,
        )
        for case in many.cases for version, finding in (("0.0.0", 0.1), ("0.0.0-packed", 0.2))
    ]  # fmt: skip
    store.save_scores(old)
    _lock(store, many.cases[2], lead.number or 0)
    app = _open("archives", lead)
    assert not app.exception
    assert any("24 changed their decision from version 0.0.0 to version 0.0.1" in m.value for m in app.markdown)
    compared = _frame(app, "Version 0.0.0")
    assert compared.to_numpy().tolist() == [[many.cases[2], 0.1, 0.735, "clear → finding"]]
    compared = _frame(app, "Version 0.0.0-packed")
    assert compared.to_numpy().tolist() == [[many.cases[2], 0.2, 0.735, "clear → finding"]]
    assert any("23 cases not listed: still blind for you." in c.value for c in app.caption)


def test_the_monitors_warning_stands_above_the_list(store: Store, many: readings.Planted) -> None:
    models = need_models(engine(), readings.SYSTEM)
    sha256, version = models.identities["unet"]
    for identity, message in (
        (("e" * 64, version), "of other weights"),
        ((sha256, "0.0.0"), "of another version of the same weights"),
        ((sha256, version), "far off"),
    ):
        store.add_drift(
            DriftReading(
                archive_id=many.archive, system=readings.SYSTEM, model="unet", weights_sha256=identity[0],
                version=identity[1], n=200, n_reference=200, statistic="KS, patients permuted", value=0.5,
                p_value=0.002, warned=True, message=message,
            )
        )  # fmt: skip
    app = _open("worklist", _person(store, Role.REVIEWER))
    assert [w.value for w in app.warning] == ["far off"]
