"""Sealed cards that make no sense are refused: no number in them may be none, nor one that voids every answer."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from core.errors import ModelUnavailableError
from core.imaging.study import Modality
from core.weights import repeats
from core.weights.folder import ModelRefusedError, load_card
from core.weights.fusion import FUSION, load_fusion
from core.weights.heat_checks import HEAT_CHECKS, HeatChecks, load_checks
from core.weights.store import load_model, save_model
from tests import cards
from tests.cards import card_of
from tests.engine.installed import lively

NAN, INF = math.nan, math.inf
SHIPPED = Path(__file__).resolve().parents[2] / "weights"
THRESHOLD = {"value": 0.5, "rule": "fixed", "data": "none", "n": 0}
CONTRACT = {"channels": 1, "height": 48, "width": 48}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "brain-mr" / "unet"
    where.mkdir(parents=True)
    card_of("brain-mr", "unet", "resunet").save(where / "card.json")
    return where


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": 1e-320},  # above 0, and yet every answer would be 0 or 1
        {"temperature": 1e-30},
        {"temperature": 1e308},  # and here 1/2
        {"threshold": THRESHOLD | {"value": NAN}},
        {"threshold": THRESHOLD | {"low": NAN}},
        {"threshold": THRESHOLD | {"high": INF}},
        {"mask_threshold": NAN},
        {"mask_threshold": 5e-324},
        {"mask_min_pixels": -1},
        {"members": 0},
        {"members": 1.5},
        {"contract": CONTRACT | {"scaling": "window", "window": [40, 0]}},
        {"contract": CONTRACT | {"scaling": "window", "window": [40, -400]}},
        {"contract": CONTRACT | {"scaling": "window", "window": [NAN, 400]}},
        {"contract": CONTRACT | {"scaling": "window", "window": [40, INF]}},
        {"contract": CONTRACT | {"mean": [0.0], "std": [0.0]}},
        {"contract": CONTRACT | {"mean": [0.0], "std": [-1.0]}},
        {"contract": CONTRACT | {"mean": [INF], "std": [1.0]}},
        {"contract": CONTRACT | {"scaling": "suv", "suv_divisor": 1e-320}},
        {"contract": CONTRACT | {"scaling": "suv", "suv_divisor": INF}},
        {"contract": CONTRACT | {"unit": "Hounsfield"}},
        {"contract": CONTRACT | {"modality": "XX"}},
        {"metrics": {"auc": {"value": NAN, "n": 3}}},
        {"metrics": {"auc": {"value": 0.9, "low": -INF, "high": 1.0, "n": 3}}},
        {"baselines": {"always positive": {"auc": NAN}}},
        {"storage_change": {"auc": INF}},
        {"parameters": -1},
    ],
    ids=str,
)
def test_a_card_without_sense_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    cards.rewrite(folder / "card.json", **changes)
    with pytest.raises(ModelRefusedError, match="card cannot be read"):
        load_card(folder)


def test_one_network_is_not_sold_as_two(tmp_path: Path) -> None:
    """The same network twice would agree with itself, and its spread of none would be told as certainty."""
    save_model(lively("resnet18", classes=2, channels=1), card_of("brain-mr", "resnet50", "resnet18"), tmp_path)
    cards.rewrite(tmp_path / "card.json", members=2)
    with pytest.raises(ModelRefusedError, match="members"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"weights_sha256": {}}, {"weights_sha256": {"pet": "0" * 64}}, {"temperature": 1e-320}, {"other_weight": 1e300}],
    ids=str,
)
def test_a_rule_for_two_readings_names_its_models_and_counts_both(tmp_path: Path, changes: dict[str, Any]) -> None:
    found = load_fusion(SHIPPED / "mr-pet")
    assert found is not None
    found.model_copy(update=changes).save(tmp_path / FUSION[Modality.MR])
    with pytest.raises(ModelUnavailableError, match=FUSION[Modality.MR]):
        load_fusion(tmp_path)


def test_heat_maps_pass_no_test_by_a_number_that_is_none(tmp_path: Path) -> None:
    """An interval that begins at NaN is not above chance, however it is compared."""
    folder = SHIPPED / "brain-mr" / "unet"
    card = load_card(folder)
    before = load_checks(folder, card)
    assert before is not None
    assert before.best is not None
    content = json.loads((folder / HEAT_CHECKS).read_text())
    for spoilt in ("hit", "chance"):
        method = dict(content["methods"][before.best])
        method[spoilt] = method["hit"] | {"low": NAN} if spoilt == "hit" else NAN
        changed = content | {"methods": {before.best: method}}
        (tmp_path / HEAT_CHECKS).write_text(json.dumps(changed))
        assert load_checks(tmp_path, card) is None
    (tmp_path / HEAT_CHECKS).write_text(json.dumps(content))
    assert load_checks(tmp_path, card) == HeatChecks.model_validate(content)


@pytest.mark.parametrize("value", [NAN, INF, -1.0])
def test_times_are_numbers(tmp_path: Path, value: float) -> None:
    model = {"median_ms": value, "shortest_ms": 1.0, "longest_ms": 2.0}
    content = {"machine": "m", "threads": 1, "processors": 2, "models": {"brain-mr/unet": model}}
    (tmp_path / repeats.BENCHMARK).write_text(json.dumps(content))
    with pytest.raises(repeats.BesideError, match="benchmark"):
        repeats.measured(tmp_path)


@pytest.mark.parametrize("value", [NAN, INF])
def test_a_gain_is_a_number(tmp_path: Path, value: float) -> None:
    entry = {"recipe": "r", "scratch": 0.9, "ours": value, "monitor": "AUC"}
    (tmp_path / repeats.PRETRAINING).write_text(json.dumps([entry]))
    with pytest.raises(repeats.BesideError, match="finite"):
        repeats.pretraining(tmp_path)
