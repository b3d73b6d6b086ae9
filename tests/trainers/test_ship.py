"""What is shipped says what is true: every figure on the card follows from the predictions beside it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy import special
from sklearn import metrics

from core.engine.engine import Engine
from core.engine.results import ModelStatus
from core.weights.card import ModelCard
from tests.trainers.small import SLICES, write_recipe
from trainers.fitting.fit import train_recipe
from trainers.fitting.precision import make_fabric
from trainers.fitting.recipe import load_recipe


@pytest.fixture(scope="module")
def shipped(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights folder with a model trained for a moment."""
    folder = tmp_path_factory.mktemp("ship")
    recipe = load_recipe(str(write_recipe(folder, epochs="2", test_time_flips="[horizontal]", storage="float16")))
    train_recipe(
        recipe,
        folder=data,
        runs=folder / "runs",
        weights=folder / "weights",
        minutes=None,
        resume=False,
        fabric=make_fabric(),
    )
    return folder / "weights"


@pytest.fixture(scope="module")
def card(shipped: Path) -> ModelCard:
    return ModelCard.load(shipped / "brain-mr" / "unet" / "card.json")


@pytest.fixture(scope="module")
def rows(shipped: Path, card: ModelCard) -> pd.DataFrame:
    frame = pd.read_parquet(shipped / "brain-mr" / "unet" / "predictions.parquet")
    frame["p"] = special.expit(frame["logit_0"].astype(float) / card.temperature)
    return frame


def test_the_engine_takes_it(shipped: Path) -> None:
    states = {s.name: s.status for s in Engine(shipped).states("brain-mr")}
    assert states["unet"] is ModelStatus.READY


def test_every_image_of_both_parts_is_there_once(rows: pd.DataFrame, card: ModelCard) -> None:
    assert rows["id"].is_unique
    (use,) = card.data
    counts = rows["split"].value_counts().to_dict()
    assert counts == {"validation": use.validation, "test": use.test} == {"validation": 3 * SLICES, "test": 3 * SLICES}
    assert not set(rows[rows["split"] == "test"]["group"]) & set(rows[rows["split"] == "validation"]["group"])


def test_figures_are_those_of_scikit_learn_on_the_predictions(rows: pd.DataFrame, card: ModelCard) -> None:
    test = rows[rows["split"] == "test"]
    said = test["p"] >= card.threshold.value
    expected = {
        "auc": metrics.roc_auc_score(test["truth"], test["p"]),
        "accuracy": metrics.accuracy_score(test["truth"], said),
        "balanced_accuracy": metrics.balanced_accuracy_score(test["truth"], said),
        "sensitivity": metrics.recall_score(test["truth"], said),
        "specificity": metrics.recall_score(test["truth"], said, pos_label=0),
    }
    for name, value in expected.items():
        assert card.metrics[name].value == pytest.approx(value, abs=1e-6), name
        assert card.metrics[name].n == len(test)
        assert card.metrics[name].groups == 3
    clear = test[test["truth_pixels"] == 0]
    assert card.metrics["false_mask_rate"].value == pytest.approx((clear["mask_pixels"] > 0).mean())
    tumour = test[test["truth_pixels"] > 0]
    dice = 2 * tumour["shared_pixels"] / (tumour["mask_pixels"] + tumour["truth_pixels"])
    assert card.metrics["dice_slice"].value == pytest.approx(dice.mean())
    volumes = test.groupby("group")[["shared_pixels", "mask_pixels", "truth_pixels"]].sum()
    volume = 2 * volumes["shared_pixels"] / (volumes["mask_pixels"] + volumes["truth_pixels"])
    assert card.metrics["dice_volume_mean"].value == pytest.approx(volume.mean())
    assert card.metrics["dice_volume_median"].value == pytest.approx(volume.median())


def test_baselines_stand_beside_them(rows: pd.DataFrame, card: ModelCard) -> None:
    rate = rows[rows["split"] == "test"]["truth"].mean()
    always = card.baselines["always positive"]
    assert (always["auc"], always["accuracy"]) == (0.5, pytest.approx(rate))
    assert always["accuracy_low"] <= rate <= always["accuracy_high"]
    assert card.baselines["always negative"]["accuracy"] == pytest.approx(1 - rate)
    assert 0.5 <= card.baselines["grey spread"]["auc"] <= 1


def test_threshold_and_temperature_come_from_validation_alone(rows: pd.DataFrame, card: ModelCard) -> None:
    validation = rows[rows["split"] == "validation"]
    assert (card.threshold.n, card.threshold.groups) == (len(validation), 3)
    assert "validation" in card.threshold.data

    def balanced(cut: float) -> float:
        return float(metrics.balanced_accuracy_score(validation["truth"], validation["p"] >= cut))

    best = max(balanced(cut) for cut in validation["p"])
    # float16 weights move probabilities a little against those the threshold was chosen on
    assert balanced(card.threshold.value) >= best - 1 / 6 - 1e-9

    def nll(temperature: float) -> float:
        return float(metrics.log_loss(validation["truth"], special.expit(validation["logit_0"] / temperature)))

    if 0.06 < card.temperature < 19:  # not stopped at the end of its range
        assert nll(card.temperature) <= min(nll(card.temperature * 1.2), nll(card.temperature / 1.2))
    else:
        assert nll(card.temperature) <= nll(1.0)


def test_the_masks_of_the_predictions_are_gated(rows: pd.DataFrame, card: ModelCard) -> None:
    assert not (rows[rows["p"] < card.threshold.value - 1e-6]["mask_pixels"] > 0).any()


def test_the_card_tells_how_it_came_to_be(card: ModelCard, shipped: Path) -> None:
    assert card.training.recipe == "small"
    assert len(card.training.recipe_sha256) == 64
    assert card.training.epochs == 2
    assert [row["epoch"] for row in card.training.learning_curve] == [1, 2]
    assert card.storage == "float16"
    assert set(card.storage_change) == {"auc", "dice_volume_mean"}
    assert all(abs(change) < 0.2 for change in card.storage_change.values())
    picture = cv2.imread(str(shipped / "brain-mr" / "unet" / "curve.png"))
    assert picture is not None
    assert picture.shape[0] > 300
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
