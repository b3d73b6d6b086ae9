"""Nobody sees a model's answer on a case before their own blind opinion on its image is locked."""

from __future__ import annotations

import pytest

from core.errors import AlreadyLockedError, BlindingError, NotAllowedError, NotFoundError
from core.review import FileRole, Mode, Role, Stage, Store
from tests.review.casebook import archive, case, lock, person, scored


def test_answers_are_released_by_the_readers_own_blind_opinion_only(store: Store) -> None:
    first, second = person(store, "first", Role.REVIEWER), person(store, "second", Role.REVIEWER)
    found = case(store, archive(store))
    scored(store, found)
    assert found.id
    for reader in (first, second):
        assert not store.reveal_allowed(found.id, reader)
        with pytest.raises(BlindingError):
            store.scores_for(found.id, reader)
    store.save_draft(found.id, first, Stage.BLIND, {"finding": True})
    assert not store.reveal_allowed(found.id, first)  # a draft is no opinion
    lock(store, found.id, first)
    assert [s.finding for s in store.scores_for(found.id, first)] == [0.9]
    assert store.revealed(found.archive_id, first) == {found.id}
    with pytest.raises(BlindingError):
        store.scores_for(found.id, second)
    assert store.revealed(found.archive_id, second) == set()


def test_the_same_image_elsewhere_shows_nothing_either(store: Store) -> None:
    reader = person(store, "reader", Role.REVIEWER)
    blind = case(store, archive(store, "Blind"), b"same")
    opened = case(store, archive(store, "Open", Mode.OPEN), b"same")
    other = case(store, blind.archive_id, b"other")
    scored(store, opened)
    assert opened.id
    assert not store.reveal_allowed(opened.id, reader)
    assert store.revealed(opened.archive_id, reader) == set()
    file = store.case_files(blind.id or 0)[0].sha256
    assert store.hidden_by_content([file], reader) == [blind.id]
    assert store.hidden_by_content([blind.content_hash, "0" * 64], reader) == [blind.id]
    assert store.hidden_by_content(["0" * 64], reader) == []
    lock(store, blind.id, reader)
    assert store.hidden_by_content([file], reader) == []
    assert store.scores_for(opened.id, reader)
    assert store.revealed(opened.archive_id, reader) == {opened.id}
    assert store.hidden_by_content([other.content_hash], reader) == [other.id]


def test_a_slice_of_a_case_still_to_be_read_stays_hidden(store: Store) -> None:
    reader, place = person(store, "reader", Role.REVIEWER), archive(store)
    whole = case(store, place, b"slice")
    sha256 = store.case_files(whole.id or 0)[0].sha256
    both, _ = store.add_case(
        1,
        place,
        content_hash="b" * 64,
        source="two.png",
        files=[("1.png", sha256, 5, FileRole.IMAGE), ("2.png", store.put_image(b"more"), 4, FileRole.IMAGE)],
    )
    mask = ("mask.png", store.put_image(b"empty"), 5, FileRole.TRUTH)
    alone = [("3.png", store.put_image(b"alone"), 5, FileRole.IMAGE), mask]
    masked, _ = store.add_case(1, place, content_hash="d" * 64, source="3.png", files=alone)
    mixed = [("2.png", store.put_image(b"more"), 4, FileRole.IMAGE), mask, ("4.png", "4" * 64, 4, FileRole.IMAGE)]
    other, _ = store.add_case(1, place, content_hash="e" * 64, source="4.png", files=mixed)
    lock(store, masked.id, reader)
    assert store.reveal_allowed(masked.id or 0, reader)  # an empty mask in common is no reason
    lock(store, other.id, reader)
    assert store.reveal_allowed(other.id or 0, reader)  # nor is one of several slices
    lock(store, whole.id, reader)
    assert not store.reveal_allowed(whole.id or 0, reader)  # its slice is part of a case still to be read
    assert store.revealed(place, reader) == {masked.id, other.id}
    lock(store, both.id, reader)
    assert store.revealed(place, reader) == {whole.id, both.id, masked.id, other.id}


def test_what_was_seen_cannot_be_read_blind_afterwards(store: Store) -> None:
    lead = person(store, "lead", Role.LEAD, Role.REVIEWER)
    found, place = case(store, archive(store), b"same"), archive(store, "Twin")
    twin = case(store, place, b"same")
    scored(store, found)
    assert found.id
    store.unblind(found.id, lead, "quality check")
    assert store.scores_for(found.id, lead)
    for number in (found.id, twin.id):
        with pytest.raises(BlindingError):
            lock(store, number, lead)
    assert lock(store, found.id, lead, Stage.OPEN).stage == "open"
    told = [entry.action for entry in store.audit_trail(f"case:{found.id}")]
    assert told == ["opinion.locked", "outputs.unblinded", "case.added"]


def test_only_a_lead_unblinds_and_only_readers_read(store: Store) -> None:
    reviewer, student = person(store, "reviewer", Role.REVIEWER), person(store, "student", Role.STUDENT)
    found = case(store, archive(store))
    assert found.id
    with pytest.raises(NotAllowedError):
        store.unblind(found.id, reviewer, "curious")
    with pytest.raises(NotAllowedError):
        store.open_archive(reviewer, found.archive_id, "curious")
    with pytest.raises(NotAllowedError):
        store.scores_for(found.id, student)
    with pytest.raises(NotAllowedError):
        lock(store, found.id, student)
    with pytest.raises(NotFoundError):
        store.scores_for(999, reviewer)


def test_an_opened_archive_is_open_for_good(store: Store) -> None:
    reader = person(store, "reader", Role.REVIEWER)
    found = case(store, archive(store))
    scored(store, found)
    assert found.id
    with pytest.raises(BlindingError):
        lock(store, found.id, reader, Stage.OPEN)
    store.open_archive(1, found.archive_id, "teaching")
    assert store.scores_for(found.id, reader)
    with pytest.raises(BlindingError):
        lock(store, found.id, reader)
    lock(store, found.id, reader, Stage.OPEN)
    with pytest.raises(AlreadyLockedError):
        lock(store, found.id, reader, Stage.OPEN)


def test_others_opinions_show_after_ones_own(store: Store) -> None:
    first, second = person(store, "first", Role.REVIEWER), person(store, "second", Role.REVIEWER)
    found = case(store, archive(store))
    assert found.id
    lock(store, found.id, first, finding=True)
    assert store.opinions(found.id, second) == []
    lock(store, found.id, second)
    assert [(o.reader, o.finding) for o in store.opinions(found.id, second)] == [(first, True), (second, False)]
