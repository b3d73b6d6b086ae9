"""The worklist from end to end: planted errors on top, nothing shown before its time, filters, views, yield."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import ArchiveError
from core.review import CaseState, Mode, Radpeer, Role, Sided, Stage, Store
from core.review.archives import (
    HELD_BACK,
    Against,
    Field,
    Filter,
    View,
    WorklistRow,
    archive_yield,
    begin_scoring,
    check_drift,
    installed,
    outcomes,
    save_view,
    saved_views,
    sums_tell,
    wait,
    worklist,
)
from core.review.archives.worklist import BLOCK, CONTROLS, HIDDEN, STALE, UNSCORED, reading_order
from tests.review.archive_kit import SYSTEM, GreyEngine, folder, imported, real
from tests.review.casebook import lock, person

PLANTED = "P3"
ARCHIVE = 1


def _levels(planted: str = PLANTED) -> dict[str, list[tuple[float, int]]]:
    """Ten patients of six pictures, half of them bright (a finding); the labels of one patient are turned over."""
    rng = np.random.default_rng(1)
    out = {}
    for p in range(10):
        name = f"P{p}"
        pictures = [(float(rng.uniform(0.75, 0.95) if k % 2 else rng.uniform(0.05, 0.25)), k % 2) for k in range(6)]
        out[name] = [(level, 1 - label if name == planted else label) for level, label in pictures]
    return out


def _archive(store: Store, tmp_path: Path, engine: GreyEngine) -> int:
    archive = imported(store, folder(tmp_path / "set", _levels()), mode=Mode.SECOND_READER)
    run = wait(store, begin_scoring(store, engine, store.local_user().number or 0, archive, SYSTEM))
    assert run.state == "done", run.message
    return archive


@pytest.fixture(scope="module")
def made_scored(made_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a store with the archive in it, imported and scored: copied for every test."""
    place = tmp_path_factory.mktemp("scored")
    shutil.copytree(made_sqlite, place / "store")
    store = Store.open(str(place / "store"))
    assert _archive(store, place, GreyEngine()) == ARCHIVE
    store.close()
    return place / "store"


@pytest.fixture
def blind(made_scored: Path, tmp_path: Path) -> Iterator[Store]:
    """A store with the scored archive, to be read before the models."""
    shutil.copytree(made_scored, tmp_path / "store")
    store = Store.open(str(tmp_path / "store"))
    yield store
    store.close()


@pytest.fixture
def opened(blind: Store) -> Store:
    """The same, with everything shown."""
    blind.open_archive(1, ARCHIVE, "test")
    return blind


def test_planted_wrong_labels_come_first_with_their_reason(store: Store, tmp_path: Path) -> None:
    engine = GreyEngine()
    archive = _archive(store, tmp_path, engine)
    store.open_archive(1, archive, "test")
    told = worklist(store, archive, installed(engine, SYSTEM), 1)
    assert [row.rank for row in told.rows] == list(range(1, 61))
    first = told.rows[:6]
    assert {real(store, row.source).split("-")[0] for row in first} == {PLANTED}
    assert all((row.probability or 0) > 0.5 for row in first)
    assert all((row.probability or 1) < 0.1 for row in told.rows[6:])
    missed = next(row for row in first if row.recorded_finding is False)
    figures = sorted((a.finding or 0 for a in missed.answers), reverse=True)
    assert missed.reason.startswith("Recorded: no tumour. All 3 models say tumour (")
    assert all(f"{figure:.2f}" in missed.reason or figure > 0.99 for figure in figures)
    assert missed.reason.endswith("as they do for 2 of the 5 other images of this patient (3 recorded so).")
    assert (missed.against, missed.decided, missed.split) == (Against.MISSED, True, False)
    assert missed.spread == pytest.approx(figures[0] - figures[-1])
    overcalled = next(row for row in first if row.recorded_finding)
    assert "None of 3 models says tumour" in overcalled.reason
    assert (told.hidden, told.stale, told.unscored) == (0, 0, 0)
    assert told.pedigree.count("1.0") == 3


def test_a_blind_reader_learns_nothing_from_the_list(blind: Store) -> None:
    models, reader = installed(GreyEngine(), SYSTEM), person(blind, "reader", Role.REVIEWER)
    told = worklist(blind, ARCHIVE, models, reader)
    assert told.hidden == len(told.rows) == 60
    public = ("case_id", "system", "state", "date")
    empty = WorklistRow(
        case_id=0, source="", patient="", system=None, state=CaseState.NEW, recorded_finding=None, recorded_label=None,
        recorded_text="", reader=None, date=None, simulated=False, hidden=True,
    )  # fmt: skip
    for row in told.rows:
        assert row.reason == HIDDEN
        for column in fields(WorklistRow):
            if column.name not in (*public, "reason", "simulated", "slices"):
                assert getattr(row, column.name) == getattr(empty, column.name), column.name
    # filters and sorting by what the models say do not separate hidden rows either
    assert View(Filter(against=(Against.MISSED,))).apply(told.rows) == []
    assert View(Filter(probability=(0.5, 1.0))).apply(told.rows) == []
    assert View(sort=Field.FINDING).apply(told.rows) == list(told.rows)
    # once the own opinion is locked this one case is shown, at its rank among those that are open
    planted = next(case.id for case in blind.cases(ARCHIVE) if real(blind, case.source).startswith(PLANTED))
    lock(blind, planted, reader, Stage.BLIND, label="tumour", finding=True)
    after = worklist(blind, ARCHIVE, models, reader)
    assert after.hidden == 59
    (shown,) = [row for row in after.rows if not row.hidden]
    assert shown.case_id == planted
    # the order of the others stays: what stays in front as one reads would be the top of the ranking
    assert [r.case_id for r in after.rows if r.hidden] == [r.case_id for r in told.rows if r.case_id != planted]
    assert shown.rank == 1
    other = worklist(blind, ARCHIVE, models, person(blind, "second", Role.REVIEWER))
    assert other.hidden == 60
    assert [r.case_id for r in other.rows] == [r.case_id for r in told.rows]


def test_the_reading_order_hangs_on_the_stores_own_secret(blind: Store) -> None:
    models, reader = installed(GreyEngine(), SYSTEM), person(blind, "reader", Role.REVIEWER)
    order = [row.case_id for row in worklist(blind, ARCHIVE, models, reader).rows]
    key = blind.images_folder.parent / "pseudonyms.key"
    key.write_bytes(bytes(32))
    assert [row.case_id for row in worklist(blind, ARCHIVE, models, reader).rows] != order


def test_another_readers_doubt_does_not_show_in_a_blind_list(blind: Store) -> None:
    models, first = installed(GreyEngine(), SYSTEM), person(blind, "first", Role.REVIEWER)
    number = blind.cases(ARCHIVE)[0].id or 0
    lock(blind, number, first)
    blind.peer_review(number, first, Radpeer.EXPECTED_MATTERS)
    second = worklist(blind, ARCHIVE, models, person(blind, "second", Role.REVIEWER))
    assert next(row.state for row in second.rows if row.case_id == number) == "read"
    (mine,) = [row for row in worklist(blind, ARCHIVE, models, first).rows if not row.hidden]
    assert mine.state == "arbitration"


def test_sums_are_held_back_while_they_would_tell_of_single_cases(blind: Store) -> None:
    models, reader = installed(GreyEngine(), SYSTEM), person(blind, "reader", Role.REVIEWER)
    cases = [case.id or 0 for case in blind.cases(ARCHIVE)]
    assert not sums_tell(blind, ARCHIVE, models, reader)
    assert sums_tell(blind, ARCHIVE, models, reader, cases[:19])  # a sum over few of them
    assert not sums_tell(blind, ARCHIVE, models, reader, cases[:20])
    assert archive_yield(blind, ARCHIVE, models, reader).reads == 0
    # other models have answered nothing yet: each case that they answer would be the difference of two sums
    assert sums_tell(blind, ARCHIVE, installed(GreyEngine(version="2.0"), SYSTEM), reader, cases)
    for case in cases[:41]:
        lock(blind, case, reader)
    assert sums_tell(blind, ARCHIVE, models, reader)
    assert archive_yield(blind, ARCHIVE, models, reader).sentence == HELD_BACK
    for case in cases[41:]:
        lock(blind, case, reader)
    assert not sums_tell(blind, ARCHIVE, models, reader)


def test_reading_order_looks_at_the_top_first_and_gives_nothing_away() -> None:
    ranked = list(range(200))
    order = reading_order(ranked, 5)
    assert sorted(order) == ranked
    assert order == reading_order(ranked, 5)
    firsts = [reading_order(ranked, seed)[:BLOCK] for seed in range(400)]
    assert all(set(range(BLOCK - CONTROLS)) <= set(block) for block in firsts)
    places = np.array([block.index(0) for block in firsts])  # where the very top of the ranking stands
    assert abs(places.mean() - (BLOCK - 1) / 2) < 4 * np.sqrt((BLOCK**2 - 1) / 12 / 400)
    controls = np.array([number for block in firsts for number in block if number >= BLOCK - CONTROLS])
    assert abs(controls.mean() - 107) < 6  # from everywhere below
    assert reading_order([], 1) == []
    assert sorted(reading_order([4, 2], 1)) == [2, 4]


def test_other_versions_and_unscored_cases_stand_unranked(opened: Store, tmp_path: Path) -> None:
    newer = worklist(opened, ARCHIVE, installed(GreyEngine(version="2.0"), SYSTEM), 1)
    assert {row.reason for row in newer.rows} == {STALE}
    assert all(row.stale and row.rank is None and row.answers == () for row in newer.rows)
    assert newer.stale == 60
    fresh = imported(opened, folder(tmp_path / "more", {"Q": [(0.3, 0)]}))
    unscored = worklist(opened, fresh, installed(GreyEngine(), SYSTEM), 1)
    assert [row.reason for row in unscored.rows] == [UNSCORED]
    assert unscored.unscored == 1


def test_a_stopped_image_is_told_and_counts_less(opened: Store) -> None:
    plain = {d.case_id: d.value for d in opened.machine_discrepancies(ARCHIVE)}
    contents = {c.content_hash for c in opened.cases(ARCHIVE) if real(opened, c.source).startswith(PLANTED)}
    engine = GreyEngine(version="2.0", strange=lambda study: 1.5 if study.sha256 in contents else -1.0)
    wait(opened, begin_scoring(opened, engine, 1, ARCHIVE, SYSTEM))
    rows = worklist(opened, ARCHIVE, installed(engine, SYSTEM), 1).rows
    stopped = [row for row in rows if row.unlike]
    assert {real(opened, row.source).split("-")[0] for row in stopped} == {PLANTED}
    assert len(stopped) == 6
    assert all(row.ood == -1.0 and "image check" not in row.reason for row in rows if not row.unlike)
    # no number and no sentence of the models, the gate's reasons instead; it keeps its place
    empty = (None, None, None, None, None, None, None, None, ())
    told = {
        (r.probability, r.value, r.finding, r.decided, r.confidence, r.spread, r.split, r.against, r.answers)
        for r in stopped
    }
    assert told == {empty}
    assert all("It looks like something else." in row.reason and row.rank for row in stopped)
    # until the reader overrules; then the answers come back, and count less than without the gate's word
    one = stopped[0].case_id
    content = opened.case(one).content_hash
    opened.overrule(1, content_hash=content, system=SYSTEM, gate="It looks like something else.", case_id=one)
    after = {row.case_id: row for row in worklist(opened, ARCHIVE, installed(engine, SYSTEM), 1).rows}
    assert len(after[one].answers) == 3
    assert (after[one].value or 0) < plain[one]
    assert "unlike those the models learnt from" in after[one].reason
    assert after[stopped[1].case_id].answers == ()
    other = person(opened, "other", Role.REVIEWER)
    theirs = {row.case_id: row for row in worklist(opened, ARCHIVE, installed(engine, SYSTEM), other).rows}
    assert theirs[one].answers == ()


def test_filters(opened: Store) -> None:
    engine = GreyEngine(version="2.0", bias={"unet": 0.0, "resnet50": -0.3, "resunet": 0.0})
    wait(opened, begin_scoring(opened, engine, 1, ARCHIVE, SYSTEM))
    rows = worklist(opened, ARCHIVE, installed(engine, SYSTEM), 1).rows

    def kept(**conditions: object) -> list[WorklistRow]:
        return View(Filter(**conditions)).apply(rows)  # type: ignore[arg-type]

    told = kept(against=(Against.MISSED, Against.OVERCALLED))
    assert {real(opened, r.source).split("-")[0] for r in told} == {PLANTED}
    assert len(kept(split=True)) + len(kept(split=False)) == 60
    assert all(len({a.positive for a in r.answers}) == 2 for r in kept(split=True))
    assert 0 < len(kept(split=True)) < 60
    (number,) = {r.reader for r in rows if real(opened, r.source).endswith("-001.png")}
    assert len(kept(readers=(number,))) == 30
    assert {r.date for r in kept(first_day="2026-01-03", last_day="2026-01-04")} == {"2026-01-03", "2026-01-04"}
    patient = next(row.patient for row in rows if real(opened, row.source).startswith("P3-"))
    assert len(kept(words=f"{patient.lower()} tumour")) == 6
    assert all((r.confidence or 0) >= 0.9 for r in kept(confidence=(0.9, 1.0)))
    assert kept(states=()) == list(rows)
    assert kept(systems=("pet",)) == []
    by_spread = View(sort=Field.SPREAD).apply(rows)
    assert [r.spread for r in by_spread] == sorted((r.spread for r in rows), reverse=True)  # type: ignore[type-var]


def test_views_are_kept_and_shared(sqlite_store: Store) -> None:
    one, two = person(sqlite_store, "one", Role.REVIEWER), person(sqlite_store, "two", Role.REVIEWER)
    chosen = Filter(against=(Against.MISSED,), confidence=(0.5, 1.0), split=False, first_day="2026-01-01", words="x")
    view = View(chosen, (Field.SOURCE, Field.RANK), Field.DATE, False)
    save_view(sqlite_store, one, "mine", view)
    save_view(sqlite_store, one, "ours", replace(view, sort=None), shared=True)
    assert saved_views(sqlite_store, one)["mine"] == view
    assert list(saved_views(sqlite_store, two)) == ["ours"]
    assert View.from_json(json.loads(json.dumps(view.to_json()))) == view
    with pytest.raises(ArchiveError):
        View.from_json({"filter": {}})


def test_reads_correct_the_curve(opened: Store) -> None:
    engine = GreyEngine()
    models = installed(engine, SYSTEM)
    before = archive_yield(opened, ARCHIVE, models)
    assert before.reads == 0
    rows = worklist(opened, ARCHIVE, models, 1).rows
    reader, arbiter = person(opened, "reader", Role.REVIEWER), person(opened, "judge", Role.ARBITER)
    # the reader confirms the record on four cases of the first tenth, doubts one, and one waits for its score
    for row in rows[:4]:
        lock(opened, row.case_id, reader, Stage.OPEN, finding=bool(row.recorded_finding), label=row.recorded_label)
    doubted, waiting = rows[4], rows[5]
    for row in (doubted, waiting):
        lock(opened, row.case_id, reader, Stage.OPEN, finding=not row.recorded_finding, label=None)
    opened.peer_review(doubted.case_id, reader, Radpeer.EXPECTED_MATTERS)
    assert outcomes(opened, ARCHIVE) == {row.case_id: False for row in rows[:4]} | {doubted.case_id: True}
    told = archive_yield(opened, ARCHIVE, models)
    assert (told.reads, told.misses) == (5, 1)
    assert told.tenths[0].rate < before.tenths[0].rate
    assert told.tenths[5].rate < before.tenths[5].rate
    opened.adjudicate(
        doubted.case_id, arbiter, finding=bool(doubted.recorded_finding), label=None, sided=Sided.RECORDED
    )
    assert archive_yield(opened, ARCHIVE, models).misses == 0


def test_drift_is_checked_against_what_lies_beside_the_weights(opened: Store) -> None:
    engine = GreyEngine()
    none = check_drift(opened, ARCHIVE, installed(engine, SYSTEM))
    assert [told.drift for told in none] == [None] * 3
    assert all("no evidence yet" in told.why for told in none)
    assert opened.drift(SYSTEM, ARCHIVE) == []
