"""What lies beside the weights: read when it is there, told when it is broken, silent when it is not."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest

from core.evidence.timing import sample, time_model
from core.preprocessing.prepare import prepare
from core.weights import repeats as beside
from core.weights.card import ModelCard
from tests.dashboard import weights

CARDS = sorted((Path(__file__).resolve().parents[2] / "weights").glob("*/*/card.json"))


def test_seeds_of_one_model_or_several(tmp_path: Path) -> None:
    assert beside.seed_spread(tmp_path) == ()
    one = {"model": "unet", "seeds": [1, 2, 3], "auc": [0.9, 0.92, 0.97], "note": "same split"}
    (tmp_path / beside.SEEDS).write_text(json.dumps(one))
    (found,) = beside.seed_spread(tmp_path)
    assert (found.model, found.mean) == ("unet", pytest.approx(0.93))
    assert found.deviation == pytest.approx(statistics.stdev([0.9, 0.92, 0.97]))
    (tmp_path / beside.SEEDS).write_text(json.dumps([one, one | {"model": "resunet", "note": ""}]))
    assert [s.model for s in beside.seed_spread(tmp_path)] == ["unet", "resunet"]


@pytest.mark.parametrize("content", ["{", "[1]", '{"model": "a", "seeds": [1, 2], "auc": [0.5]}', '{"seeds": []}'])
def test_a_broken_file_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / beside.SEEDS).write_text(content)
    with pytest.raises(beside.BesideError, match=r"seeds\.json"):
        beside.seed_spread(tmp_path)


def test_cross_validation(tmp_path: Path) -> None:
    assert beside.cross_validation(tmp_path) == ()
    entry = {"model": "vgg16", "auc": [0.8, 0.9], "pooled": {"value": 0.84, "low": 0.8, "high": 0.9}, "note": "folds"}
    (tmp_path / beside.FOLDS).write_text(json.dumps([entry | {"patient_auc": [0.9, 1.0]}]))
    (found,) = beside.cross_validation(tmp_path)
    assert (found.auc, found.pooled, found.patient_auc) == ((0.8, 0.9), (0.84, 0.8, 0.9), (0.9, 1.0))
    assert (found.mean, found.patient_mean) == (pytest.approx(0.85), pytest.approx(0.95))
    for broken in (entry | {"auc": [0.8]}, entry | {"auc": [0.8, 1.2]}, entry | {"pooled": 0.84}):
        (tmp_path / beside.FOLDS).write_text(json.dumps(broken))
        with pytest.raises(beside.BesideError, match=r"folds\.json"):
            beside.cross_validation(tmp_path)


def test_gain_of_pretraining(tmp_path: Path) -> None:
    assert beside.pretraining(tmp_path) == ()
    entry = {"recipe": "brain-unet", "scratch": 0.91, "ours": 0.95, "monitor": "validation AUC", "note": ""}
    (tmp_path / beside.PRETRAINING).write_text(json.dumps([entry]))
    assert beside.pretraining(tmp_path)[0].gain == pytest.approx(0.04)


@pytest.mark.parametrize("card", CARDS, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
def test_every_shipped_model_has_a_sample_to_be_timed_on(card: Path) -> None:
    contract = ModelCard.load(card).contract
    image = prepare(sample(ModelCard.load(card)), contract, [0])
    assert image.shape == (1, contract.channels, contract.height, contract.width)
    assert float(image.std()) > 0.05


def test_times_measured_and_as_the_command_writes_them(tmp_path: Path) -> None:
    from trainers.commands.benchmark import benchmark

    folder = weights.write(tmp_path)
    timing = time_model(folder / "brain-mr" / "resnet50", repeats=2)
    assert 0 < timing.shortest_ms <= timing.median_ms <= timing.longest_ms
    assert timing.input == (3, 64, 64)
    assert beside.measured(folder) is None
    result = benchmark(folder, folder / beside.BENCHMARK, repeats=1)
    found = beside.measured(folder)
    assert found is not None
    assert found.milliseconds.keys() == result["models"].keys()
    assert found.milliseconds["brain-mr/unet"][0] == pytest.approx(result["models"]["brain-mr/unet"]["median_ms"])
