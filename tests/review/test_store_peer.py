"""Peer review, arbitration and their summaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from scipy.stats import binomtest

from core.errors import AlreadyLockedError, NotAllowedError, NotFoundError, StoreError
from core.review import Mode, Radpeer, Role, Sided, Stage, Store
from core.review.summary import By, Verdict, summary, verdicts
from tests.review.casebook import archive, case, lock, person


def test_which_scores_go_to_arbitration() -> None:
    assert [s.value for s in Radpeer if s.to_arbitration] == ["2b", "3a", "3b"]


@pytest.mark.parametrize("score", list(Radpeer))
def test_discordant_cases_are_queued_once(sqlite_store: Store, score: Radpeer) -> None:
    readers = [person(sqlite_store, name, Role.REVIEWER) for name in ("first", "second")]
    place = archive(sqlite_store)
    found = case(sqlite_store, place)
    for reader in readers:
        lock(sqlite_store, found.id, reader)
        sqlite_store.peer_review(found.id or 0, reader, score)
    queued = sqlite_store.arbitration_queue(place)
    assert [q.case_id for q in queued] == ([found.id] if score.to_arbitration else [])
    assert sqlite_store.case(found.id or 0).state == ("arbitration" if score.to_arbitration else "reading")
    assert sqlite_store.arbitration_queue(place + 1) == []


def test_who_may_score_a_recorded_diagnosis(store: Store) -> None:
    reader, arbiter = person(store, "reader", Role.REVIEWER), person(store, "arbiter", Role.ARBITER)
    place = archive(store)
    found, blank = case(store, place), case(store, place, b"blank", recorded_finding=None)
    with pytest.raises(NotAllowedError, match="after reading"):
        store.peer_review(found.id or 0, reader, Radpeer.CONCUR)
    with pytest.raises(NotAllowedError):
        store.peer_review(found.id or 0, arbiter, Radpeer.CONCUR)
    lock(store, found.id, reader)
    lock(store, blank.id, reader)
    with pytest.raises(StoreError, match="no recorded diagnosis"):
        store.peer_review(blank.id or 0, reader, Radpeer.CONCUR)
    store.peer_review(found.id or 0, reader, Radpeer.CONCUR)
    with pytest.raises(AlreadyLockedError):
        store.peer_review(found.id or 0, reader, Radpeer.EXPECTED_MATTERS)
    assert [p.score for p in store.peer_reviews(found.id or 0)] == ["1"]


def test_the_arbiter_is_somebody_else(store: Store) -> None:
    reader = person(store, "reader", Role.REVIEWER, Role.ARBITER)
    arbiter = person(store, "arbiter", Role.ARBITER)
    place = archive(store)
    found = case(store, place)
    number = found.id or 0
    with pytest.raises(NotFoundError):
        store.adjudicate(number, arbiter, finding=True, label=None, sided=Sided.REVIEWER)
    lock(store, number, reader, finding=True)
    store.peer_review(number, reader, Radpeer.EXPECTED_MATTERS)
    with pytest.raises(NotAllowedError, match="have read"):
        store.adjudicate(number, reader, finding=True, label=None, sided=Sided.REVIEWER)
    assert not store.reveal_allowed(number, arbiter)  # the arbiter judges without the models
    assert [o.reader for o in store.opinions(number, arbiter)] == [reader]
    truth = store.adjudicate(number, arbiter, finding=True, label="glioma", sided=Sided.REVIEWER, comment="seen")
    assert truth.independent
    assert store.reveal_allowed(number, arbiter)
    with pytest.raises(AlreadyLockedError):
        store.adjudicate(number, arbiter, finding=False, label=None, sided=Sided.RECORDED)
    assert store.arbitration_queue() == []
    assert [t.label for t in store.adjudications(place)] == ["glioma"]
    assert store.adjudication(number) == truth
    assert store.case(number).state == "adjudicated"


def test_alone_one_may_arbitrate_ones_own_reading_and_it_is_written_down(store: Store) -> None:
    place = archive(store, mode=Mode.OPEN)
    found = case(store, place)
    lock(store, found.id, 1, Stage.OPEN, finding=True)
    store.peer_review(found.id or 0, 1, Radpeer.EXPECTED_MATTERS)
    assert not store.adjudicate(found.id or 0, 1, finding=True, label=None, sided=Sided.REVIEWER).independent


def _reviewed(store: Store, sides: list[Sided | None], team: str = "North", author: str = "Dr A") -> int:
    """An archive whose cases were scored 3b and judged so (``None``: not yet); returns its number."""
    reader, arbiter = person(store, "reader", Role.REVIEWER), person(store, "arbiter", Role.ARBITER)
    place = archive(store, f"{team} {author}")
    for number, side in enumerate(sides):
        found = case(store, place, f"{team}{number}".encode(), recorded_reader=author, team=team)
        lock(store, found.id, reader, finding=True)
        store.peer_review(found.id or 0, reader, Radpeer.EXPECTED_MATTERS)
        if side is not None:
            store.adjudicate(found.id or 0, arbiter, finding=True, label=None, sided=side)
    return place


def test_a_summary_counts_cases_with_an_interval_and_without_blame(sqlite_store: Store) -> None:
    sides = [Sided.REVIEWER] * 4 + [Sided.NEITHER] + [Sided.RECORDED] * 17 + [Sided.BOTH] * 3 + [None] * 2
    place = _reviewed(sqlite_store, sides)
    _reviewed(sqlite_store, [None], "South", "Dr B")
    lines = {line.key: line for line in summary(sqlite_store, by=By.TEAM)}
    north = lines["North"]
    assert (north.n, north.revised, north.pending, north.counts["3b"], sum(north.counts.values())) == (27, 5, 2, 27, 27)
    low, high = binomtest(5, 25).proportion_ci(method="wilson")
    assert (north.rate.value, north.rate.low, north.rate.high) == pytest.approx((0.2, low, high))
    assert north.text.startswith(
        "25 of 27 reviewed cases are decided; 2 wait for arbitration: 20 upheld, 5 revised (20%, 95 % interval 9%"
    )
    assert "not how often a reader errs" in north.text
    assert lines["South"].text == "1 reviewed; 1 wait for arbitration. Nothing is decided yet."
    assert "Dr" not in "".join(line.text + line.key for line in summary(sqlite_store, by="reader"))
    assert [line.key for line in summary(sqlite_store, by="reader")] == ["1", "2"]
    assert [(line.key, line.n) for line in summary(sqlite_store, by="system", archive_id=place)] == [("brain-mr", 27)]
    today = datetime.now(UTC).date()
    assert sum(line.n for line in summary(sqlite_store, by="month", since=today - timedelta(days=1))) == 28
    assert summary(sqlite_store, by="month", until=today - timedelta(days=2)) == []
    found = list(verdicts(sqlite_store, place).values())
    assert [found.count(v) for v in (Verdict.REVISED, Verdict.UPHELD, Verdict.PENDING)] == [5, 20, 2]


def test_few_cases_give_no_rate_in_words(sqlite_store: Store) -> None:
    _reviewed(sqlite_store, [Sided.REVIEWER] * 3)
    text = summary(sqlite_store, by="team")[0].text
    assert text.startswith("3 of 3 reviewed cases are decided: 0 upheld, 3 revised. Too few for a rate")
    assert "%" not in text
