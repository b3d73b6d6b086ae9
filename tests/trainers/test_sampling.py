"""Rows of an epoch, group splits and recipes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from core.errors import RecipeError
from core.imaging.study import Series
from core.models.registry import create
from core.systems import system
from tests.trainers.small import RECIPE, write_recipe
from trainers.data.items import Item, fingerprint, split_groups
from trainers.fitting.recipe import RECIPES, load_recipe
from trainers.fitting.sampling import epoch_rows


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


LABELS = torch.tensor([0] * 90 + [1] * 10)


def test_balanced_epochs_hold_every_class_equally_often() -> None:
    rows = epoch_rows(LABELS, how="balanced", images=60, rng=rng())
    assert Counter(LABELS[rows].tolist()) == {0: 30, 1: 30}
    counts = Counter(rows.tolist())
    assert all(counts[r] == 3 for r in range(90, 100))  # 30 draws of 10 rows: each exactly three times
    assert max(counts[r] for r in range(90)) == 1  # 30 of 90: none twice


def test_rows_repeat_only_after_all_have_been_drawn() -> None:
    counts = Counter(epoch_rows(LABELS, how="balanced", images=50, rng=rng(1)).tolist())
    rare = [counts[r] for r in range(90, 100)]
    assert sum(rare) == 25
    assert set(rare) == {2, 3}


def test_natural_epochs_hold_every_row_once() -> None:
    assert sorted(epoch_rows(LABELS, how="natural", images=None, rng=rng()).tolist()) == list(range(100))
    some = epoch_rows(LABELS, how="natural", images=30, rng=rng()).tolist()
    assert len(set(some)) == 30
    assert some != sorted(some)


def items(groups: int = 40, per_group: int = 5) -> list[Item]:
    blank = Series("k", "d", np.zeros((1, 8, 8), np.float32))
    return [
        Item(blank, ("ill" if g % 4 == 0 else "well",), f"g{g}", (f"g{g}-{i}",))
        for g in range(groups)
        for i in range(per_group)
    ]


def test_no_group_is_on_two_sides_and_strata_keep_their_shares() -> None:
    some = items()
    parts = split_groups(some, validation=0.2, test=0.1, seed=3)
    assert set(parts) == {i.group for i in some}
    for label, size in (("ill", 10), ("well", 30)):
        inside = Counter(parts[g] for g in {i.group for i in some if i.labels == (label,)})
        assert inside == {"train": round(size * 0.7), "validation": round(size * 0.2), "test": round(size * 0.1)}


def test_a_split_depends_on_the_seed_and_not_on_the_order() -> None:
    some = items()
    shuffled = [some[i] for i in np.random.default_rng(1).permutation(len(some))]
    first = split_groups(some, validation=0.2, test=0.1, seed=3)
    assert split_groups(shuffled, validation=0.2, test=0.1, seed=3) == first
    assert fingerprint(split_groups(shuffled, validation=0.2, test=0.1, seed=3)) == fingerprint(first)
    other = split_groups(some, validation=0.2, test=0.1, seed=4)
    assert fingerprint(other) != fingerprint(first)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_recipe_describes_a_model_of_its_system(path: Path) -> None:
    recipe = load_recipe(path.stem)
    declared = system(recipe.system)
    slot = next(s for s in declared.models if s.name == recipe.model)
    assert (slot.architecture, slot.role, slot.gate) == (recipe.architecture, recipe.role, recipe.gate)
    assert recipe.contract.projection == declared.projection
    with torch.device("meta"):  # shapes only: no memory, no random numbers
        net = create(
            recipe.architecture,
            classes=len(recipe.classes),
            channels=recipe.contract.channels,
            size=(recipe.contract.height, recipe.contract.width),
        )
    assert net.draws_masks == (recipe.role == "segmenter")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lr": "fast"}, "lr"),
        ({"speed": "3"}, "speed"),
        ({"positive": "[cyst]"}, "cyst"),
        ({"loss": "{mask: none}"}, "mask loss"),
        ({"role": "classifier"}, "auxiliary_mask"),
        ({"contract": "{channels: 1, context: neighbours, height: 48, width: 48}"}, "3 channels"),
        ({"loss": "{image: focal, focal_alpha: [1, 1, 1], mask: dice}"}, "focal_alpha"),
        ({"augment": "{mixup_alpha: 0.2}"}, "mixup"),
        ({"data": "[{name: brain-lgg, labels: {tumour: 2}}]"}, "no class"),
        ({"threshold_rule": "accuracy"}, "threshold_rule"),
        ({"threshold_rule": "even-odds", "sampling": "natural"}, "even-odds"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused_by_name(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    path = write_recipe(tmp_path, **changes)
    assert yaml.safe_load(path.read_text()) != yaml.safe_load(RECIPE)
    with pytest.raises(RecipeError) as raised:
        load_recipe(str(path))
    assert words in raised.value.message


def test_an_unknown_empty_or_broken_recipe_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as raised:
        load_recipe("brain-nothing")
    assert "brain-unet" in raised.value.remedy
    for text in ("", "a: [", "- 1\n- 2\n"):
        (tmp_path / "r.yaml").write_text(text)
        with pytest.raises(RecipeError):
            load_recipe(str(tmp_path / "r.yaml"))


def test_a_recipes_hash_changes_with_its_text(tmp_path: Path) -> None:
    first = load_recipe(str(write_recipe(tmp_path)))
    second = load_recipe(str(write_recipe(tmp_path, lr="1.0e-3")))
    assert first.sha256 != second.sha256
    assert first.source == "small"


def test_within_a_class_every_patient_is_drawn_equally_often() -> None:
    labels = torch.tensor([0] * 60 + [1] * 40)
    patients = torch.tensor([0] * 50 + [1] * 10 + [2] * 37 + [3] * 2 + [4])
    rows = epoch_rows(labels, how="balanced-groups", images=48, rng=rng(), within=patients)
    assert Counter(patients[rows].tolist()) == {0: 12, 1: 12, 2: 8, 3: 8, 4: 8}


def test_within_a_class_every_set_is_drawn_equally_often() -> None:
    labels = torch.tensor([0] * 50 + [1] * 50)
    sources = torch.tensor([0] * 45 + [1] * 5 + [1] * 40 + [0] * 10)  # either set is mostly of one class
    rows = epoch_rows(labels, how="balanced-sets", images=40, rng=rng(), within=sources)
    seen = Counter(zip(labels[rows].tolist(), sources[rows].tolist(), strict=True))
    assert seen == {(0, 0): 10, (0, 1): 10, (1, 0): 10, (1, 1): 10}
