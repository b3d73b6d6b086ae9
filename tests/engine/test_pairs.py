"""PET and MR at one place, read together: each model its own slice, the odds multiplied by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.engine.engine import Engine
from core.engine.pairs import pair_at, read_pair, rule_for
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
    install(folder, "mr-pet", "ct", "resnet18", contract={"scaling": "window", "window": (-160, 240), "modality": "CT"})
    write_rule(folder)
    write_rule(folder, "ct", Modality.CT)
    return folder


def write_rule(folder: Path, other: str = "mr-lite0", beside: Modality = Modality.MR) -> None:
    shas = {name: load_model(folder / "mr-pet" / name)[1].weights_sha256 for name in ("pet", other)}
    rule = Fusion(
        pet="pet",
        other=other,
        beside=beside,
        versions={"pet": "1", other: "1"},
        weights_sha256=shas,
        other_weight=0.5,
        temperature=0.5,
        threshold=Threshold(value=0.5, rule="fixed", data="none", n=0),
        metrics={},
        differences={},
        date="2026-01-01",
    )
    rule.save(folder / "mr-pet" / FUSION[beside])


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
    assert (answer.pet, answer.other) == (pytest.approx(pet, abs=1e-5), pytest.approx(mr, abs=1e-5))
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
    (tmp_path / "mr-pet" / FUSION[Modality.MR]).write_text("{}")
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


def test_a_ct_is_read_beside_a_pet_and_never_by_itself(weights: Path, both: Study) -> None:
    """The gate refuses the CT as an image of the system; beside a PET it is not asked. Fused by hand."""
    house = Engine(weights)
    hounsfield = scan(3, seed=3, unit=Unit.HU, modality=Modality.CT, body_part="THIGH")
    three = study(*both.series, hounsfield)
    assert house.verdict("mr-pet", hounsfield).stopped
    assert "reads" in house.verdict("mr-pet", hounsfield).reasons[0].text
    pet, ct = alone(weights, three, "pet", 0, 1), alone(weights, three, "ct", 2, 2)
    odds = ((pet / (1 - pet)) * (ct / (1 - ct)) ** 0.5) ** (1 / 1.5 / 0.5)
    answer = read_pair(house, three, "mr-pet", 0, 1, Partner(2, 2, 0.4, assumed=True))
    assert (answer.pet, answer.other) == (pytest.approx(pet, abs=1e-5), pytest.approx(ct, abs=1e-5))
    assert answer.finding == pytest.approx(odds / (1 + odds), abs=1e-5)
    assert answer.rule.beside is Modality.CT
    with pytest.raises(ContractError, match="MR and CT are not read together"):
        read_pair(house, three, "mr-pet", 1, 2, Partner(2, 2, 0.4, assumed=True))


def test_each_pair_of_a_study_of_three_is_fused_by_itself(weights: Path) -> None:
    affine = np.diag([4.0, 4.0, 5.0, 1.0])
    pet = scan(4, seed=1, unit=Unit.SUV, modality=Modality.PT, body_part="THIGH", affine=affine)
    mr, ct = (
        scan(4, seed=s, unit=u, modality=m, body_part="THIGH", affine=affine)
        for s, u, m in ((2, Unit.ARBITRARY, Modality.MR), (3, Unit.HU, Modality.CT))
    )
    house, three = Engine(weights), study(pet, mr, ct)
    with_ct = pair_at(house, three, "mr-pet", 0, 2, Modality.CT)
    assert with_ct is not None
    assert with_ct.answer == read_pair(house, three, "mr-pet", 0, 2, Partner(2, 2, 0.0, assumed=True))
    with_mr = pair_at(house, three, "mr-pet", 0, 2)
    assert with_mr is not None
    assert with_mr.other == Partner(1, 2, 0.0, assumed=True)
    assert pair_at(house, three, "mr-pet", 2, 2, Modality.CT) is None  # asked from the CT's side
    assert pair_at(house, three, "mr-pet", 1, 2, Modality.CT) is None
    assert pair_at(house, study(pet, mr), "mr-pet", 0, 2, Modality.CT) is None
