"""Ready, missing, refused: a model without fitting weights never answers, and says why."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.engine.engine import Engine
from core.engine.results import ModelStatus
from core.weights.card import ModelCard
from core.weights.folder import load_card
from tests import cards
from tests.engine.installed import install, study

PLACES = 3


@pytest.fixture
def folder(brain: Path, tmp_path: Path) -> Path:
    """One installed model, small enough to copy."""
    shutil.copytree(brain / "brain-mr" / "unet", tmp_path / "weights" / "brain-mr" / "unet")
    return tmp_path / "weights"


def status(engine: Engine, name: str) -> ModelStatus:
    return next(s.status for s in engine.states("brain-mr") if s.name == name)


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def answered(engine: Engine) -> set[str]:
    review = engine.review(study(), "brain-mr")
    for r in review.results:
        if r.state.status is not ModelStatus.READY:
            assert r.state.reason
            assert (r.raw, r.calibrated, r.finding, r.mask) == (None, None, None, None)
            assert r.decision(0) is None
    return {r.state.name for r in review.ready}


def test_an_empty_folder_says_missing_everywhere(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    states = engine.states()
    assert len(states) > PLACES
    assert {s.status for s in states} == {ModelStatus.MISSING}
    assert all("recipe" in s.reason for s in states)
    assert answered(engine) == set()


def test_all_ready(engine: Engine) -> None:
    assert {s.status for s in engine.states("brain-mr")} == {ModelStatus.READY}
    assert all(s.card is not None for s in engine.states("brain-mr"))
    assert answered(engine) == {"unet", "resnet50", "resunet", "slab"}


def test_an_altered_byte_is_refused_before_any_review(folder: Path) -> None:
    flip_a_byte(folder / "brain-mr" / "unet" / "weights.safetensors")
    engine = Engine(folder)
    assert status(engine, "unet") is ModelStatus.REFUSED
    reason = next(s.reason for s in engine.states("brain-mr") if s.name == "unet")
    assert "SHA-256" in reason
    assert answered(engine) == set()
    heat = engine.heat_map(study(), "brain-mr", 0, "unet", 0)
    assert heat.values is None
    assert "SHA-256" in heat.error


def test_weights_altered_or_restored_while_running_are_noticed(folder: Path) -> None:
    path = folder / "brain-mr" / "unet" / "weights.safetensors"
    whole = path.read_bytes()
    engine = Engine(folder)
    assert "unet" in answered(engine)
    flip_a_byte(path)
    assert status(engine, "unet") is ModelStatus.REFUSED
    assert "unet" not in answered(engine)
    path.write_bytes(whole)
    assert status(engine, "unet") is ModelStatus.READY
    assert "unet" in answered(engine)


@pytest.mark.parametrize("name", ["card.json", "weights.safetensors"])
def test_half_a_model_is_missing(folder: Path, name: str) -> None:
    (folder / "brain-mr" / "unet" / name).unlink()
    engine = Engine(folder)
    assert status(engine, "unet") is ModelStatus.MISSING
    assert "unet" not in answered(engine)


@pytest.mark.parametrize(
    "change",
    [
        {"system": "chest-ct"},
        {"name": "other"},
        {"positive": ["no such class"]},
        {"positive": []},
        {"classes": ["tumour", "tumour"]},
        {"architecture": "resnet18"},
        {"architecture": "nonsense"},
        {"classes": ["a", "b", "tumour"]},
    ],
)
def test_a_card_of_something_else_is_refused(folder: Path, change: dict[str, object]) -> None:
    path = folder / "brain-mr" / "unet" / "card.json"
    cards.rewrite(path, **change)
    engine = Engine(folder)
    assert "unet" not in answered(engine)
    assert status(engine, "unet") is ModelStatus.REFUSED


def test_an_unreadable_card_is_refused(folder: Path) -> None:
    (folder / "brain-mr" / "unet" / "card.json").write_text("{")
    assert status(Engine(folder), "unet") is ModelStatus.REFUSED


def test_weights_are_loaded_once(brain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.weights.exported import chain

    loads = []
    real = chain.load_model
    monkeypatch.setattr(chain, "load_model", lambda path: loads.append(path.name) or real(path))
    engine = Engine(brain)
    for _ in range(2):
        engine.review(study(), "brain-mr")
        engine.heat_map(study(), "brain-mr", 0, "unet", 0)
    assert sorted(loads) == ["resnet50", "resunet", "slab", "unet"]


def test_a_series_that_does_not_fit_one_model_is_refused_there_alone(folder: Path) -> None:
    install(folder, "brain-mr", "resnet50", "resnet18", contract={"unit": "HU"})
    review = Engine(folder).review(study(), "brain-mr")
    failed = next(r for r in review.results if r.state.name == "resnet50")
    assert failed.state.status is ModelStatus.UNFIT
    assert "HU" in failed.state.reason
    assert failed.finding is None
    assert {r.state.name for r in review.ready} == {"unet"}


def test_many_that_ask_at_once_have_the_files_checked_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[Path] = []

    def slow(path: Path) -> ModelCard:
        checked.append(path)
        time.sleep(0.05)
        return load_card(path)

    monkeypatch.setattr("core.engine.shelf.load_card", slow)
    engine = Engine(folder)
    with ThreadPoolExecutor(8) as crowd:
        seen = list(crowd.map(lambda _: status(engine, "unet"), range(8)))
    assert seen == [ModelStatus.READY] * 8
    assert sorted(checked) == sorted(set(checked))
