"""Cross-validation: who answers for whom, what is written, and what a stopped command goes on with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from core.errors import RecipeError
from core.weights import repeats
from tests.trainers.test_repeat import small
from trainers.commands import folds
from trainers.data.items import fold_groups
from trainers.data.parts import read_parts
from trainers.data.tensors import Cases
from trainers.fitting.fit import ROOT
from trainers.fitting.loop import Run
from trainers.fitting.precision import make_fabric
from trainers.fitting.recipe import Recipe, load_recipe, with_initial_weights

pytestmark = pytest.mark.usefixtures("float32")
FOLDS = 3


def run(recipe: Recipe, data: Path, folder: Path, count: int = FOLDS) -> dict[str, object]:
    places = {"runs": folder / "runs", "weights": folder / "weights"}
    return folds.cross_validate(recipe, count, None, data=data, **places, fabric=make_fabric())


@pytest.fixture(scope="module")
def crossed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object], list[set[str]]]:
    """The folder, the entry, and the groups that each network was trained on."""
    folder = tmp_path_factory.mktemp("folds")
    trained: list[set[str]] = []

    class Watched(Run):
        def __init__(self, recipe: Recipe, train: Cases, *others: Any, **options: Any) -> None:
            trained.append(set(train.groups))
            super().__init__(recipe, train, *others, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folds, "Run", Watched)
        return folder, run(small(folder), data, folder), trained


def answers(folder: Path) -> list[pd.DataFrame]:
    return [pd.read_parquet(p) for p in sorted((folder / "runs").glob(f"*/{folds.ANSWERS}"))]


def test_every_slice_is_answered_once_by_a_network_that_never_saw_its_group(
    crossed: tuple[Path, dict[str, object], list[set[str]]], data: Path
) -> None:
    folder, _, trained = crossed
    parts = read_parts(small(folder), data)
    frames = answers(folder)
    assert len(frames) == len(trained) == FOLDS
    for frame, seen in zip(frames, trained, strict=True):
        assert not set(frame["group"]) & seen
    told = pd.concat(frames)
    wanted = [name for item in [*parts.train, *parts.validation] for name in item.ids]
    assert sorted(told["id"]) == sorted(wanted)
    held_back = {item.group for item in parts.test}
    assert not held_back & set().union(*trained, set(told["group"]))


def test_the_entry_is_what_the_answers_say(
    crossed: tuple[Path, dict[str, object], list[set[str]]],
) -> None:
    folder, _, _ = crossed
    frames = answers(folder)
    (read,) = repeats.cross_validation(folder / "weights" / "brain-mr")
    assert read.model == "resnet50"
    assert list(read.auc) == pytest.approx([roc_auc_score(f["truth"], f["finding"]) for f in frames], abs=1e-4)
    whole = pd.concat(frames)
    value, low, high = read.pooled
    assert value == pytest.approx(roc_auc_score(whole["truth"], whole["finding"]), abs=1e-4)
    assert low <= value <= high
    assert read.patient_auc == ()  # these patients have slices of both kinds
    assert f"{len(whole)} slices of {whole['group'].nunique()} groups" in read.note
    assert "2 epochs each" in read.note
    assert "trained on cpu" in read.note
    assert sorted(p.name for p in (folder / "weights").rglob("*.*")) == ["folds.json"]


def test_a_stopped_command_goes_on_with_what_is_trained(
    crossed: tuple[Path, dict[str, object], list[set[str]]], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, entry, _ = crossed
    monkeypatch.setattr(Run, "_epoch", lambda *_: pytest.fail("trained again"))
    assert run(small(folder), data, folder) == entry


def test_patients_of_one_label_are_judged_as_patients(tmp_path: Path) -> None:
    rows = {"id": [str(n) for n in range(8)], "group": list("aabbccdd"), "fold": [0] * 4 + [1] * 4}
    truth = [1, 1, 0, 0, 1, 1, 0, 0]
    finding = [0.9, 0.1, 0.4, 0.3, 0.2, 0.3, 0.6, 0.1]  # means 0.5 and 0.35; 0.25 and 0.35
    frame = pd.DataFrame(rows | {"truth": np.array(truth, bool), "finding": finding})
    recipe = small(tmp_path)
    entry = folds.entry_of(recipe, frame, 2, ["cpu"])
    assert entry["patient_auc"] == [1.0, 0.0]
    assert entry["auc"] == [0.5, 0.5]


def test_a_model_that_has_seen_the_folds_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="patients of the folds"):
        run(small(tmp_path, initial_weights="model:brain-mr/resnet50"), data, tmp_path)
    with pytest.raises(RecipeError, match="9 patients for 10 folds"):
        run(small(tmp_path), data, tmp_path, 10)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("breast-resnet18", False),  # starts from a brain model
        ("breast-vgg16", False),  # from noise
        ("pet-resnet34", True),  # from the U-Net of the same studies
    ],
)
def test_a_start_that_has_seen_the_folds_is_refused(name: str, seen: bool) -> None:
    recipe = load_recipe(name)
    if seen:
        with pytest.raises(RecipeError, match="pet/unet, which was trained on the patients"):
            folds.check_start(recipe, ROOT / "weights")
    else:
        folds.check_start(recipe, ROOT / "weights")
    with pytest.raises(RecipeError, match="pooled pretraining"):
        folds.check_start(with_initial_weights(recipe, "ours"), ROOT / "weights")
    with pytest.raises(RecipeError, match="breast-mri/vgg16, which"):
        folds.check_start(
            with_initial_weights(load_recipe("breast-resnet50"), "model:breast-mri/vgg16"), ROOT / "weights"
        )


def test_groups_are_dealt_evenly_and_alike_in_any_order(data: Path, tmp_path: Path) -> None:
    parts = read_parts(small(tmp_path), data)
    items = [*parts.train, *parts.validation, *parts.test]
    dealt = fold_groups(items, 5)
    assert fold_groups(items[::-1], 5) == dealt
    assert set(dealt) == {item.group for item in items}
    sizes = Counter(dealt.values())
    assert sorted(sizes) == [0, 1, 2, 3, 4]
    assert max(sizes.values()) - min(sizes.values()) <= 1
