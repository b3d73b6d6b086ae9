"""Scores are kept once per version of a model; runs can be asked to pause."""

from __future__ import annotations

import pytest

from core.errors import NotAllowedError, NotFoundError
from core.review import Role, RunState, Store, fingerprint
from core.review.tables import DriftReading, ImportRun, Score, ScoreRun
from tests.review.casebook import WEIGHTS, archive, case, lock, person, scored


def test_scoring_again_with_the_same_version_replaces_with_another_adds(store: Store) -> None:
    place = archive(store)
    found = case(store, place)
    scored(store, found, 0.2)
    first = store.machine_scores(place)[0]
    scored(store, found, 0.7)
    again = store.machine_scores(place)
    assert [(s.id, s.finding, s.created) for s in again] == [(first.id, 0.7, first.created)]
    assert [d.value for d in store.machine_discrepancies(place)] == [0.7]
    scored(store, found, 0.4, weights="b" * 64)
    assert [s.finding for s in store.machine_scores(place)] == [0.7, 0.4]
    assert [d.value for d in store.machine_discrepancies(place)] == [0.7, 0.4]
    scored(store, found, 0.3, version="2")
    assert [(s.finding, *s.identity) for s in store.machine_scores(place)] == [
        (0.7, WEIGHTS, "1"),
        (0.4, "b" * 64, "1"),
        (0.3, WEIGHTS, "2"),
    ]
    assert [d.value for d in store.machine_discrepancies(place)] == [0.7, 0.4, 0.3]
    assert store.scored(place, "brain-mr", "one", (WEIGHTS, "2")) == {found.id}
    assert store.scored(place, "brain-mr", "one", (WEIGHTS, "3")) == set()
    assert store.scored(place, "brain-mr", "two", (WEIGHTS, "1")) == set()


def test_a_failed_score_is_kept_but_not_done(sqlite_store: Store) -> None:
    place = archive(sqlite_store)
    found = case(sqlite_store, place)
    assert found.id
    failed = Score(
        case_id=found.id, system="brain-mr", model="one", version="1", weights_sha256=WEIGHTS, error="out of memory"
    )
    sqlite_store.save_scores([failed])
    assert sqlite_store.scored(place, "brain-mr", "one", (WEIGHTS, "1")) == set()
    assert sqlite_store.case(found.id).state == "new"
    scored(sqlite_store, found)
    assert [s.error for s in sqlite_store.machine_scores(place)] == [""]
    assert sqlite_store.case(found.id).state == "scored"


def test_scoring_never_moves_a_read_case_back(sqlite_store: Store) -> None:
    reader = person(sqlite_store, "reader", Role.REVIEWER)
    found = case(sqlite_store, archive(sqlite_store))
    lock(sqlite_store, found.id, reader)
    scored(sqlite_store, found)
    assert sqlite_store.case(found.id or 0).state == "reading"


def test_a_batch_with_one_bad_row_is_not_kept_at_all(store: Store) -> None:
    place = archive(store)
    found = case(store, place)
    rows = [
        Score(case_id=number, system="s", model="m", version="1", weights_sha256=WEIGHTS, finding=0.5)
        for number in (found.id or 0, 999)
    ]
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        store.save_scores(rows)
    assert store.machine_scores(place) == []


def test_a_run_is_asked_and_answers(store: Store) -> None:
    lead, reviewer = person(store, "lead", Role.LEAD), person(store, "reviewer", Role.REVIEWER)
    place = archive(store)
    run = store.start_scoring(lead, place, "brain-mr", {"one": {"version": "1"}}, 10)
    assert (run.state, run.wanted, run.heartbeat) == ("queued", "running", None)
    with pytest.raises(NotAllowedError):
        store.ask_run(reviewer, run, RunState.STOPPED)
    store.ask_run(lead, run, RunState.PAUSED)
    fresh = store.update_run(run, state=RunState.RUNNING.value, done=3)
    assert (fresh.wanted, fresh.done) == ("paused", 3)
    assert fresh.heartbeat is not None
    with pytest.raises(ValueError, match="no column"):
        store.update_run(run, speed=3)
    with pytest.raises(ValueError, match="asked to run"):
        store.ask_run(lead, run, RunState.DONE)
    store.start_import(lead, place, "folder", {"path": "x"})
    assert [r.id for r in store.runs(ScoreRun, place)] == [run.id]
    assert len(store.runs(ImportRun, place)) == 1
    with pytest.raises(NotFoundError):
        store.run(ScoreRun, 999)


def test_views_are_ones_own_unless_shared(store: Store) -> None:
    first, second = person(store, "first", Role.REVIEWER), person(store, "second", Role.REVIEWER)
    store.save_view(first, "Mine", {"state": ["new"]})
    store.save_view(first, "Ours", {"state": []}, shared=True)
    store.save_view(first, "Mine", {"state": ["read"]})
    assert [(v.name, v.content) for v in store.views(first)] == [("Mine", {"state": ["read"]}), ("Ours", {"state": []})]
    assert [v.name for v in store.views(second)] == ["Ours"]
    store.drop_view(second, "Ours")
    store.drop_view(first, "Mine")
    assert [v.name for v in store.views(first)] == ["Ours"]


def test_drift_readings_come_back_newest_first(sqlite_store: Store) -> None:
    for value, system in ((0.1, "pet"), (0.2, "brain-mr"), (0.3, "pet")):
        reading = DriftReading(
            system=system, model="m", weights_sha256=WEIGHTS, n=10, n_reference=100, statistic="KS", value=value
        )
        sqlite_store.add_drift(reading)
    assert [r.value for r in sqlite_store.drift("pet")] == [0.3, 0.1]
    assert len(sqlite_store.drift()) == 3
    assert sqlite_store.drift(archive_id=1) == []


def test_a_fingerprint_depends_on_the_set_of_models_only() -> None:
    one, two = ("a", "1"), ("b", "1")
    assert fingerprint([one, two]) == fingerprint([two, one, one]) != fingerprint([one, ("b", "2")])
