"""A shipped model in another precision: the same answers nearly, measured again, and still told how it was trained."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from scipy import special
from sklearn.metrics import roc_auc_score

from core.errors import RecipeError
from core.weights.card import ModelCard
from core.weights.heat_checks import HeatChecks, MethodChecks, load_checks
from core.weights.store import load_model, save_model
from tests.cards import rewrite
from tests.trainers.small import CLASSIFIER, write_recipe
from tests.weights.by_hand import first_form
from trainers.commands import pack as module
from trainers.fitting.fit import train_recipe
from trainers.fitting.members import train_members
from trainers.fitting.precision import make_fabric
from trainers.fitting.recipe import load_recipe


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    recipe = load_recipe(str(write_recipe(folder, "packed", epochs="1")))
    fabric = make_fabric()
    options = {"runs": folder / "runs", "weights": folder / "weights", "minutes": None, "resume": False}
    train_recipe(recipe, folder=data, fabric=fabric, **options)  # type: ignore[arg-type]
    return folder


def test_eight_bits(trained: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_recipe", lambda name: load_recipe(str(trained / f"{name}.yaml")))
    shutil.copytree(trained / "weights", tmp_path / "weights")
    folder = tmp_path / "weights" / "brain-mr" / "unet"
    before = ModelCard.load(folder / "card.json")
    size, old = (folder / "weights.safetensors").stat().st_size, pd.read_parquet(folder / "predictions.parquet")
    after = module.pack("brain-mr/unet", "int8", data, tmp_path / "weights")
    assert (before.storage, after.storage) == ("float32", "int8")
    assert (folder / "weights.safetensors").stat().st_size < size / 3
    assert after == ModelCard.load(folder / "card.json")
    assert after.training == before.training
    assert (before.version, after.version) == ("1", "2")
    new = pd.read_parquet(folder / "predictions.parquet")
    assert new["id"].tolist() == old["id"].tolist()
    assert 0 < np.abs(new["logit_0"] - old["logit_0"]).max() < 0.5
    test = new[new["split"] == "test"]
    auc = roc_auc_score(test["truth"], special.expit(test["logit_0"].astype(float)))
    assert after.metrics["auc"].value == pytest.approx(auc)

    # packed once more: the card tells the change since the training
    last = module.pack("brain-mr/unet", "int5", data, tmp_path / "weights")
    packed = pd.read_parquet(folder / "predictions.parquet")
    trained_auc, packed_auc = (
        roc_auc_score(v["truth"], v["logit_0"]) for v in (p[p["split"] == "validation"] for p in (old, packed))
    )
    assert last.storage_change["auc"] == pytest.approx(packed_auc - trained_auc, abs=1e-9)


def test_the_same_values_in_fewer_bytes(trained: Path, data: Path, tmp_path: Path) -> None:
    """A file of the first form is written anew: every weight, figure and threshold stays; the card names the file."""
    folder = tmp_path / "weights" / "brain-mr" / "unet"
    shutil.copytree(trained / "weights", tmp_path / "weights")
    net, card = load_model(folder)
    save_model(net, card, folder, "int5")
    path = folder / "weights.safetensors"
    save_file(first_form(path), path)
    rewrite(folder / "card.json", weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    before, size = load_model(folder), path.stat().st_size
    checks = HeatChecks(
        system="brain-mr",
        name="unet",
        version=card.version,
        weights_sha256=before[1].weights_sha256,
        date="2026-01-01",
        code_version="none",
        data=("made",),
        seed=0,
        slices=4,
        groups=2,
        outline=True,
        tolerance=0.05,
        fractions=(0.1,),
        random_maps=2,
        methods={"grad-cam": MethodChecks()},
    )
    checks.save(folder)
    after = module.pack("brain-mr/unet", "same", data, tmp_path / "weights")
    assert path.stat().st_size < size
    assert after.weights_sha256 == hashlib.sha256(path.read_bytes()).hexdigest() != before[1].weights_sha256
    unchanged = {"weights_sha256", "digest"}
    assert after.model_dump(exclude=unchanged) == before[1].model_dump(exclude=unchanged)
    again = load_model(folder)[0].state_dict()
    assert all(torch.equal(again[key], value) for key, value in before[0].state_dict().items())
    assert load_checks(folder, after) == checks.model_copy(update={"weights_sha256": after.weights_sha256})


def test_another_split_is_refused(trained: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = write_recipe(tmp_path, "packed", split="{seed: 2, validation: 0.25, test: 0.25}")
    monkeypatch.setattr(module, "load_recipe", lambda name: load_recipe(str(other)))
    with pytest.raises(RecipeError, match="splits its data otherwise"):
        module.pack("brain-mr/unet", "int8", data, trained / "weights")


def test_an_unknown_storage_form_is_told(trained: Path) -> None:
    with pytest.raises(RecipeError, match="int7"):
        module.pack("brain-mr/unet", "int7", None, trained / "weights")


def test_members_packed_again_keep_what_each_said_of_its_own_fold(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them together know every patient: only the kept out-of-fold answers may choose thresholds again."""
    classifier = CLASSIFIER | {"members": "2", "epochs": "1"}
    recipe = load_recipe(str(write_recipe(tmp_path, "several", **classifier)))
    weights, fabric = tmp_path / "weights", make_fabric()
    train_members(recipe, folder=data, runs=tmp_path / "runs", weights=weights, minutes=None, fabric=fabric)
    folder = weights / recipe.system / recipe.model
    card, old = ModelCard.load(folder / "card.json"), pd.read_parquet(folder / "predictions.parquet")
    write_recipe(tmp_path, "several", **classifier, along="1", threshold_rule="even-odds")
    monkeypatch.setattr(module, "load_recipe", lambda name: load_recipe(str(tmp_path / f"{name}.yaml")))
    after = module.pack(f"{recipe.system}/{recipe.model}", card.storage, data, weights)
    new = pd.read_parquet(folder / "predictions.parquet")
    assert (card.along, after.along) == (0, 1)
    assert after.data == card.data
    assert new["id"].tolist() == old["id"].tolist()
    before, told = (frame[frame["split"] == "validation"] for frame in (old, new))
    for _, rows in before.groupby("group"):
        own = rows["logit_0"].to_numpy()
        wanted = [own[max(at - 1, 0) : at + 2].mean() for at in range(len(own))]
        np.testing.assert_allclose(told.loc[rows.index, "logit_0"], wanted, atol=1e-5)
    # a logit of 0 is even odds, whatever the temperature
    assert (after.threshold.value, "out-of-fold" in card.threshold.data) == (0.5, True)
    said = new[new["split"] == "test"]
    hits = (said["logit_0"] >= 0) == (said["truth"] == 1)
    assert after.metrics["accuracy"].value == pytest.approx(hits.mean())
    # packed once more nothing is averaged twice
    module.pack(f"{recipe.system}/{recipe.model}", card.storage, data, weights)
    again = pd.read_parquet(folder / "predictions.parquet")
    np.testing.assert_allclose(again["logit_0"], new["logit_0"], atol=1e-6)
    write_recipe(tmp_path, "several", **classifier, along="2")
    with pytest.raises(RecipeError, match="cannot choose its thresholds again"):
        module.pack(f"{recipe.system}/{recipe.model}", card.storage, data, weights)
