"""PET and MR at one place, read together: each model its own slice, the odds multiplied by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.engine.engine import Engine
from core.engine.pairs import read_pair, rule_for
from core.engine.predict import predict_series
from core.engine.results import Decision
from core.errors import ContractError, ModelUnavailableError
from core.imaging.places import Partner
from core.imaging.study import Modality, Study, Unit
from core.weights.card import Threshold
from core.weights.fusion import FUSION, Fusion, fused
from core.weights.store import load_model
from tests.cards import rewrite
from tests.engine.installed import install, scan, study

PARTNER = Partner(1, 2, 0.4, assumed=True)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    install(folder, "mr-pet", "pet", "resnet18", temperature=2.0, contract={"scaling": "suv", "modality": "PT"})
    install(folder, "mr-pet", "mr-lite0", "resnet18", contract={"scaling": "percentile", "modality": "MR"})
    write_rule(folder)
    return folder


def write_rule(folder: Path, mr_weight: float = 0.5) -> None:
    shas = {name: load_model(folder / "mr-pet" / name)[1].weights_sha256 for name in ("pet", "mr-lite0")}
    rule = Fusion(
        pet="pet",
        mr="mr-lite0",
        versions={"pet": "1", "mr-lite0": "1"},
        weights_sha256=shas,
        mr_weight=mr_weight,
        temperature=0.5,
        threshold=Threshold(value=0.5, rule="fixed", data="none", n=0),
        metrics={},
        differences={},
        date="2026-01-01",
    )
    rule.save(folder / "mr-pet" / FUSION)


@pytest.fixture
def both() -> Study:
    pet = scan(4, seed=1, unit=Unit.SUV, modality=Modality.PT, body_part="THIGH")
    return study(pet, scan(3, seed=2, body_part="THIGH"))


def alone(weights: Path, given: Study, name: str, series: int, index: int) -> float:
    net, card = load_model(weights / "mr-pet" / name)
    logit = predict_series(net, card, given.series[series], indices=[index]).logits[0, 0]
    return float(1 / (1 + np.exp(-logit / card.temperature)))


def test_each_model_reads_its_own_slice(weights: Path, both: Study) -> None:
    pet, mr = alone(weights, both, "pet", 0, 1), alone(weights, both, "mr-lite0", 1, 2)
    odds = ((pet / (1 - pet)) * (mr / (1 - mr)) ** 0.5) ** (1 / 1.5 / 0.5)  # the weighted mean, at temperature 0.5
    answer = read_pair(Engine(weights), both, "mr-pet", 0, 1, PARTNER)
    assert (answer.pet, answer.mr) == (pytest.approx(pet, abs=1e-5), pytest.approx(mr, abs=1e-5))
    assert answer.finding == pytest.approx(odds / (1 + odds), abs=1e-5)
    assert (answer.decision is Decision.FINDING) == (answer.finding >= 0.5)
    other_way = read_pair(Engine(weights), both, "mr-pet", 1, 2, Partner(0, 1, 0.4, assumed=True))
    assert other_way == answer


def test_two_answers_about_one_place_become_one() -> None:
    """By hand: 0.9 is odds of 9, 0.2 of 1/4; (9 x 9 x 1/4) ** (1/3) = 2.726 is 0.732; equal answers stay."""
    one = fused(np.array([0.9, 0.3, 1.0]), np.array([0.2, 0.3, 0.0]), 0.5)
    np.testing.assert_allclose(one[:2], [0.7316, 0.3], atol=1e-4)
    assert 0.5 < one[2] < 1
    assert fused(np.array([0.9]), np.array([0.2]), 0.5, 0.5) > one[0]


def test_a_rule_for_other_weights_is_not_used(weights: Path, both: Study, tmp_path: Path) -> None:
    shutil.copytree(weights, tmp_path, dirs_exist_ok=True)
    assert rule_for(Engine(tmp_path), "mr-pet") is not None
    install(tmp_path, "mr-pet", "mr-lite0", "resnet34", contract={"scaling": "percentile", "modality": "MR"})
    assert rule_for(Engine(tmp_path), "mr-pet") is None
    with pytest.raises(ModelUnavailableError, match="no rule") as missing:
        read_pair(Engine(tmp_path), both, "mr-pet", 0, 1, PARTNER)
    assert "trainers fuse" in missing.value.remedy
    (tmp_path / "mr-pet" / FUSION).write_text("{}")
    with pytest.raises(ModelUnavailableError, match="cannot be read"):
        rule_for(Engine(tmp_path), "mr-pet")
    assert rule_for(Engine(tmp_path), "brain-mr") is None


def test_the_gate_stands_before_the_other_series_too(weights: Path, both: Study) -> None:
    noise = np.random.default_rng(0).normal(100, 20, (3, 80, 100)).astype(np.float32)
    strange = study(both.series[0], scan(3, body_part="THIGH"))
    strange.series[1].pixels[:] = noise
    with pytest.raises(ContractError, match="not an image that this system reads") as refused:
        read_pair(Engine(weights), strange, "mr-pet", 0, 1, PARTNER)
    assert "overrule there" in refused.value.remedy
    assert 0 < read_pair(Engine(weights), strange, "mr-pet", 0, 1, PARTNER, overruled=True).finding < 1


def test_a_rule_is_for_the_versions_it_was_made_with(weights: Path, tmp_path: Path) -> None:
    """It mixes calibrated probabilities, which the same weights give otherwise at another temperature."""
    shutil.copytree(weights, tmp_path / "w")
    rule = rule_for(Engine(tmp_path / "w"), "mr-pet")
    assert rule is not None
    rewrite(tmp_path / "w" / "mr-pet" / "pet" / "card.json", version="2", temperature=3.0)
    assert rule_for(Engine(tmp_path / "w"), "mr-pet") is None
    with pytest.raises(ValueError, match="must name the two models"):
        Fusion.model_validate(rule.model_dump() | {"versions": {"pet": "1"}})
