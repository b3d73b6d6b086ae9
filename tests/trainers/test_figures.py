"""Figures of cards and of evaluate: the report against scikit-learn, and shipped cards against their predictions."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from core.imaging.study import Series
from core.weights.card import ModelCard
from core.weights.predictions import load
from tests.cards import card_of
from trainers.commands.figures import again
from trainers.data.items import Item
from trainers.measuring.report import report_of
from trainers.measuring.scoring import Scored, baselines, constant_answers

SHIPPED = Path(__file__).resolve().parents[2] / "weights"


def scored(seed: int, classes: int) -> Scored:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, 80)
    logits = rng.normal(size=(80, classes if classes > 2 else 1)) + (
        np.eye(classes)[truth] if classes > 2 else truth[:, None]
    )
    finding = 1 / (1 + np.exp(-logits[:, 0]))
    groups = np.array([f"p{k // 4}" for k in range(80)])
    return Scored(groups, groups, truth, truth > 0, logits, finding, None, None, 0.0)


def test_the_report_of_evaluate_is_scikit_learns() -> None:
    card = card_of("chest-ct", "resnet50", "resnet18")
    s = scored(0, 2)
    said = (s.finding >= 0.5).astype(int)
    found = report_of(card, s)
    theirs = sk.classification_report(s.classes, said, target_names=list(card.classes), output_dict=True)
    assert set(found["report"]) == {*card.classes, "macro avg", "weighted avg"}
    for name, line in found["report"].items():
        wanted = (theirs[name]["precision"], theirs[name]["recall"], theirs[name]["f1-score"], theirs[name]["support"])
        assert (line["precision"], line["recall"], line["f1"], line["support"]) == pytest.approx(wanted)
        assert line["f1_low"] < line["f1"] < line["f1_high"]
    assert found["confusion"]["counts"] == sk.confusion_matrix(s.classes, said).tolist()


def test_several_classes_by_the_largest_probability() -> None:
    names = ("normal", "one", "two")
    card = card_of("chest-ct", "resnet50", "resnet18", classes=names, positive=names[1:])
    s = scored(1, 3)
    said = s.logits.argmax(1)
    found = report_of(card, s, s.classes)
    theirs = sk.classification_report(s.classes, said, target_names=list(names), output_dict=True)
    assert found["report"]["macro avg"]["f1"] == pytest.approx(theirs["macro avg"]["f1-score"])
    assert found["confusion"] == {"classes": list(names), "counts": sk.confusion_matrix(s.classes, said).tolist()}
    assert [*report_of(card, s)["report"]][:2] == ["no finding", "finding"]


def test_one_answer_for_all_has_an_interval_by_group() -> None:
    truth = np.repeat([True, False], [30, 10])
    found = constant_answers(truth, np.repeat(np.arange(8), 5))
    assert found["always positive"]["accuracy"] == 0.75
    assert found["always positive"]["accuracy_low"] < 0.75 < found["always positive"]["accuracy_high"]
    assert found["always negative"]["accuracy"] == 0.25


@pytest.mark.parametrize("name", ["brain-mr/resunet", "chest-ct/densenet121-subtypes", "pet/unet"])
def test_shipped_cards_hold_what_their_predictions_say(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    for file in ("card.json", "predictions.parquet"):
        shutil.copy(SHIPPED / name / file, folder / file)
    before, part = ModelCard.load(folder / "card.json"), load(folder).part("test")
    after = again(folder)
    assert after.metrics.keys() == before.metrics.keys()
    for name_, metric in before.metrics.items():  # sums of floating numbers differ in the last digit between processors
        found = after.metrics[name_]
        assert (found.n, found.groups, found.method) == (metric.n, metric.groups, metric.method)
        for one, other in ((found.value, metric.value), (found.low, metric.low), (found.high, metric.high)):
            assert one == (None if other is None else pytest.approx(other, rel=1e-9, nan_ok=True))
    assert part is not None
    said = part.finding >= before.threshold.value
    assert before.metrics["f1"].value == pytest.approx(sk.f1_score(part.truth, said))
    assert before.metrics["ppv"].value == pytest.approx(sk.precision_score(part.truth, said))
    if part.mask_pixels is not None and part.truth_pixels is not None and part.shared_pixels is not None:
        ill = part.truth_pixels > 0
        shared, union = part.shared_pixels[ill], (part.mask_pixels + part.truth_pixels - part.shared_pixels)[ill]
        assert before.metrics["iou_slice"].value == pytest.approx((shared / union).mean())
    if name == "chest-ct/densenet121-subtypes":
        auc = before.metrics["auc"]
        assert auc.value == 1.0
        assert auc.low == pytest.approx(stats.binomtest(14, 14).proportion_ci(method="exact").low)
        assert auc.method == "no error in n = 14 pairs of groups (Clopper-Pearson)"


def test_a_grey_level_without_a_pair_out_of_order_has_the_bound_of_its_groups() -> None:
    planes = [np.arange(16, dtype=np.float32).reshape(1, 4, 4) * (2.0 if k < 5 else 1.0) for k in range(12)]
    items = [Item(Series("k", "d", p), ("",), f"p{k}", (str(k),)) for k, p in enumerate(planes)]
    found = baselines(np.arange(12) < 5, items)["grey spread"]
    assert (found["auc"], found["auc_high"]) == (1.0, 1.0)
    assert found["auc_low"] == pytest.approx(stats.beta.ppf(0.025, 5, 1))  # Clopper-Pearson: five of five pairs
