"""Opinions are locked once, drafts survive until then, and what changed between the two readings is told."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import AlreadyLockedError, BlindingError, StoreError
from core.review import Change, Role, Stage, Store
from tests.review.casebook import STARTED, WEIGHTS, archive, case, lock, person, scored

BOX = {"kind": "box", "slice": 3, "x": 1, "y": 2.5, "width": 10, "height": 20}


def test_a_locked_opinion_reads_back_as_it_was_given(store: Store) -> None:
    reader, found = person(store, "reader", Role.REVIEWER), case(store, archive(store))
    given = lock(
        store, found.id, reader, finding=True, label="glioma", confidence=55, marks=[BOX], comment="ö\0 \ud800"
    )
    kept = store.opinion(found.id or 0, reader, Stage.BLIND)
    assert kept is not None
    assert kept.model_dump() == given.model_dump()
    assert (kept.finding, kept.label, kept.confidence, kept.seconds) == (True, "glioma", 55, 12.5)
    assert kept.marks == [{"kind": "box", "slice": 3, "x": 1.0, "y": 2.5, "width": 10.0, "height": 20.0}]
    assert kept.comment == "ö ?"  # what no database can keep is replaced, not lost with the opinion
    assert kept.started == STARTED.replace(second=STARTED.second + (found.id or 0))
    assert store.case(found.id or 0).state == "reading"


def test_one_blind_and_one_final_opinion_per_reader(store: Store) -> None:
    reader, found = person(store, "reader", Role.REVIEWER), case(store, archive(store))
    with pytest.raises(BlindingError):
        lock(store, found.id, reader, Stage.FINAL)
    lock(store, found.id, reader, confidence=60)
    for stage in (Stage.BLIND, Stage.OPEN):
        with pytest.raises(AlreadyLockedError):
            lock(store, found.id, reader, stage, confidence=99)
    lock(store, found.id, reader, Stage.FINAL, confidence=70)
    with pytest.raises(AlreadyLockedError):
        lock(store, found.id, reader, Stage.FINAL, confidence=99)
    assert [o.confidence for o in store.opinions(found.id or 0, reader)] == [60, 70]
    assert store.case(found.id or 0).state == "read"


def test_two_readers_do_not_meet(store: Store) -> None:
    first, second = person(store, "first", Role.REVIEWER), person(store, "second", Role.REVIEWER)
    found = case(store, archive(store))
    assert found.id
    store.save_draft(found.id, first, Stage.BLIND, {"comment": "first"})
    store.save_draft(found.id, second, Stage.BLIND, {"comment": "second"})
    lock(store, found.id, first, finding=True)
    assert store.draft(found.id, first, Stage.BLIND) is None
    assert store.draft(found.id, second, Stage.BLIND).content == {"comment": "second"}  # type: ignore[union-attr]
    lock(store, found.id, second)
    assert [store.opinion(found.id, r, Stage.BLIND).finding for r in (first, second)] == [True, False]  # type: ignore[union-attr]


def test_a_draft_keeps_when_reading_began_and_ends_with_the_lock(store: Store) -> None:
    reader, found = person(store, "reader", Role.REVIEWER), case(store, archive(store))
    assert found.id
    began = store.save_draft(found.id, reader, Stage.BLIND, {"confidence": 10}).started
    later = store.save_draft(found.id, reader, Stage.BLIND, {"confidence": 20})
    assert (later.started, later.content) == (began, {"confidence": 20})
    store.drop_draft(found.id, reader, Stage.BLIND)
    assert store.draft(found.id, reader, Stage.BLIND) is None
    lock(store, found.id, reader)
    with pytest.raises(AlreadyLockedError):
        store.save_draft(found.id, reader, Stage.BLIND, {"confidence": 30})


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": 101},
        {"confidence": -1},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"marks": [{"kind": "circle", "x": 1, "y": 1}]},
        {"marks": [{"kind": "point", "x": 1}]},
        {"marks": [{"kind": "point", "x": float("inf"), "y": 1}]},
        {"marks": [{**BOX, "width": 0}]},
        {"marks": [{**BOX, "slice": -1}]},
    ],
)
def test_what_is_out_of_range_is_refused_whole(sqlite_store: Store, wrong: dict[str, Any]) -> None:
    reader, found = person(sqlite_store, "reader", Role.REVIEWER), case(sqlite_store, archive(sqlite_store))
    entries = len(sqlite_store.audit_trail())
    with pytest.raises(StoreError):
        lock(sqlite_store, found.id, reader, **wrong)
    assert sqlite_store.opinions(found.id or 0, reader) == []
    assert len(sqlite_store.audit_trail()) == entries


@pytest.mark.parametrize(
    ("votes", "final", "expected"),
    [
        ([0.9, 0.8, 0.1], {"finding": True, "label": "glioma", "confidence": 90}, Change(True, True, 10, True)),
        ([0.9, 0.2, 0.1], {"finding": True, "label": "glioma", "confidence": 60}, Change(True, True, -20, False)),
        ([0.9, 0.1], {"finding": True, "label": "glioma", "confidence": 80}, Change(True, True, 0, None)),
        ([0.9], {"finding": False, "label": "no finding", "confidence": 85}, Change(False, False, 5, None)),
    ],
)
def test_change_of_mind(sqlite_store: Store, votes: list[float], final: dict[str, Any], expected: Change) -> None:
    reader, found = person(sqlite_store, "reader", Role.REVIEWER), case(sqlite_store, archive(sqlite_store))
    for number, finding in enumerate(votes):
        scored(sqlite_store, found, finding, f"model {number}")
    lock(sqlite_store, found.id, reader)
    assert sqlite_store.change_of_mind(found.id or 0, reader) is None
    lock(sqlite_store, found.id, reader, Stage.FINAL, **final)
    assert sqlite_store.change_of_mind(found.id or 0, reader) == expected
    # A later version of the models changes nothing about what the reader saw then.
    for number in range(len(votes)):
        scored(sqlite_store, found, 0.0, f"model {number}", WEIGHTS[::-1].replace("a", "b"))
    assert sqlite_store.change_of_mind(found.id or 0, reader) == expected
