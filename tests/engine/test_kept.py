"""Heat maps from the maps that an answer left: the same pictures, without a pass through the backbone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.engine.engine import Engine
from core.engine.kept import Kept
from core.models.output import Trace
from core.models.registry import create
from tests.engine.installed import scan, study


def test_the_outlines_of_a_whole_series_are_drawn_without_another_pass(brain: Path) -> None:
    case = study(scan(slices=12))
    fresh, asked = Engine(brain), Engine(brain)
    wanted = [fresh.heat_map(case, "brain-mr", 0, "unet", index) for index in range(12)]
    asked.review(case, "brain-mr")
    net = asked.loaded("brain-mr", "unet").net

    def never(*_: object) -> None:
        raise AssertionError("the network was asked again")

    net.feature_stages = net.output_from_stages = never  # type: ignore[assignment,method-assign]
    for index, one in enumerate(wanted):
        found = asked.heat_map(case, "brain-mr", 0, "unet", index)
        assert one.values is not None
        assert found.values is not None
        np.testing.assert_allclose(found.values, one.values, atol=1e-3)


@pytest.mark.parametrize("method", ["grad-cam", "layercam"])
def test_a_class_of_a_segmenter_is_explained_by_another_pass(brain: Path, method: str) -> None:
    case = study(scan(slices=1))
    fresh, asked = Engine(brain), Engine(brain)
    asked.review(case, "brain-mr")
    found, wanted = (
        one.heat_map(case, "brain-mr", 0, "unet", 0, target="no tumour", method=method) for one in (asked, fresh)
    )
    assert found.values is not None
    assert wanted.values is not None
    np.testing.assert_allclose(found.values, wanted.values, atol=1e-3)


def test_gates_are_kept_as_they_were() -> None:
    kept, rng = Kept(), np.random.default_rng(0)
    gates = tuple(torch.from_numpy(rng.random(shape) > 0.5) for shape in ((1, 3, 5, 7), (1, 2, 4, 4)))
    kept.keep(image(0), Trace([image(1)], image(2), gates))
    held = kept.of(image(0))
    assert held is not None
    assert all(torch.equal(one, other) for one, other in zip(held.gates, gates, strict=True))
    assert kept.size == 2 * 400 + 14 + 4


@pytest.mark.parametrize("method", ["grad-cam", "layercam", "eigencam"])
@pytest.mark.parametrize("model", ["unet", "resnet50"])
def test_a_map_after_the_answer_is_the_map_without_one(brain: Path, model: str, method: str) -> None:
    case = study(scan(slices=2))
    fresh, asked = Engine(brain), Engine(brain)
    wanted = fresh.heat_map(case, "brain-mr", 0, model, 1, method=method)
    asked.review(case, "brain-mr")
    net = asked.loaded("brain-mr", model).net

    def never(x: torch.Tensor) -> list[torch.Tensor]:
        raise AssertionError("the backbone was asked again")

    net.feature_stages = never  # type: ignore[method-assign]
    found = asked.heat_map(case, "brain-mr", 0, model, 1, method=method)
    assert wanted.values is not None
    assert found.values is not None
    assert wanted.values.max() > 0.5
    np.testing.assert_allclose(found.values, wanted.values, atol=1e-3)
    assert found.peak == pytest.approx(wanted.peak, rel=1e-3)


def test_maps_of_another_series_are_not_taken(brain: Path) -> None:
    asked = Engine(brain)
    asked.review(study(scan(slices=2, seed=1)), "brain-mr")
    other = study(scan(slices=2, seed=2))
    np.testing.assert_array_equal(
        asked.heat_map(other, "brain-mr", 0, "unet", 0).values,
        Engine(brain).heat_map(other, "brain-mr", 0, "unet", 0).values,
    )


def image(number: int, side: int = 10) -> torch.Tensor:
    return torch.full((1, 1, side, side), float(number))


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    kept = Kept(most=3 * 400)
    for index in range(3):
        kept.keep(image(index), Trace([image(index)]))
    assert kept.of(image(0)) is not None
    kept.keep(image(3), Trace([image(3)]))
    assert kept.size == 1200
    assert kept.of(image(1)) is None
    assert kept.of(image(0)) is not None
    kept.keep(image(4), Trace([image(4, side=100)]))  # larger than all: the last answer's maps are kept all the same
    assert kept.of(image(4)) is not None
    assert kept.of(image(0)) is None


def test_maps_kept_in_inference_mode_can_be_differentiated() -> None:
    kept = Kept()
    with torch.inference_mode():
        kept.keep(image(0), Trace([torch.ones(1, 2)]))
    held = kept.of(image(0))
    assert held is not None
    (one,) = held.stages
    one.requires_grad_().sum().backward()
    assert one.grad is not None


@pytest.mark.parametrize("architecture", ["unet_resnet18", "resunet"])
def test_a_series_of_24_slices_fits(architecture: str) -> None:
    """Of the segmenters of brain-mr at the size they are shipped in: no outline of such a series is asked for twice."""
    net, kept = create(architecture, classes=2, channels=3, size=(192, 192)).eval(), Kept()
    trace = net.trace(torch.zeros(1, 3, 192, 192))
    for index in range(24):
        kept.keep(image(index), replace(trace, stages=trace.stages[-1:]))
    assert all(kept.of(image(index)) is not None for index in range(24))
