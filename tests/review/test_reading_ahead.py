"""Cases are read a group ahead: in order, none missing, and large ones one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from core.imaging import Study
from core.review import Store
from core.review.archives import reading_ahead
from core.review.archives.reading_ahead import TOGETHER, read_ahead
from tests.review.archive_kit import SYSTEM, folder, imported


class Looks:
    """Stands in for an engine: notes what it was shown together."""

    def __init__(self) -> None:
        self.groups: list[int] = []

    def foresee(self, studies: Sequence[tuple[Study, int]], system_name: str) -> None:
        assert system_name == SYSTEM
        self.groups.append(len(studies))


@pytest.fixture
def archive(sqlite_store: Store, tmp_path: Path) -> int:
    levels = {f"P{p}": [(0.08 * p + 0.05 * k, k % 2) for k in range(5)] for p in range(4)}
    return imported(sqlite_store, folder(tmp_path / "set", levels))


def test_every_case_comes_once_in_order_with_its_own_images(sqlite_store: Store, archive: int) -> None:
    cases, looks = sqlite_store.cases(archive), Looks()
    assert len(cases) == 20
    found = list(read_ahead(sqlite_store, looks, cases, SYSTEM))
    assert [case.id for case, _ in found] == [case.id for case in cases]
    assert looks.groups == [TOGETHER, TOGETHER, 4]
    for case, study in found:
        assert study is not None
        alone = reading_ahead.read(sqlite_store.case_bytes(case.id or 0))
        assert study.sha256 == alone.sha256


def test_what_cannot_be_read_is_left_to_whoever_scores_it(
    sqlite_store: Store, archive: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, looks = sqlite_store.cases(archive), Looks()
    spoilt, whole = cases[3].id, sqlite_store.case_bytes

    def half(case_id: int) -> list[tuple[str, bytes]]:
        return [(name, data[:20] if case_id == spoilt else data) for name, data in whole(case_id)]

    monkeypatch.setattr(sqlite_store, "case_bytes", half)
    found = {case.id: study for case, study in read_ahead(sqlite_store, looks, cases, SYSTEM)}
    assert [number for number, study in found.items() if study is None] == [spoilt]
    assert looks.groups == [TOGETHER - 1, TOGETHER, 4]


def test_large_images_are_not_held_before_their_turn(
    sqlite_store: Store, archive: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, looks = sqlite_store.cases(archive), Looks()
    one = sum(series.pixels.nbytes for series in reading_ahead.read(sqlite_store.case_bytes(cases[0].id or 0)).series)
    monkeypatch.setattr(reading_ahead, "MOST_BYTES", 3 * one)
    held = [study is not None for _, study in read_ahead(sqlite_store, looks, cases, SYSTEM)]
    assert held == ([True] * 3 + [False] * 5) * 2 + [True] * 3 + [False]
    assert looks.groups == [3, 3, 3]
