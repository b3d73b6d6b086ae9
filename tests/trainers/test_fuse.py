"""Fusing PET and MR: the rule against scipy and scikit-learn, and the rule that is shipped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score

from core.errors import DataLayoutError, ModelUnavailableError, SystemMismatchError
from core.imaging.study import Modality
from core.systems import SYSTEMS
from core.weights.folder import load_card
from core.weights.fusion import load_fusion
from core.weights.pairs import load_pairs
from core.weights.predictions import load
from tests.cards import card_of
from tests.trainers import folders
from trainers.commands import fuse as module
from trainers.commands.fuse import Pairs, paired, pairs_of, rule_of
from trainers.data.sets import READERS

ROOT = Path(__file__).resolve().parents[2]
CARDS = {name: card_of("mr-pet", name, "resnet18") for name in ("pet", "mr")}


def drawn(seed: int, patients: int = 12, each: int = 20) -> Pairs:
    """PET tells more than MR; both doubt too much."""
    rng = np.random.default_rng(seed)
    truth = rng.random(patients * each) < 0.5
    pet, mr = (expit(0.4 * rng.normal(np.where(truth, m, -m), 1.5)) for m in (1.5, 0.8))
    return Pairs(pet, mr, truth, np.repeat([f"p{i}" for i in range(patients)], each))


def odds(pairs: Pairs) -> np.ndarray:
    return np.log(pairs.pet / (1 - pairs.pet)) / 1.5 + np.log(pairs.other / (1 - pairs.other)) * 0.5 / 1.5


def test_calibrated_on_validation_measured_on_test() -> None:
    validation, test = drawn(0), drawn(1)
    rule = rule_of(CARDS, validation, test)
    best = minimize_scalar(
        lambda t: log_loss(validation.truth, expit(odds(validation) / t)), bounds=(0.05, 5), method="bounded"
    ).x
    assert rule.temperature == pytest.approx(best, abs=1e-3)
    assert rule.temperature < 0.6, "both doubt too much"
    p = expit(odds(validation) / best)
    cuts = [balanced_accuracy_score(validation.truth, p >= c) for c in np.linspace(0.01, 0.99, 981)]
    reached = balanced_accuracy_score(validation.truth, p >= rule.threshold.value)
    assert reached >= max(cuts) - 1e-9
    assert (rule.threshold.n, rule.threshold.groups) == (240, 12)

    q = expit(odds(test) / best)
    assert rule.metrics["auc"].value == pytest.approx(roc_auc_score(test.truth, q))
    assert (rule.metrics["auc"].n, rule.metrics["auc"].groups) == (240, 12)
    said = q >= rule.threshold.value
    assert rule.metrics["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(test.truth, said))
    gained = roc_auc_score(test.truth, q) - roc_auc_score(test.truth, test.pet)
    assert rule.differences["pet"].value == pytest.approx(gained)
    assert rule.differences["mr"].low < rule.differences["mr"].value < rule.differences["mr"].high
    assert rule.differences["mr"].p < 0.05


def test_one_patient_is_not_enough() -> None:
    with pytest.raises(DataLayoutError, match="validation part has 20 pairs of 1 patients"):
        rule_of(CARDS, drawn(0, patients=1), drawn(1))
    healthy = drawn(1)
    healthy.truth[:] = False
    with pytest.raises(DataLayoutError, match="test part has 240 pairs of 12 patients, or of one class"):
        rule_of(CARDS, drawn(0), healthy)


def test_the_system_is_named_where_several_are_read_in_two_modalities() -> None:
    ours = SYSTEMS["mr-pet"]
    assert paired(None) is paired("mr-pet") is ours
    several = {"mr-pet": ours, "toy": replace(ours, name="toy")}
    assert paired("toy", several).name == "toy"
    with pytest.raises(SystemMismatchError, match=r"Read in two modalities: mr-pet, toy\..*--system"):
        paired(None, several)
    for name, known in (("pet", SYSTEMS), ("nothing", SYSTEMS), (None, {})):
        with pytest.raises(SystemMismatchError, match="--system"):
            paired(name, known)


def test_places_and_answers_are_put_together_by_id(tmp_path: Path) -> None:
    root = folders.data_root(tmp_path) / "sts-pet-mr"
    pet, mr = READERS["sts-pet"](root), READERS["sts-mr"](root)
    findings = {
        name: {x: (n + 1) / 100 for n, x in enumerate(x for i in items for x in i.ids)}
        for name, items in (("pet", pet), ("mr", mr))
    }
    labels = {"no tumour": 0, "tumour": 1}
    found = pairs_of(pet, mr, findings, labels)
    # Three patients have both; the MR begins one slice higher: PET slices 1, 2, 3 lie at MR slices 0, 1, 2.
    expected = [(a, k, b, k - 1) for a, b in zip(pet, mr, strict=False) for k in (1, 2, 3)]
    assert found.pet.tolist() == [findings["pet"][a.ids[k]] for a, k, _, _ in expected]
    assert found.other.tolist() == [findings["mr"][b.ids[m]] for _, _, b, m in expected]
    assert found.truth.tolist() == ["tumour" in (a.labels[k], b.labels[m]) for a, k, b, m in expected]
    assert found.groups.tolist() == [a.group for a, _, _, _ in expected]
    del findings["mr"][mr[0].ids[0]]
    with pytest.raises(DataLayoutError, match="no stored answer"):
        pairs_of(pet, mr, findings, labels)


def test_what_is_fused_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule as the command writes it is one that the engine takes."""
    rows = pd.DataFrame({"split": ["test"], "group": ["p1"], "pet": ["a"], "other": ["b"]})
    given = iter([drawn(0), drawn(1)])
    nothing = SimpleNamespace(training=SimpleNamespace(recipe=""), data=(), validation=[], test=[], parts={})
    for name, made in {
        "load_card": lambda folder: card_of("mr-pet", folder.name, "resnet18"),
        "load_recipe": lambda name: nothing,
        "read_parts": lambda recipe, data: nothing,
        "labels_of": lambda recipe: {},
        "load": lambda folder: nothing,
        "pairs_of": lambda *given_pairs: next(given),
        "named_pairs": lambda *given_items: rows,
    }.items():
        monkeypatch.setattr(module, name, made)
    (tmp_path / "mr-pet").mkdir()
    rule = module.fuse(None, tmp_path)
    found = load_fusion(tmp_path / "mr-pet")
    assert found is not None
    assert found == rule.sealed()


@pytest.mark.parametrize(("beside", "model", "patients"), [(Modality.MR, "mr-lite0", 5), (Modality.CT, "ct", 4)])
def test_the_shipped_rules_are_for_the_shipped_models(beside: Modality, model: str, patients: int) -> None:
    folder = ROOT / "weights" / "mr-pet"
    rule = load_fusion(folder, beside)
    assert rule is not None
    assert (rule.pet, rule.other, rule.other_weight) == ("pet", model, 0.5)
    assert rule.fits({name: load_card(folder / name) for name in (rule.pet, rule.other)})
    assert rule.metrics["auc"].groups == rule.threshold.groups == patients


def test_nobody_who_places_the_rule_for_ct_has_taught_either_network() -> None:
    """Validation and test patients of the pairs are none of those that a network of the pair was trained on."""
    folder = ROOT / "weights" / "mr-pet"
    pairs = load_pairs(folder, Modality.CT)
    assert pairs is not None
    for name, column in (("pet", "pet"), ("ct", "other")):
        parts = load(folder / name).parts
        assert set(parts) == {"validation", "test"}
        for split, part in parts.items():
            rows = pairs[pairs["split"] == split]
            assert len(rows) > 100
            assert set(rows[column]) <= set(part.ids)
            assert set(rows["group"]) <= set(part.groups)
    assert not set(pairs[pairs["split"] == "validation"]["group"]) & set(pairs[pairs["split"] == "test"]["group"])
    assert load_card(folder / "ct").data[0].groups == {"train": 19, "validation": 4, "test": 4}


def test_a_system_without_a_model_for_it_reads_no_ct_beside_pet(tmp_path: Path) -> None:
    ours = SYSTEMS["mr-pet"]
    assert ours.pair is not None
    without = replace(ours, pair=replace(ours.pair, ct=""))
    with pytest.raises(SystemMismatchError, match="reads no CT beside PET"):
        module.fuse(None, tmp_path, without, Modality.CT)


def test_a_rule_for_one_modality_is_not_taken_for_another(tmp_path: Path) -> None:
    shipped = load_fusion(ROOT / "weights" / "mr-pet")
    assert shipped is not None
    shipped.save(tmp_path / "fusion-ct.json")
    with pytest.raises(ModelUnavailableError, match="it is for PET and MR"):
        load_fusion(tmp_path, Modality.CT)
