"""Members: nobody is answered by a network that saw him, and what ships is what was fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from core.models.members import Members
from core.weights.card import ModelCard
from core.weights.store import load_model
from tests.trainers.small import CLASSIFIER, PATIENTS, SLICES, write_recipe
from trainers.data.items import Item, fold_groups
from trainers.data.parts import read_parts
from trainers.fitting.fit import labels_of
from trainers.fitting.members import Frozen, train_members
from trainers.fitting.precision import make_fabric
from trainers.fitting.recipe import Recipe, load_recipe
from trainers.measuring.scoring import predictions

TESTED = 3  # patients of the test part


def fitted(recipe: Recipe, data: Path, folder: Path) -> tuple[Path, ModelCard, pd.DataFrame]:
    """The shipped folder, its card and its predictions."""
    train_members(
        recipe, folder=data, runs=folder / "runs", weights=folder / "weights", minutes=None, fabric=make_fabric()
    )
    model = folder / "weights" / recipe.system / recipe.model
    return model, ModelCard.load(model / "card.json"), pd.read_parquet(model / "predictions.parquet")


PROBE = CLASSIFIER | {"members": "3", "probe": "0.1", "test_time_flips": "[horizontal]"}


def _outside(recipe: Recipe, data: Path) -> list[Item]:
    """All outside the test part."""
    parts = read_parts(recipe, data)
    return [*parts.train, *parts.validation]


def test_every_patient_outside_the_test_part_trains_and_is_answered_out_of_fold(data: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(write_recipe(tmp_path, epochs="1", members="2", storage="int8")))
    model, card, rows = fitted(recipe, data, tmp_path)
    net, _ = load_model(model)
    assert isinstance(net, Members)
    assert card.members == len(net) == 2
    assert not net.shared
    (use,) = card.data
    others = PATIENTS - TESTED
    assert (use.train, use.validation, use.test) == (others * SLICES, 0, TESTED * SLICES)
    assert rows["split"].value_counts().to_dict() == {"validation": others * SLICES, "test": TESTED * SLICES}
    assert "out-of-fold" in card.threshold.data
    # the stored answer for a patient is that of the one member that never saw him
    items = _outside(recipe, data)
    fold_of = fold_groups(items, 2)
    for item in items[:4]:
        alone = [predictions(member, card, [item])[0].logits[:, 0] for member in net]
        told = rows[rows["group"] == item.group].set_index("id").loc[list(item.ids), "logit_0"].to_numpy(float)
        assert np.allclose(told, alone[fold_of[item.group]], atol=1e-4)
        assert not np.allclose(told, alone[1 - fold_of[item.group]], atol=1e-4)


def test_a_probe_fits_heads_only_and_without_the_patients_of_its_fold(data: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(write_recipe(tmp_path, "probe", **PROBE)))
    model, card, _ = fitted(recipe, data, tmp_path)
    net, _ = load_model(model)
    assert isinstance(net, Members)
    assert net.shared
    assert card.members == 3
    # a file in eight bits holds the very network whose answers chose the threshold
    rounded = load_recipe(str(write_recipe(tmp_path, "rounded", **{**PROBE, "storage": "int8"})))
    shipped, _, told = fitted(rounded, data, tmp_path / "rounded")
    again, card = load_model(shipped)
    assert isinstance(again, Members)
    first = next(item for item in _outside(rounded, data))
    own = fold_groups(_outside(rounded, data), 3)[first.group]
    answer = predictions(list(again)[own], card, [first])[0].logits[:, 0]
    row = told[told["group"] == first.group].set_index("id").loc[list(first.ids), "logit_0"].to_numpy(float)
    assert np.allclose(row, answer, atol=1e-3)
    items = _outside(recipe, data)
    fold_of = fold_groups(items, 3)
    frozen = Frozen.of(recipe, items)
    kept = np.array([fold_of[group] != 0 for group in frozen.cases.groups])
    features = torch.from_numpy(np.asarray(frozen.features[: len(kept)]))
    with torch.no_grad():
        logit = (features @ frozen.fitted(recipe, kept).linear_weight.T)[:, 0]  # type: ignore[union-attr]
    # a label that the fold's own patients carry cannot have moved the head: turn them round and fit again
    frozen.cases.labels[torch.from_numpy(~kept)] = 1 - frozen.cases.labels[torch.from_numpy(~kept)]
    with torch.no_grad():
        turned = (features @ frozen.fitted(recipe, kept).linear_weight.T)[:, 0]  # type: ignore[union-attr]
    torch.testing.assert_close(logit, turned)
    labels = frozen.cases.labels[torch.from_numpy(kept)].numpy()
    assert logit[torch.from_numpy(kept)][labels == 1].mean() > logit[torch.from_numpy(kept)][labels == 0].mean()
    assert set(labels_of(recipe).values()) == {0, 1}


def test_drawn_scans_are_fitted_to_in_every_fold_and_answered_in_none(data: Path, tmp_path: Path) -> None:
    drawn = "[{name: brain-lgg, labels: {no tumour: 0, tumour: 1}, simulated_share: 0.3}]"
    with_drawn = load_recipe(str(write_recipe(tmp_path, "drawn", **{**PROBE, "data": drawn})))
    model, card, rows = fitted(with_drawn, data, tmp_path / "drawn")
    assert not rows["id"].str.startswith("simulated").any()
    assert card.data[0].simulated_share == 0.3
    plain, _ = load_model(fitted(load_recipe(str(write_recipe(tmp_path, "plain", **PROBE))), data, tmp_path)[0])
    net, _ = load_model(model)
    for one, other in zip(net, plain, strict=True):  # type: ignore[call-overload]
        assert not torch.allclose(one.linear_weight, other.linear_weight)


def test_a_probe_needs_members_and_a_classifier(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="fold by fold"):
        load_recipe(str(write_recipe(tmp_path, probe="0.1", members="3")))
    with pytest.raises(Exception, match="fold by fold"):
        load_recipe(str(write_recipe(tmp_path, probe="0.1")))
