"""Figures by class in a card, against scikit-learn; and the shipped cards against their stored predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, recall_score

from core.weights.card import ModelCard
from tests.cards import card_of
from trainers.fitting.fit import ROOT
from trainers.measuring.classwise import by_class
from trainers.measuring.scoring import Scored

CLASSES = ("normal", "adenocarcinoma", "large cell carcinoma")
SEVERAL = (
    "chest-ct/densenet121-subtypes",
    "chest-ct/efficientnet-b0-subtypes",
    "pet/inception-three-class",
    "brain-type/unet-lite0",
)


def _scored(classes: np.ndarray, logits: np.ndarray) -> Scored:
    names = np.array([f"p{k // 3}" for k in range(len(classes))])
    return Scored(
        ids=names,
        groups=names,
        classes=classes,
        truth=classes > 0,
        logits=logits,
        finding=np.zeros(len(classes)),
        masks=None,
        truths=None,
        seconds=0.0,
    )


def test_recall_of_every_class_and_their_mean() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, 120)
    logits = rng.normal(size=(120, 3)) + 1.2 * np.eye(3)[classes]
    card = card_of("chest-ct", "types", "efficientnet_b0", classes=CLASSES, positive=CLASSES[1:])
    found = by_class(card, _scored(classes, logits))
    answer = logits.argmax(1)
    each = recall_score(classes, answer, average=None)
    assert found["macro_recall"].value == pytest.approx(each.mean())
    assert found["class_accuracy"].value == pytest.approx(accuracy_score(classes, answer))
    assert [found[f"recall {name}"].value for name in CLASSES] == pytest.approx(list(each))
    assert [found[f"recall {name}"].n for name in CLASSES] == np.bincount(classes).tolist()
    low, high = found["macro_recall"].low, found["macro_recall"].high
    assert low is not None
    assert high is not None
    assert low < each.mean() < high


def test_two_classes_have_sensitivity_and_specificity_instead() -> None:
    card = card_of("chest-ct", "resnet50", "resnet50")
    assert by_class(card, _scored(np.array([0, 1, 1]), np.zeros((3, 1)))) == {}


@pytest.mark.parametrize("name", SEVERAL)
def test_shipped_cards_tell_what_their_predictions_say(name: str) -> None:
    card = ModelCard.load(ROOT / "weights" / name / "card.json")
    rows = pd.read_parquet(ROOT / "weights" / name / "predictions.parquet").query("split == 'test'")
    answer = rows[[f"logit_{k}" for k in range(len(card.classes))]].to_numpy().argmax(1)
    each = recall_score(rows.truth, answer, average=None)
    assert card.metrics["macro_recall"].value == pytest.approx(each.mean(), abs=1e-6)
    assert [card.metrics[f"recall {c}"].value for c in card.classes] == pytest.approx(list(each), abs=1e-6)
