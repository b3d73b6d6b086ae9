"""Slices of a series asked about in one pass of a compiled program: the answers, masks and heat maps of each alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine.engine import Engine
from core.engine.predict import NEAR, TOGETHER, Reading, SlicePrediction, predict_series
from core.imaging.study import Series
from core.models import program
from core.models.net import OverreadNet
from core.models.output import Trace
from core.models.program import Pass, Program
from core.weights.answers import finding_probability, probabilities
from core.weights.card import ModelCard
from core.weights.store import load_model
from tests.engine.installed import install, scan, study

SLICES = 6
KINDS = {"unet": "resunet", "resnet50": "resnet18"}  # a segmenter and a classifier


class Counted(Program):
    """A program that notes how many images each pass is of."""

    sizes: list[int]

    def __call__(self, x: torch.Tensor) -> Pass:
        """See :class:`Program`."""
        self.sizes.append(len(x))
        return super().__call__(x)


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Counted, ModelCard, Path]:
    """A model of four votes with its program; the folder that it lies in."""
    weights, programs = tmp_path_factory.mktemp("weights"), tmp_path_factory.mktemp("programs")
    role = "segmenter" if request.param == "unet" else "classifier"
    fields = {"role": role, "gate": None, "test_time_flips": ("horizontal",), "temperature": 1.0}
    folder = install(weights, "brain-mr", request.param, KINDS[request.param], **fields)
    net, card = load_model(folder)
    net.program = counted(net, programs)
    return net, card, weights  # type: ignore[return-value]


def counted(net: OverreadNet, folder: Path) -> Counted:
    """A network's program, of two lanes as on a machine with two processors."""
    program.write(net, folder)
    with pytest.MonkeyPatch.context() as only:
        only.setattr(torch, "get_num_threads", lambda: 2)
        made = program.read(net, folder)
    made.__class__, made.sizes = Counted, []  # type: ignore[attr-defined, assignment]
    return made  # type: ignore[return-value]


def asked(model: tuple[Counted, ModelCard, Path], series: Series, *, card: ModelCard | None = None) -> Reading:
    """A reading that begins now; its passes are counted from here on."""
    net, own, _ = model
    net.program.sizes.clear()  # type: ignore[attr-defined]
    return Reading(net, card or own, series)  # type: ignore[arg-type]


def sizes(model: tuple[Counted, ModelCard, Path]) -> list[int]:
    """Images of every pass: a slice has its mirrored one beside it."""
    return list(model[0].program.sizes)  # type: ignore[attr-defined]


def alike(one: SlicePrediction, other: SlicePrediction) -> None:
    """Whether two answers are the same but for rounding."""
    np.testing.assert_allclose(one.logits, other.logits, atol=1e-5)
    np.testing.assert_allclose(one.features, other.features, atol=1e-4, rtol=1e-4)
    assert (one.mask_probability is None) == (other.mask_probability is None)
    if one.mask_probability is not None and other.mask_probability is not None:
        np.testing.assert_allclose(one.mask_probability, other.mask_probability, atol=1e-3)


def test_together_each_slice_has_its_own_answer_from_one_pass(model: tuple[Counted, ModelCard, Path]) -> None:
    series = scan(SLICES, seed=3)
    alone = [asked(model, series).at(index) for index in range(SLICES)]
    assert np.ptp([one.logits[0] for one in alone]) > 0.01, "a slice that was given another's answer would be noticed"
    order = [3, 0, 5, 1]
    together = asked(model, series).of(order)
    assert sizes(model) == [2 * len(order)]
    for index, one in zip(order, together, strict=True):
        alike(one, alone[index])
    whole = predict_series(model[0], model[1], series)  # type: ignore[arg-type]
    np.testing.assert_allclose(whole.logits, np.stack([one.logits for one in alone]), atol=1e-5)


def test_what_is_kept_for_heat_maps_is_each_slices_own(model: tuple[Counted, ModelCard, Path]) -> None:
    series, (net, card, _) = scan(SLICES, seed=3), model
    kept: dict[str, list[tuple[torch.Tensor, Trace]]] = {"alone": [], "together": []}
    for way, steps in (("alone", [[1], [2], [4]]), ("together", [[1, 2, 4]])):
        reading = Reading(net, card, series, keep=lambda x, trace, way=way: kept[way].append((x, trace)))  # type: ignore
        for some in steps:
            reading.of(some)
    for (x, trace), (mine, own) in zip(kept["together"], kept["alone"], strict=True):
        assert torch.equal(x, mine)
        assert [one.shape for one in trace.stages] == [one.shape for one in own.stages]
        torch.testing.assert_close(trace.stages[-1], own.stages[-1], atol=1e-5, rtol=1e-4)
        assert len(trace.gates) == len(own.gates) == (8 if net.draws_masks else 0)  # type: ignore[attr-defined]
        agree = [(one == other).float().mean() for one, other in zip(trace.gates, own.gates, strict=True)]
        assert min(agree, default=1.0) > 0.999


@pytest.mark.parametrize("by", [0.0, NEAR / 2, -NEAR / 2])
@pytest.mark.parametrize("along", [0, 1])
def test_a_slice_near_the_threshold_is_asked_alone(
    model: tuple[Counted, ModelCard, Path], by: float, along: int
) -> None:
    series = scan(SLICES, seed=3)
    card = model[1].model_copy(update={"along": along})
    alone = [asked(model, series, card=card).at(index) for index in range(SLICES)]
    finding = finding_probability(probabilities(alone[2].logits[None], card.temperature), card)
    near = card.threshold.model_copy(update={"value": float(finding[0]) + by})
    reading = asked(model, series, card=card.model_copy(update={"threshold": near}))
    found = reading.of([1, 2, 3])
    assert sizes(model) == [2 * (3 + 2 * along)] + [2] * (1 + 2 * along), "its neighbours' answers decide with it"
    assert np.array_equal(found[1].logits, alone[2].logits), "bit for bit"
    alike(found[0], alone[1])


def test_a_slice_without_numbers_fails_alone(model: tuple[Counted, ModelCard, Path]) -> None:
    pixels = scan(3, seed=3).pixels.copy()
    pixels[1, 30:50, 40:60] = np.nan
    series = replace(scan(3, seed=3), pixels=pixels)
    found = asked(model, series).of([0, 1, 2])
    assert [bool(np.isfinite(one.logits).all()) for one in found] == [True, False, True]
    alike(found[0], asked(model, series).at(0))


def test_masks_of_a_model_that_mirrors_nothing_come_one_by_one(model: tuple[Counted, ModelCard, Path]) -> None:
    """There a batch's first half would be some of the slices, and the gates of the others would be missing."""
    card = model[1].model_copy(update={"test_time_flips": ()})
    asked(model, scan(SLICES, seed=3), card=card).of([0, 1, 2])
    assert sizes(model) == ([1, 1, 1] if model[0].draws_masks else [3])  # type: ignore[attr-defined]


def test_the_slice_in_view_is_asked_alone_and_a_reader_who_moves_on_is_followed(
    model: tuple[Counted, ModelCard, Path], tmp_path: Path
) -> None:
    _, card, weights = model
    engine = Engine(weights, programs=tmp_path)
    net = engine.loaded("brain-mr", card.name).net
    net.program = counted(net, tmp_path)
    course = engine.course(study(scan(11, seed=3)), "brain-mr", first=0)
    done: list[int] = []

    def look(*_: object) -> None:
        done.append(course.done)
        if len(done) == 2:
            course.look(10)

    course.run(progress=look)
    assert done == [1, 1 + TOGETHER, 2 + TOGETHER, 2 + 2 * TOGETHER, 11]
