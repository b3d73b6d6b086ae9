"""Answers averaged along a series: by hand, whatever is asked first, on every path, and with each slice passed once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from core.engine.engine import Engine
from core.engine.predict import Reading, predict_series, smoothed
from core.engine.uncertainty import VARIANTS, spread
from core.imaging.study import Series
from core.models.output import Output
from core.preprocessing.contract import Context, InputContract
from core.preprocessing.prepare import prepare
from core.reports.dicom.common import parameters
from core.weights.card import ModelCard
from tests.cards import card_of
from tests.engine.installed import install, scan, study
from tests.trainers.small import write_recipe
from trainers.data.items import Item
from trainers.fitting.recipe import load_recipe
from trainers.measuring.scoring import predictions

OWN = [1.0, 4.0, -2.0, 0.5, 7.0]
BY_HAND = {
    0: OWN,
    1: [2.5, 1.0, 2.5 / 3, 5.5 / 3, 3.75],  # (1+4)/2, (1+4-2)/3, (4-2+0.5)/3, (-2+0.5+7)/3, (0.5+7)/2
    2: [1.0, 0.875, 2.1, 2.375, 5.5 / 3],  # (1+4-2)/3, (1+4-2+0.5)/4, all/5, (4-2+0.5+7)/4, (-2+0.5+7)/3
}


class Counting:
    """Stands in for a classifier: a slice's logit is its brightness in thousandths; tells which slices were passed."""

    draws_masks = False

    def __init__(self) -> None:
        self.passed: list[float] = []

    def run_with_stages(self, x: torch.Tensor) -> tuple[Output, list[torch.Tensor]]:
        logit = x.mean((1, 2, 3)).reshape(-1, 1)
        self.passed += logit[:, 0].tolist()
        return Output(logit, x, x.flatten(1)), [x]


def stack(levels: list[float]) -> Series:
    """Even slices of these brightnesses."""
    pixels = np.stack([np.full((32, 32), level, np.float32) for level in levels])
    return replace(scan(1), pixels=pixels)


def card(along: int, **fields: object) -> ModelCard:
    contract = {"channels": 1, "height": 32, "width": 32, "scaling": "suv", "suv_divisor": 10.0}
    return card_of("mr-pet", "pet", "resnet18", contract=contract, along=along, **fields)


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_by_hand(reach: int) -> None:
    own = np.array(OWN, np.float32)[:, None]
    np.testing.assert_allclose(smoothed(own, stack(OWN), reach)[:, 0], BY_HAND[reach], rtol=1e-6)


@pytest.mark.parametrize("reach", [1, 2])
@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [2, 3, 1, 4, 0], [4, 0, 2, 1, 3]])
def test_each_slice_passes_once_in_whatever_order_they_are_asked(reach: int, order: list[int]) -> None:
    levels = [1.0, 9.0, 2.0, 4.0, 6.0]
    net, series = Counting(), stack(levels)
    reading = Reading(net, card(reach), series)  # type: ignore[arg-type]
    own = [float(prepare(series, card(reach).contract, [at]).mean()) for at in range(5)]
    wanted = [np.mean(own[max(at - reach, 0) : at + reach + 1]) for at in range(5)]
    said = {at: float(reading.at(at).logits[0]) for at in order}
    assert [said[at] for at in range(5)] == pytest.approx(wanted, rel=1e-5)
    assert sorted(net.passed) == pytest.approx(sorted(own))
    # one slice alone is answered as within the whole
    alone = predict_series(Counting(), card(reach), series, indices=[3])  # type: ignore[arg-type]
    assert float(alone.logits[0, 0]) == pytest.approx(wanted[3], rel=1e-5)
    np.testing.assert_allclose(alone.features, prepare(series, card(reach).contract, [3]).flatten(1))


def test_a_slice_without_numbers_has_no_answer_and_is_nobodys_neighbour() -> None:
    series = stack([1.0, float("nan"), 3.0, 5.0])
    found = predict_series(Counting(), card(1), series).logits[:, 0]  # type: ignore[arg-type]
    own = [float(prepare(series, card(1).contract, [at]).mean()) for at in range(4)]
    assert np.isnan(found[1])
    assert found[[0, 2, 3]] == pytest.approx([own[0], (own[2] + own[3]) / 2, (own[2] + own[3]) / 2])


def test_a_single_image_is_answered_by_itself() -> None:
    alone, plain = (predict_series(Counting(), card(reach), stack([4.0])) for reach in (2, 0))  # type: ignore[arg-type]
    np.testing.assert_array_equal(alone.logits, plain.logits)


def test_pictures_that_only_lie_in_one_folder_are_answered_one_by_one() -> None:
    pile = replace(stack([1.0, 5.0, 2.0]), apart=True)
    item = Item(pile, ("no tumour",) * 3, "P", ())
    own = predict_series(Counting(), card(0), pile)  # type: ignore[arg-type]
    told = predict_series(Counting(), card(4), pile)  # type: ignore[arg-type]
    (measured,) = predictions(Counting(), card(4), [item])  # type: ignore[arg-type]
    np.testing.assert_array_equal(told.logits, own.logits)
    np.testing.assert_allclose(measured.logits, own.logits, rtol=1e-5)
    assert spread(Counting(), card(4, temperature=1.0), pile, 1).finding[0] == pytest.approx(  # type: ignore[arg-type]
        1 / (1 + np.exp(-own.logits[1, 0])), rel=1e-5
    )
    slab = InputContract(channels=3, context=Context.NEIGHBOURS, height=32, width=32, scaling="suv", suv_divisor=10.0)
    single = replace(pile, pixels=pile.pixels[1:2], apart=False)
    np.testing.assert_array_equal(prepare(pile, slab, [1]), prepare(single, slab, [0]))


def test_batches_and_single_images_average_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made in batches across volumes: no answer may be averaged over the end of its volume."""
    monkeypatch.setattr("trainers.measuring.scoring.BATCH", 4)
    volumes = [stack([1.0, 5.0, 2.0]), stack([8.0]), stack([3.0, 9.0, 4.0, 6.0])]
    items = [Item(one, ("no tumour",) * one.slices, f"P{at}", ()) for at, one in enumerate(volumes)]
    found = predictions(Counting(), card(1), items)  # type: ignore[arg-type]
    for one, told in zip(volumes, found, strict=True):
        alone = predict_series(Counting(), card(1), one)  # type: ignore[arg-type]
        np.testing.assert_allclose(told.logits, alone.logits, rtol=1e-5)


def test_the_review_is_averaged_and_masks_are_not(tmp_path: Path) -> None:
    series = scan(5, seed=3)
    reviews = {}
    for reach in (0, 1):
        folder = tmp_path / str(reach)
        install(folder, "brain-mr", "unet", role="segmenter", gate=None, along=reach, temperature=1.0)
        reviews[reach] = Engine(folder).course(study(series), "brain-mr", first=3).run()
    (plain,), (averaged,) = (review.ready for review in (reviews[0], reviews[1]))
    assert plain.finding is not None
    assert averaged.finding is not None
    assert averaged.mask_probability is not None
    own = np.log(plain.finding / (1 - plain.finding))
    told = np.log(averaged.finding / (1 - averaged.finding))
    assert np.ptp(own) > 0.01
    np.testing.assert_allclose(told, smoothed(own[:, None], series, 1)[:, 0], atol=1e-4)
    np.testing.assert_array_equal(averaged.mask_probability, plain.mask_probability)


class Lopsided(Counting):
    """Its logit is how much brighter the left half is."""

    def run_with_stages(self, x: torch.Tensor) -> tuple[Output, list[torch.Tensor]]:
        logit = 10 * (x[..., :16].mean((1, 2, 3)) - x[..., 16:].mean((1, 2, 3))).reshape(-1, 1)
        return Output(logit, x, x.flatten(1)), [x]


def test_the_spread_begins_with_the_answer_and_turns_the_neighbours_too() -> None:
    series = stack([1.0, 9.0, 2.0])
    for at, left in enumerate([2.0, -1.0, 3.0]):
        series.pixels[at, :, :16] += left
    answer = predict_series(Lopsided(), card(1), series, indices=[1]).logits[0, 0]  # type: ignore[arg-type]
    assert abs(answer) > 0.1
    found = spread(Lopsided(), card(1, temperature=1.0), series, 1)  # type: ignore[arg-type]
    assert found.finding[0] == pytest.approx(1 / (1 + np.exp(-answer)), rel=1e-5)
    # were the neighbours left as they are, their sides would not change places
    assert found.finding[list(VARIANTS).index("mirrored")] == pytest.approx(1 / (1 + np.exp(answer)), rel=1e-5)


def test_views_of_a_volume_are_no_neighbours(tmp_path: Path) -> None:
    contract = "{channels: 1, height: 48, width: 48, projection: mip-coronal}"
    with pytest.raises(Exception, match="neighbouring slices"):
        load_recipe(str(write_recipe(tmp_path, "turned", along="1", contract=contract)))
    with pytest.raises(ValidationError):
        card(5)


def test_what_is_averaged_is_told() -> None:
    assert card(0).averaged == ""
    said = "mean of the slice, its mirror image and the slice on either side in its stack, each read by itself"
    both = card(1, test_time_flips=("horizontal",))
    assert both.averaged == said
    assert f"answer {said}" in parameters(both)
    assert card(2).averaged.endswith("the 2 slices on either side in its stack, each read by itself")
