"""Suspected labels: against Bayes' rule by enumeration, scikit-learn, and simulated errors of known place."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from core.discrepancies.profile import Profiles, discount, mask_signal
from core.discrepancies.ranking import CaseEvidence, Settings, class_adjusted, rank_discrepancies
from core.discrepancies.words import sentence
from core.errors import DiscrepancyError
from tests.discrepancies.suspicions import HALF_OF_BASE, PLAIN, made

SHARES, HALF = (0.03, 0.25, 0.5, 0.75, 1.0), 0.05 / 2
PRIOR = (0.95, HALF / 3, HALF / 3, HALF / 3, HALF)  # of those shares: written out here on purpose


def independent() -> Profiles:
    """Images of a patient tell independently; a model's word is taken as it is, but for confident nonsense."""
    return Profiles({}, icc=0.0)


def test_any_share_wrong_is_bayes_by_enumeration() -> None:
    """Every pattern of wrong labels of a patient of three, summed by hand."""
    p, recorded = np.array([0.9, 0.2, 0.6]), np.array([False, True, True])
    found = rank_discrepancies(
        CaseEvidence(["a", "b", "c"], ["P"] * 3, recorded, {"m": p}), independent(), replace(PLAIN, one_label=False)
    )
    # Confident nonsense: in 3 of 100 images the model sees the other class.
    ratio = (0.97 * p + 0.03 * (1 - p)) / (0.97 * (1 - p) + 0.03 * p)
    base = (2 / 3 + HALF_OF_BASE) / (1 + 2 * HALF_OF_BASE)  # findings on record, drawn towards one half
    wrong_mass, mass = np.zeros(3), 0.0
    for (share, prior), pattern in itertools.product(
        zip(SHARES, PRIOR, strict=True), itertools.product((0, 1), repeat=3)
    ):
        wrong = np.array(pattern, dtype=bool)
        truth = recorded ^ wrong
        joint = prior * np.prod(np.where(wrong, share, 1 - share)) * np.prod(np.where(truth, base * ratio, 1 - base))
        mass += joint
        wrong_mass += joint * wrong
    assert found.probability == pytest.approx(wrong_mass / mass, rel=1e-9)
    assert not found.one_label


def test_one_true_label_is_bayes_by_enumeration() -> None:
    p, recorded = np.array([0.9, 0.7, 0.2]), np.array([False, False, True])
    found = rank_discrepancies(
        CaseEvidence(["a", "b", "c"], ["P"] * 3, recorded, {"m": p}), independent(), replace(PLAIN, one_label=True)
    )
    ratio = (0.97 * p + 0.03 * (1 - p)) / (0.97 * (1 - p) + 0.03 * p)
    image = (0.97 * ratio + 0.03) / (0.97 + 0.03 * ratio)  # an image may show something else than its patient's label
    looks = np.prod(image)
    base = (1 / 3 + HALF_OF_BASE) / (1 + 2 * HALF_OF_BASE)
    joint = {}
    for truth in (False, True):
        right = np.where(recorded == truth, 0.97, 0.03)
        joint[truth] = (0.95 * np.prod(right) + 0.05 * np.prod(1 - right)) * (base * looks if truth else 1 - base)
    finding = joint[True] / (joint[True] + joint[False])
    assert found.probability == pytest.approx(np.where(recorded, 1 - finding, finding), rel=1e-9)


def test_correlated_images_count_as_fewer() -> None:
    """Five images that always agree are one observation; the design effect of independent ones is 1."""
    assert discount([1, 5, 5], 1.0).tolist() == [1, 5, 5]
    assert discount([1, 5], 0.0).tolist() == [1, 1]

    def of(n: int, icc: float) -> float:
        e = CaseEvidence([str(k) for k in range(n)], ["P"] * n, np.zeros(n), {"m": np.full(n, 0.9)})
        return float(rank_discrepancies(e, Profiles({}, icc=icc), replace(PLAIN, one_label=False)).log_odds[0])

    assert of(12, 1.0) < of(12, 0.3) < of(12, 0.0)
    assert of(12, 1.0) == pytest.approx(of(1, 1.0), abs=1.5)


@pytest.mark.parametrize("one_label", [True, False])
def test_parts_sum_to_the_log_odds(one_label: bool) -> None:
    e = made(1, one=one_label)
    found = rank_discrepancies(
        replace(e, mask_pixels={"s": np.arange(600.0) % 40}), settings=Settings(one_label=one_label)
    )
    assert set(found.parts) == {"prior", *e.probabilities, "mask of s", "cleanlab", "patient"}
    assert np.sum(list(found.parts.values()), 0) == pytest.approx(found.log_odds)
    assert sorted(found.order) == list(range(600))
    assert (np.diff(found.log_odds[found.order]) <= 1e-12).all()


def test_odd_label_out_of_a_patient_with_one_label() -> None:
    """The models know nothing; that nine of ten labels agree still tells which is odd."""
    recorded = np.zeros(100, dtype=bool)
    recorded[50:] = True
    recorded[7] = True
    e = CaseEvidence(
        [str(k) for k in range(100)], [f"P{k // 10}" for k in range(100)], recorded, {"m": np.full(100, 0.5)}
    )
    found = rank_discrepancies(e)
    assert found.one_label
    assert found.order[0] == 7


def test_masks_speak_for_and_against() -> None:
    n = 8
    recorded = np.array([False, True] * 4)
    pixels = np.array([900.0, 0.0, 0.0, 900.0, np.nan, np.nan, 0.0, 900.0])
    e = CaseEvidence(
        [str(k) for k in range(n)],
        [str(k) for k in range(n)],
        recorded,
        {"m": np.full(n, 0.5)},
        mask_pixels={"s": pixels},
    )
    part = rank_discrepancies(e, settings=PLAIN).parts["mask of s"]
    assert (part[:2] > 0.5).all()  # a mask without a finding, a finding without a mask
    assert (part[[2, 3, 6, 7]] < -0.5).all()
    assert (part[4:6] == 0).all()  # not asked
    assert mask_signal([0, 1, 100, np.nan])[:3].tolist() == [-1, 0, 2]


def test_strange_images_lose_their_own_evidence() -> None:
    e = CaseEvidence(
        ["a", "b", "c"], ["A", "B", "C"], [False] * 3, {"m": [0.95] * 3}, strangeness=np.array([0.5, 0.975, 1.0])
    )
    found = rank_discrepancies(e, settings=PLAIN)
    assert found.trust == pytest.approx([1.0, 0.5, 0.0])
    assert found.parts["m"][1] == pytest.approx(found.parts["m"][0] / 2)
    assert found.parts["m"][2] == 0
    assert found.order.tolist() == [0, 1, 2]
    assert found.log_odds[2] == pytest.approx(found.parts["prior"][2] + np.log(HALF_OF_BASE / (3 + HALF_OF_BASE)))
    assert "counts 50%" in sentence(found, 1)


def test_a_model_without_answers_changes_nothing() -> None:
    e = made(3)
    silent = replace(e, probabilities={**e.probabilities, "silent": np.full(600, np.nan)})
    assert rank_discrepancies(silent).log_odds == pytest.approx(rank_discrepancies(e).log_odds)
    assert (rank_discrepancies(silent).answered == 3).all()
    none = replace(e, probabilities={"silent": np.full(600, np.nan)})
    lone = replace(none, groups=[str(k) for k in range(600)])
    odds = rank_discrepancies(lone, settings=PLAIN).log_odds
    assert len(set(odds.round(9))) == 2  # what is recorded, and nothing else


def test_order_of_rows_and_names_do_not_matter() -> None:
    e = made(4, one=True)
    shuffle = np.random.default_rng(0).permutation(600)
    mixed = CaseEvidence(
        np.asarray(e.ids)[shuffle].tolist(),
        np.char.add("x", np.asarray(e.groups)[shuffle]).tolist(),
        np.asarray(e.recorded)[shuffle],
        {name: np.asarray(v)[shuffle] for name, v in e.probabilities.items()},
    )
    assert rank_discrepancies(mixed).log_odds == pytest.approx(rank_discrepancies(e).log_odds[shuffle])


def test_swapping_the_classes_swaps_nothing_else() -> None:
    e = made(5)
    swapped = replace(
        e,
        recorded=~np.asarray(e.recorded),
        probabilities={name: 1 - np.asarray(v) for name, v in e.probabilities.items()},
    )
    assert rank_discrepancies(swapped).log_odds == pytest.approx(rank_discrepancies(e).log_odds)


def test_class_adjustment_undoes_a_leaning_model() -> None:
    """A model that says 0.9 for every finding and 0.6 for everything else leans; class thresholds see it."""
    recorded = np.repeat([True, False], 50)
    p = np.where(recorded, 0.9, 0.6)
    adjusted = class_adjusted({"m": p}, recorded)
    assert adjusted[:50].min() > 0.5 > adjusted[50:].max()
    assert np.isnan(class_adjusted({"m": p}, np.ones(100, dtype=bool))).all()


def test_a_rare_finding_is_doubted_more_than_its_absence() -> None:
    recorded = np.arange(100) < 10
    e = CaseEvidence([str(k) for k in range(100)], [str(k) for k in range(100)], recorded, {"m": np.full(100, 0.5)})
    odds = rank_discrepancies(e, settings=PLAIN).log_odds
    shrunk = (10 + HALF_OF_BASE) / (100 + 2 * HALF_OF_BASE)
    assert odds[:10].min() - odds[10:].max() == pytest.approx(2 * np.log((1 - shrunk) / shrunk))


def test_sentences_name_what_speaks() -> None:
    p = {"a": [0.9] * 6 + [0.1], "b": [0.8] * 6 + [0.2], "c": [0.55] * 6 + [0.3]}
    e = CaseEvidence(
        [str(k) for k in range(7)],
        ["P"] * 6 + ["Q"],
        [False] * 7,
        p,
        mask_pixels={"a": [700.0] * 6 + [0.0]},
        thresholds={"c": 0.7},
    )
    found = rank_discrepancies(e, settings=replace(PLAIN, one_label=False))
    said = sentence(found, 0, "tumour", "no tumour")
    assert said.startswith("Recorded: no tumour. 2 of 3 models say tumour (mean probability of a finding 0.75)")
    assert "1 of 1 segmenters outline something" in said
    assert "6 of the patient's 6 images contradict their labels, which raises the suspicion" in said
    other = sentence(found, 6, "tumour", "no tumour")
    assert other == "Recorded: no tumour. All 3 models say no tumour (mean probability of a finding 0.20)."


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"probabilities": {}}, "no models"),
        ({"probabilities": {"m": [0.5, 1.2]}}, "outside"),
        ({"probabilities": {"m": [0.5]}}, "differ in number"),
        ({"groups": ["P"]}, "differ in number"),
        ({"mask_pixels": {"m": [1.0]}}, "differ in number"),
    ],
)
def test_refuses_what_does_not_fit(change: dict[str, object], match: str) -> None:
    e = CaseEvidence(["a", "b"], ["P", "Q"], [True, False], {"m": [0.5, 0.5]})
    with pytest.raises(DiscrepancyError, match=match):
        rank_discrepancies(replace(e, **change))  # type: ignore[arg-type]
