"""Scans cut into tiles and put together otherwise are told by their seams; scans in one piece are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.engine.picture_rules import SEAM, seam
from core.engine.warn import series_warnings
from core.imaging import read
from core.imaging.study import Series, Unit
from core.simulate import DRAWINGS, phantom
from core.systems import system

PICTURES = [name for name in DRAWINGS if name != "mr-pet"]  # volumes in SUV are no pictures


def shuffled(plane: np.ndarray, tiles: int, seed: int) -> np.ndarray:
    side = min(plane.shape) // tiles
    cut = [plane[r * side : (r + 1) * side, c * side : (c + 1) * side] for r in range(tiles) for c in range(tiles)]
    moved = [cut[k] for k in np.random.default_rng(seed).permutation(len(cut))]
    return np.vstack([np.hstack(moved[r * tiles : (r + 1) * tiles]) for r in range(tiles)])


def kinds_of(plane: np.ndarray) -> set[str]:
    series = Series("p", "picture", plane[None].astype(np.float32), unit=Unit.GREY, value_range=(0.0, 255.0))
    return {flag.kind for flag in series_warnings(system("chest-ct"), series, None)}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("seed", range(3))
def test_simulated_scans_are_in_one_piece(name: str, seed: int) -> None:
    plane = phantom(name, seed, picture=True).series.pixels[0]
    assert seam(plane) < SEAM
    assert "cut-up" not in kinds_of(plane)


@pytest.mark.parametrize("name", PICTURES)
def test_most_cut_up_scans_are_told(name: str) -> None:
    planes = [phantom(name, seed, picture=True).series.pixels[0] for seed in range(2)]
    # as the gate's own figures have them: enlarged or made smaller to one size first
    planes = [cv2.resize(plane, (192, 192)) for plane in planes]
    told = ["cut-up" in kinds_of(shuffled(p, tiles, seed)) for p in planes for tiles in (2, 3, 4) for seed in range(8)]
    assert np.mean(told) >= 0.75


def test_flat_and_tiny_images_have_no_seam() -> None:
    assert seam(np.full((60, 60), 9, np.float32)) < SEAM
    assert seam(np.tile(np.linspace(0, 255, 90, dtype=np.float32), (70, 1))) < SEAM
    assert np.isfinite(seam(np.arange(64, dtype=np.float32).reshape(8, 8)))


@pytest.mark.real
@pytest.mark.parametrize(
    "pattern", ["brain-lgg/images/*/*.jpg", "brain-brisc/images/*/*.jpg", "lung-ct/*/*.jpg", "pet-mip/*cancer/*.jpg"]
)
def test_real_scans_are_in_one_piece(real_data: Path, pattern: str) -> None:
    files = sorted(real_data.glob(pattern))
    files = files[:: max(1, len(files) // 40)]
    assert len(files) >= 30
    assert [f.name for f in files if seam(read([(f.name, f.read_bytes())]).series[0].pixels[0]) > SEAM] == []
