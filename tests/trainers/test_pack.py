"""A shipped model in another precision: the same answers nearly, measured again, and still told how it was trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special
from sklearn.metrics import roc_auc_score

from core.errors import RecipeError
from core.weights.card import ModelCard
from tests.trainers.small import write_recipe
from trainers.commands import pack as module
from trainers.fitting.fit import train_recipe
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


def test_another_split_is_refused(trained: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = write_recipe(tmp_path, "packed", split="{seed: 2, validation: 0.25, test: 0.25}")
    monkeypatch.setattr(module, "load_recipe", lambda name: load_recipe(str(other)))
    with pytest.raises(RecipeError, match="splits its data otherwise"):
        module.pack("brain-mr/unet", "int8", data, trained / "weights")


def test_an_unknown_storage_form_is_told(trained: Path) -> None:
    with pytest.raises(RecipeError, match="int7"):
        module.pack("brain-mr/unet", "int7", None, trained / "weights")
