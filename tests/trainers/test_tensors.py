"""Training and serving see the same tensor of the same file, bit by bit."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from core.errors import DataLayoutError
from core.imaging import Modality, read
from core.preprocessing.contract import InputContract
from core.preprocessing.prepare import fit_of, prepare
from core.simulate import phantom
from tests.trainers.small import PATIENTS, SLICES
from trainers.data.items import Item
from trainers.data.sets import load_items
from trainers.data.simulated import simulated_items
from trainers.data.tensors import to_cases
from trainers.fitting.augment import geometric, photometric
from trainers.fitting.recipe import RECIPES, load_recipe

LABELS = {"no tumour": 0, "tumour": 1}
CONTRACTS: list[dict[str, Any]] = [
    {"channels": 3, "context": "neighbours", "percentiles": (0.0, 99.5)},
    {"channels": 7, "context": "neighbours", "scaling": "z-score"},
    {"channels": 3, "scaling": "range", "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
    {"channels": 1, "scaling": "percentile", "percentiles": (1.0, 99.0), "enhance": ("clahe",), "width": 80},
    {"channels": 3, "scaling": "window", "window": (-500.0, 1500.0), "standardise": True, "resize": "stretch"},
    {"channels": 3, "scaling": "percentile", "percentiles": (0.0, 99.0), "standardise": True, "crop": "body"},
]


def contract(fields: dict[str, Any]) -> InputContract:
    return InputContract(**{"height": 48, "width": 48, **fields})


@pytest.fixture(scope="module")
def items(data: Path) -> list[Item]:
    return load_items("brain-lgg", data / "brain-lgg")


def test_the_reader_gives_whole_patients_in_order(items: list[Item], data: Path) -> None:
    assert len(items) == PATIENTS
    with (data / "brain-lgg" / "index.csv").open() as handle:
        rows = {row["image"]: row for row in csv.DictReader(handle)}
    for item in items:
        assert item.series.slices == SLICES
        assert [rows[name]["slice"] for name in item.ids] == [str(i + 1) for i in range(SLICES)]
        assert {rows[name]["patient"] for name in item.ids} == {item.group}
        assert [label == "tumour" for label in item.labels] == [rows[n]["tumour"] == "1" for n in item.ids]
        for index, name in enumerate(item.ids):
            stored = cv2.imread(str(data / "brain-lgg" / name), cv2.IMREAD_GRAYSCALE)
            np.testing.assert_array_equal(item.series.pixels[index], stored)
            drawn = cv2.imread(str(data / "brain-lgg" / rows[name]["mask"]), cv2.IMREAD_GRAYSCALE)
            assert item.series.truth is not None
            np.testing.assert_array_equal(item.series.truth[index], drawn > 127)


@pytest.mark.parametrize("fields", CONTRACTS, ids=lambda f: f.get("scaling", "neighbours"))
def test_a_whole_patient_is_bit_identical_in_training_and_serving(items: list[Item], fields: dict[str, Any]) -> None:
    c = contract(fields)
    cases = to_cases(items, c, LABELS)
    assert len(cases) == PATIENTS * SLICES
    place = 0
    for item in items[:3]:
        served = prepare(item.series, c)
        trained = cases.images(torch.arange(place, place + SLICES))
        assert trained.dtype == served.dtype == torch.float32
        assert torch.equal(trained, served)
        place += SLICES


@pytest.mark.parametrize("fields", CONTRACTS, ids=lambda f: f.get("scaling", "neighbours"))
def test_a_single_uploaded_file_is_bit_identical(items: list[Item], data: Path, fields: dict[str, Any]) -> None:
    c = contract(fields)
    cases = to_cases(items, c, LABELS)
    for row in (0, 5, 18):
        path = data / "brain-lgg" / str(cases.ids[row])
        upload = read([("whatever.bin", path.read_bytes())]).series[0]
        alone = cases.images(torch.tensor([row]), torch.tensor([True]))
        assert torch.equal(prepare(upload, c), alone)


def test_masks_labels_and_groups_stay_with_their_slices(items: list[Item]) -> None:
    c = contract({"channels": 1, "height": 64, "width": 64})
    cases = to_cases(items, c, LABELS)
    coverage = cases.coverage(torch.arange(len(cases)))
    assert coverage is not None
    assert torch.equal(coverage.amax((1, 2, 3)) > 0.5, cases.labels == 1)
    for row, item in enumerate([i for i in items for _ in range(SLICES)]):
        assert cases.groups[row] == item.group
        assert item.series.truth is not None
        np.testing.assert_allclose(coverage[row, 0], item.series.truth[row % SLICES].astype(np.float32), atol=1 / 255)


def test_masks_are_cut_with_their_slices(items: list[Item]) -> None:
    """The coverage of a cropped case, put back onto the image, lies on the drawn mask."""
    c = contract({"channels": 1, "crop": "body", "scaling": "range"})
    cases = to_cases(items, c, LABELS)
    assert cases.masks is not None
    row = -1
    for item in items:
        assert item.series.truth is not None
        for index, truth in enumerate(item.series.truth):
            row += 1
            fit = fit_of(item.series, index, c)
            assert fit.box != (0, 0, *item.series.shape)
            drawn = fit.back(cases.masks[row].numpy() / np.float32(255)) > 0.5
            both = int((drawn & truth).sum())
            assert 2 * both >= 0.85 * (int(drawn.sum()) + int(truth.sum()))


@pytest.mark.parametrize("channels", [3, 9])
def test_neighbours_never_come_from_another_patient(items: list[Item], channels: int) -> None:
    cases = to_cases(items, contract({"channels": channels, "context": "neighbours"}), LABELS)
    assert cases.around.shape == (len(cases), channels)
    assert (cases.groups[cases.around.numpy()] == cases.groups[:, None]).all()


@pytest.mark.parametrize("name", sorted(p.stem for p in RECIPES.glob("*.yaml")))
def test_a_training_batch_keeps_the_range_of_serving(name: str) -> None:
    """The images of one source system turned black in its augmentation, and nobody noticed."""
    recipe = load_recipe(name)
    if recipe.contract.modality == Modality.CT:  # soft tissue is not drawn in CT; a chest in HU is
        drawn = phantom("chest-ct", 7, "normal", picture=False)
        item = Item(drawn.series, (drawn.label,), "drawn", ("drawn",))
    else:
        (item,) = simulated_items(recipe.system, 1, seed=7, modality=recipe.contract.modality or "PT")
    cases = to_cases([item], recipe.contract, {item.labels[0]: 0})
    served = prepare(item.series, recipe.contract)
    rng = torch.Generator().manual_seed(1)
    rows = torch.zeros(24, dtype=torch.long)
    images, _ = geometric(cases.images(rows), None, recipe.augment, rng)
    images = photometric(images, recipe.augment, rng)
    assert images.shape[1:] == served.shape[1:]
    spread, span = float(served.std()), float(served.max() - served.min())
    assert images.std((1, 2, 3)).min() > 0.5 * spread  # none of them is flat
    assert abs(float(images.mean()) - float(served.mean())) < 0.25 * spread
    assert float(images.std()) == pytest.approx(spread, rel=0.25)
    for q in (0.005, 0.995):
        assert abs(np.quantile(images.numpy(), q) - np.quantile(served.numpy(), q)) < 0.5 * span


def test_simulated_items_are_marked_and_balanced() -> None:
    drawn = simulated_items("brain-mr", 4, seed=1)
    assert [i.labels[0] for i in drawn] == ["no tumour", "tumour"] * 2
    assert all(i.simulated for i in drawn)
    assert len({i.group for i in drawn}) == 4
    again = simulated_items("brain-mr", 4, seed=1)
    assert all(np.array_equal(a.series.pixels, b.series.pixels) for a, b in zip(drawn, again, strict=True))


def test_a_folder_that_is_laid_out_otherwise_is_told(tmp_path: Path, data: Path) -> None:
    with pytest.raises(DataLayoutError):
        load_items("brain-lgg", tmp_path)
    (tmp_path / "index.csv").write_text("image,label\na.png,1\n")
    with pytest.raises(DataLayoutError) as raised:
        load_items("brain-lgg", tmp_path)
    assert "patient" in raised.value.message
    (tmp_path / "index.csv").write_text("image,mask,patient,slice,tumour\na.png,b.png,P,1,0\n")
    with pytest.raises(DataLayoutError) as raised:
        load_items("brain-lgg", tmp_path)
    assert "b.png" in raised.value.message
    with pytest.raises(DataLayoutError):
        load_items("no-such-set", data)
