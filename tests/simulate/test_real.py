"""Simulated scans against real ones: grey levels, noise and sizes within stated bounds."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from core.errors import ContractError
from core.imaging.study import Unit
from core.simulate import phantom
from core.simulate.insertion import insert_lesion

pytestmark = pytest.mark.real


def pictures(root: Path, folder: str, count: int, **wanted: str) -> list[np.ndarray]:
    """``count`` grey pictures, spread evenly over the index."""
    with (root / folder / "index.csv").open(encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if all(row[k] == v for k, v in wanted.items())]
    picked = rows[:: max(len(rows) // count, 1)][:count]
    return [np.array(Image.open(root / folder / row["image"]).convert("L")) for row in picked]


def simulated(system: str, count: int, finding: str | None = None) -> list[np.ndarray]:
    return [phantom(system, seed, finding, picture=True).series.pixels[0] for seed in range(count)]


def quantiles(images: list[np.ndarray], points: list[float]) -> np.ndarray:
    return np.mean([np.percentile(image, points) for image in images], axis=0)


def roughness(images: list[np.ndarray], low: float, high: float) -> float:
    """Median spread of the fine structure among pixels between two grey levels."""
    out = []
    for image in images:
        values = image.astype(float)
        fine = values - ndimage.gaussian_filter(values, 2)
        out.append(fine[(values > low) & (values < high)].std())
    return float(np.median(out))


def test_brain_grey_levels(real_data: Path) -> None:
    points = [25.0, 50.0, 75.0, 90.0, 97.0]
    real, drawn = (quantiles(i, points) for i in (pictures(real_data, "brain-lgg", 60), simulated("brain-mr", 30)))
    # Within 12 grey levels, and the bright scalp within a quarter.
    assert np.abs(real - drawn)[:2].max() < 12
    assert np.abs(real - drawn)[2:4].max() < 20
    assert drawn[4] == pytest.approx(real[4], rel=0.35)


def test_chest_grey_levels_and_noise(real_data: Path) -> None:
    points = [5.0, 25.0, 50.0, 75.0, 90.0, 97.0]
    images, phantoms = pictures(real_data, "lung-ct", 30), simulated("chest-ct", 16)
    real, drawn = quantiles(images, points), quantiles(phantoms, points)
    assert np.abs(real - drawn).max() < 20
    ratio = roughness(phantoms, 205, 235) / roughness(images, 205, 235)
    assert 0.5 < ratio < 2.0


def test_pet_grey_levels_and_noise(real_data: Path) -> None:
    images, phantoms = pictures(real_data, "pet-mip", 20, label="no-cancer"), simulated("pet", 10, "no cancer")
    assert np.mean([i.mean() for i in phantoms]) == pytest.approx(np.mean([i.mean() for i in images]), abs=15)
    assert np.mean([i.std() for i in phantoms]) == pytest.approx(np.mean([i.std() for i in images]), abs=15)
    ratio = roughness(phantoms, 190, 235) / roughness(images, 190, 235)
    assert 0.6 < ratio < 1.6


def test_patterns_are_inserted_into_real_projections(real_data: Path) -> None:
    done = 0
    images = pictures(real_data, "pet-mip", 15, label="no-cancer")
    for number, image in enumerate(images):
        kind = ("breast cancer", "prostate cancer", "physiological")[number % 3]
        try:
            result, mask = insert_lesion(image, np.random.default_rng(number), kind=kind, unit=Unit.GREY)
        except ContractError:
            continue
        done += 1
        np.testing.assert_array_equal(result[~mask], image[~mask])
        assert mask.any()
        # Uptake is only ever added: dark on white.
        assert (result[mask] <= image[mask]).all()
    # The others have an empty bladder or end above the pelvis.
    assert done >= 0.75 * len(images)
