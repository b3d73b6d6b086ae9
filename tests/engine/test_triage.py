"""Triage by conformal sets and the ensemble rule, against hand-worked cases and brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from core.engine.ensemble import ensemble, joined
from core.engine.triage import Sorted, Triage, triage
from core.engine.vote import own_question
from core.weights.predictions import Evidence, from_frame
from tests.evidence.made import card, predictions


def evidence_of(probability: list[float], truth: list[int], **changes: object) -> Evidence:
    """Calibration images with known probabilities of a tumour, at temperature 1."""
    p = np.array(probability)
    frame = pd.DataFrame({"id": [f"i{n}" for n in range(len(p))], "group": [f"g{n}" for n in range(len(p))]})
    frame["split"], frame["truth"], frame["logit_0"] = "validation", truth, np.log(p / (1 - p))
    return from_frame(card("brain-mr", "resnet50", temperature=1.0, **changes), frame, "x")


def sort(evidence: Evidence, p: float) -> Sorted | None:
    return triage(evidence, evidence.card, np.array([1 - p, p]), 0.9)


CLEAR = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45]
TUMOUR = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.38]


@pytest.mark.parametrize(
    ("p", "expected"), [(0.1, Triage.LOW), (0.9, Triage.HIGH), (0.41, Triage.REFER), (0.38, Triage.REFER)]
)
def test_three_ways_at_ninety_per_cent_by_hand(p: float, expected: Triage) -> None:
    # Nine cases a class at 90 %: the rank is the ninth, the least sure case. A tumour fits from 0.38 on, no tumour
    # up to 0.45; in between both fit.
    evidence = evidence_of(CLEAR + TUMOUR, [0] * 9 + [1] * 9)
    found = sort(evidence, p)
    assert found is not None
    assert found.triage is expected
    assert found.cases == {"no tumour": 9, "tumour": 9}
    assert found.short == ()
    assert found.needed == 9


def test_too_few_cases_are_said_and_never_ruled_out() -> None:
    evidence = evidence_of(CLEAR + TUMOUR[:3], [0] * 9 + [1] * 3)
    sure = sort(evidence, 0.01)
    assert sure is not None
    assert sure.short == ("tumour",)
    assert sure.triage is Triage.REFER  # a class without a promise is in every set
    assert "tumour" in sure.classes


def test_an_answer_like_none_of_the_calibration_images_is_referred() -> None:
    evidence = evidence_of([0.1] * 9 + [0.9] * 9, [0] * 9 + [1] * 9)
    strange = sort(evidence, 0.5)
    assert strange is not None
    assert (strange.triage, strange.classes) == (Triage.REFER, ())


@pytest.mark.parametrize("change", [{"weights_sha256": "1" * 64}, {"version": "0.0.2"}])
def test_predictions_of_another_version_sort_nothing(change: dict[str, str]) -> None:
    evidence = evidence_of(CLEAR + TUMOUR, [0] * 9 + [1] * 9)
    other = evidence.card.model_copy(update=change)
    assert triage(evidence, other, np.array([0.1, 0.9])) is None
    assert sort(Evidence(evidence.card, {}, "x"), 0.9) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_answer_that_is_not_finite_is_not_sorted(value: float) -> None:
    assert sort(evidence_of(CLEAR + TUMOUR, [0] * 9 + [1] * 9), value) is None


def two(seed: int = 1) -> tuple[Evidence, Evidence]:
    return (
        from_frame(card("chest-ct", "densenet121"), predictions(seed, pure=False), "a"),
        from_frame(card("chest-ct", "resnet50", temperature=1.1), predictions(seed + 1, pure=False), "b"),
    )


def test_the_ensembles_threshold_and_figures_against_brute_force() -> None:
    a, b = two()
    found = ensemble((a, b))
    assert found is not None
    assert found.members == ("densenet121", "resnet50")
    mean = {s: (a.parts[s].finding + b.parts[s].finding) / 2 for s in ("validation", "test")}
    truth = {s: a.parts[s].truth for s in mean}
    cuts = np.unique(mean["validation"])
    best = max(balanced_accuracy_score(truth["validation"], mean["validation"] >= cut) for cut in cuts)
    reached = balanced_accuracy_score(truth["validation"], mean["validation"] >= found.threshold.value)
    assert reached == pytest.approx(best)
    assert found.metrics["auc"].value == pytest.approx(roc_auc_score(truth["test"], mean["test"]))
    called = mean["test"] >= found.threshold.value
    assert found.metrics["sensitivity"].value == pytest.approx(called[truth["test"]].mean())
    assert found.metrics["auc"].low < found.metrics["auc"].value < found.metrics["auc"].high
    assert found.metrics["auc"].n == len(truth["test"])


def test_members_are_joined_by_image_not_by_row() -> None:
    a, b = two()
    rng = np.random.default_rng(5)
    frame = predictions(2, pure=False)
    shuffled = from_frame(b.card, frame.iloc[rng.permutation(len(frame))].iloc[: len(frame) * 3 // 4], "c")
    part = joined([a.parts["test"], shuffled.parts["test"]])
    assert part is not None
    of_a = dict(zip(a.parts["test"].ids, a.parts["test"].finding, strict=True))
    of_b = dict(zip(shuffled.parts["test"].ids, shuffled.parts["test"].finding, strict=True))
    expected = sorted((of_a[i] + of_b[i]) / 2 for i in of_a if i in of_b)
    np.testing.assert_allclose(sorted(part.finding), expected)
    assert len(part.finding) == shuffled.parts["test"].n < a.parts["test"].n


def test_no_ensemble_of_one_of_three_classes_or_of_other_images() -> None:
    a, b = two()
    assert ensemble((a,)) is None
    assert ensemble(()) is None
    three = card("pet", "inception-three-class", classes=("no", "b", "p"), positive=("b", "p"))
    classic = card("chest-ct", "resnet50").model_copy(update={"name": "classic-resnet50"})
    assert [own_question(c) for c in (a.card, three, classic, b.card)] == [True, False, False, True]
    frame = predictions(2, pure=False)
    foreign = from_frame(b.card, frame.assign(id="other/" + frame["id"].astype(str)), "d")
    assert ensemble((a, foreign)) is None
    lying = from_frame(b.card, frame.assign(truth=1 - frame["truth"]), "e")
    assert ensemble((a, lying)) is None
