"""An answer is finite or there is none: the model failed on that slice, said everywhere; the other slices stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine import agreement, predict
from core.engine.engine import Engine
from core.engine.gate import Gate
from core.engine.results import GateState, ModelResult, ModelStatus, Review
from core.engine.warn import series_warnings
from core.imaging.study import Series
from core.models import program
from core.models.net import OverreadNet
from core.models.output import Output, Trace
from core.systems import system
from core.weights.card import ModelCard
from tests.engine.installed import install, scan, study

BAD = 1


@pytest.fixture(scope="module", params=["PyTorch", "programs"])
def engine(request: pytest.FixtureRequest, brain: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Answers as they come from the networks, and from what was compiled of them."""
    made = Engine(brain)
    if request.param == "programs":
        for state in made.states("brain-mr"):
            net, folder = made.loaded("brain-mr", state.name).net, tmp_path_factory.mktemp(state.name)
            program.write(net, folder)
            net.program = program.read(net, folder)
    return made


@pytest.fixture
def whole() -> Series:
    return scan(4)


@pytest.fixture(params=[np.nan, np.inf, -np.inf])
def broken(request: pytest.FixtureRequest, whole: Series) -> Series:
    """One pixel of one slice is no number."""
    pixels = whole.pixels.copy()
    pixels[BAD, 40, 50] = request.param
    return replace(whole, pixels=pixels)


def results(review: Review) -> dict[str, ModelResult]:
    return {r.state.name: r for r in review.results}


def test_the_other_slices_stand(engine: Engine, whole: Series, broken: Series) -> None:
    before = results(engine.review(study(whole), "brain-mr"))
    review = engine.review(study(broken), "brain-mr")
    for name, result in results(review).items():
        assert result.finding is not None
        assert result.answered.tolist() == [True, False, True, True]
        assert result.decision(BAD) is None
        far = 3  # no neighbour of the broken slice: exactly as before, also for a network that looks at neighbours
        np.testing.assert_array_equal(result.finding[far], before[name].finding[far])  # type: ignore[index]
        assert result.decision(far) is before[name].decision(far)
        if result.mask is not None:
            assert not result.mask[BAD].any()
    assert review.peak != BAD


def test_it_is_said_on_the_slice_and_of_the_series(engine: Engine, broken: Series) -> None:
    review = engine.review(study(broken), "brain-mr")
    told = [flag.text for flag in review.warnings if flag.kind == "model-failed"]
    assert len(told) == len(review.ready)
    assert all("failed on slice 2:" in text for text in told)
    assert "not-finite-slices" in {flag.kind for flag in review.warnings}
    assert review.votes[BAD].decided is None
    assert "No model of this system has answered." in agreement.sentence(review, BAD)
    assert "gave no answer" in agreement.sentence(review, BAD)
    assert agreement.sentence(review, 0) != agreement.sentence(review, BAD)


@pytest.mark.parametrize("method", ["grad-cam", "layercam", "eigencam"])
def test_a_heat_map_of_it_is_told_missing(engine: Engine, broken: Series, method: str) -> None:
    found = engine.heat_map(study(broken), "brain-mr", 0, "resnet50", BAD, method=method)
    assert found.values is None
    assert "finite" in found.error
    assert engine.heat_map(study(broken), "brain-mr", 0, "resnet50", 0, method=method).values is not None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_without_a_number_is_stopped_and_nobody_answers(engine: Engine, whole: Series, value: float) -> None:
    nothing = replace(whole, pixels=np.full_like(whole.pixels[:1], value))
    review = engine.review(study(nothing), "brain-mr")
    assert review.gate is not None
    assert review.gate.stopped
    assert "not-finite" in {flag.kind for flag in review.gate.reasons}
    assert {r.state.status for r in review.results} == {ModelStatus.FAILED}
    assert review.vote.decided is None


def test_values_at_the_edge_of_float32_do_not_pass_the_gate(whole: Series) -> None:
    """Finite pixels, but their range is not: whatever the router makes of them, "passed" it is not."""
    far = whole.pixels.copy()
    far[:, ::2] = np.finfo(np.float32).max
    far[:, 1::2] = np.finfo(np.float32).min
    series = replace(whole, pixels=far)
    declared = system("brain-mr")
    shipped = Path(__file__).resolve().parents[2] / "weights"
    assert Gate(shipped).verdict(declared, series, series_warnings(declared, series, None)).state is GateState.STOPPED


def test_one_models_overflow_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Series) -> None:
    """A network whose logits overflow on one slice fails there; the other model answers, and alone has a vote."""
    for name in ("resnet50", "unet"):
        install(tmp_path, "brain-mr", name, "resnet18")
    real = predict.passed
    asked: list[str] = []

    def overflowing(
        net: OverreadNet, card: ModelCard, x: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, Trace]:
        asked.append(card.name)
        logit, features, mask, maps = real(net, card, x)
        there = card.name == "resnet50" and asked.count(card.name) == BAD + 1
        return logit * torch.inf if there else logit, features, mask, maps

    monkeypatch.setattr(predict, "passed", overflowing)
    review = Engine(tmp_path).review(study(whole), "brain-mr")
    found = results(review)
    assert found["resnet50"].answered.tolist() == [True, False, True, True]
    assert found["unet"].answered.all()
    assert [v.model for v in review.votes[BAD].counted] == ["unet"]
    assert len(review.votes[0].counted) == 2


def test_weights_that_overflow_everywhere_are_a_failed_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "brain-mr", "resnet50", "resnet18")
    real = OverreadNet.run_with_stages

    def hot(self: OverreadNet, x: torch.Tensor) -> tuple[Output, list[torch.Tensor]]:
        out, stages = real(self, x)
        return replace(out, logits=out.logits + torch.nan), stages

    monkeypatch.setattr(OverreadNet, "run_with_stages", hot)
    review = Engine(tmp_path).review(study(), "brain-mr")
    failed = results(review)["resnet50"]
    assert failed.state.status is ModelStatus.FAILED
    assert "finite" in failed.state.reason
    assert failed.finding is None
    assert review.ready == ()
