"""Inserted lesions that teach where: what is made of which slices, and that nobody is judged by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import RecipeError
from tests.trainers.folders import lung_ct
from trainers.commands import folds
from trainers.data.items import fold_groups
from trainers.data.parts import read_parts
from trainers.data.planted import TAUGHT, planted, taught_places
from trainers.data.sets import load_items
from trainers.data.tensors import to_cases
from trainers.fitting.fit import labels_of
from trainers.fitting.recipe import Recipe, load_recipe, variant

LABELS = {"normal": 0, "benign": 0, "malignant": 1}
KINDS = ("lung malignant", "lung benign")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "lung-ct").mkdir()
    lung_ct(folder / "lung-ct", groups=6)
    return folder


def small() -> Recipe:
    whole = load_recipe("chest-lite0-places")
    contract = whole.contract.model_copy(update={"height": 64, "width": 64})
    return variant(whole, {"data": (whole.data[0].model_dump(),), "contract": contract.model_dump()}, "small")


def test_each_clear_slice_gives_a_mass_and_a_decoy_that_differ_in_nothing_but_the_pattern(root: Path) -> None:
    items = load_items("lung-ct", root / "lung-ct")
    made = taught_places(items, LABELS, KINDS, 2)
    clear = {
        name: item for item in items for name, label in zip(item.ids, item.labels, strict=True) if not LABELS[label]
    }
    assert len(made) == 4 * len(clear)
    for one in made:
        name, kind = one.ids[0].split(" + ")
        plane = clear[name].series.pixels[clear[name].ids.index(name)]
        changed = one.series.pixels[0] != plane
        assert changed.any()
        assert one.series.truth is not None
        assert one.group == clear[name].group
        assert not one.counted
        if kind == KINDS[0]:
            assert one.labels == ("malignant",)
            assert not (changed & ~one.series.truth[0]).any()
        else:
            assert (one.labels[0], one.series.truth.any()) == (clear[name].labels[0], False)
    masses = [one.series.pixels for one in made if one.labels == ("malignant",)]
    assert (masses[0] != masses[1]).any()  # the second round is drawn by other numbers


def test_heat_maps_are_tested_with_other_lesions_than_were_taught(root: Path) -> None:
    item = next(i for i in load_items("lung-ct", root / "lung-ct") if i.labels[0] == "normal")
    taught = taught_places([item], LABELS, KINDS, 4)
    assert TAUGHT > 1_000_000  # the command's seeds are typed by hand
    for seed in range(4):
        tested = planted(item, 0, KINDS[0], seed)
        assert tested is not None
        assert all((tested.series.truth != one.series.truth).any() for one in taught if one.labels == ("malignant",))


def test_they_train_and_judge_nobody(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = small()
    parts = read_parts(recipe, root)
    inserted = [item for item in parts.train if item.inserted]
    assert inserted
    assert not any(item.inserted for item in (*parts.validation, *parts.test))
    assert {item.group for item in inserted} <= {item.group for item in parts.train if item.counted}
    assert parts.use[0].train == sum(item.series.slices for item in parts.train if item.counted)
    cases = to_cases(parts.train, recipe.contract, labels_of(recipe))
    drawn = np.array([" + " in name for name in cases.ids])
    # only what was inserted has a mask to learn from, and it is a set of its own
    np.testing.assert_array_equal(cases.has_mask.numpy(), drawn)
    assert set(cases.sources[drawn].tolist()).isdisjoint(cases.sources[~drawn].tolist())
    # a fold is answered by a network that saw neither its slices nor lesions drawn into them
    seen = []

    class StoppedError(Exception):
        pass

    def told(items: list[object], *_: object) -> None:
        seen.append(items)
        if len(seen) == 2:
            raise StoppedError

    monkeypatch.setattr(folds, "to_cases", told)
    items = [*parts.train, *parts.validation]
    fold_of = fold_groups([item for item in items if item.counted], 2)
    with pytest.raises(StoppedError):
        folds._answers(recipe, parts, items, fold_of, 0, runs=root, weights=root, fabric=None, devices=[])  # type: ignore[arg-type]
    kept, asked = seen
    assert {fold_of[i.group] for i in kept} == {1}  # type: ignore[attr-defined]
    assert any(i.inserted for i in kept)  # type: ignore[attr-defined]
    assert {fold_of[i.group] for i in asked} == {0}  # type: ignore[attr-defined]
    assert all(i.counted for i in asked)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "why"),
    [({"auxiliary_mask": False}, "auxiliary_mask"), ({"classes": ("a", "b", "c"), "positive": ("c",)}, "two classes")],
)
def test_a_recipe_that_cannot_be_taught_so_says_why(change: dict[str, object], why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        variant(load_recipe("chest-lite0-places"), change, "wrong")
