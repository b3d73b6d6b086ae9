"""The memoriser against scikit-learn's nearest neighbour, and on sets whose leak is known because it was made."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from core.audit.fingerprint import Table
from core.audit.memoriser import Leak, leak, recall, stored
from core.errors import DataLayoutError


def _table(labels: np.ndarray, groups: np.ndarray, splits: np.ndarray, pictures: np.ndarray) -> Table:
    pictures = pictures - pictures.mean(axis=1, keepdims=True)
    pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
    n = len(labels)
    empty = np.zeros(n, bool)
    text = labels.astype(str), groups.astype(str), splits.astype(str)
    names = tuple(map(str, range(n)))
    return Table(names, text[0], empty, text[1], text[2], text[0], np.zeros((n, 2), np.uint64), pictures, empty, {})


def _patients(leaking: bool) -> Table:
    """120 patients of two pictures each that nobody can tell apart but by having seen the other picture."""
    rng = np.random.default_rng(1)
    looks = rng.normal(size=(120, 256)).repeat(2, axis=0)
    pictures = (looks + 0.05 * rng.normal(size=looks.shape)).astype(np.float32)
    groups = np.arange(120).repeat(2)
    labels = np.where(np.arange(120) % 2, "cancer", "clear").repeat(2)
    if leaking:
        splits = np.where((np.arange(240) % 2 == 1) & (groups < 80), "test", "train")
    else:
        splits = np.where(groups < 40, "test", "train")
    return _table(labels, groups, splits, pictures)


def test_recall_is_scikit_learns_nearest_neighbour() -> None:
    table = _patients(leaking=False)
    train, test = table.splits == "train", table.splits == "test"
    other = KNeighborsClassifier(1, metric="cosine").fit(table.thumbnails[train], table.labels[train])
    mine = recall(table.thumbnails[train], table.labels[train], table.thumbnails[test])
    assert mine.tolist() == other.predict(table.thumbnails[test]).tolist()


def test_a_leak_is_found_and_its_absence_too() -> None:
    found = leak("made", _patients(leaking=True), draws=5, resamples=200)
    assert (found.test, found.groups, found.shared) == (80, 80, 80)
    assert found.published.value == 1.0  # every patient is remembered
    assert found.without.low <= 0.5 < found.without.high  # and nothing was learnt
    assert found.inflation.low > 0
    none = leak("clean", _patients(leaking=False), draws=5, resamples=200)
    assert none.shared == 0
    assert none.remembered == none.kept
    assert (none.inflation.value, none.inflation.low, none.inflation.high) == (0.0, 0.0, 0.0)


def test_figures_come_back_as_they_were_stored() -> None:
    found = leak("made", _patients(leaking=True), draws=2, resamples=50)
    assert Leak.from_json(found.to_json()) == found


def test_sets_without_parts_end_in_a_remedy() -> None:
    table = _patients(leaking=False)
    whole = _table(table.labels, np.arange(240), np.full(240, "train"), table.thumbnails)
    with pytest.raises(DataLayoutError, match="both parts"):
        leak("whole", whole)


def test_what_the_tour_shows_was_measured() -> None:
    (one,) = [one for one in stored() if one.name == "brain-brisc"]
    assert one.without.n == one.published.n == one.test
    assert one.kept < one.remembered
    assert 0 < one.inflation.value == pytest.approx(one.fewer.value - one.without.value)
