"""Wrong images that train the gate: grey pictures, the same for a seed, none of the families it is measured on."""

from __future__ import annotations

import numpy as np
import pytest

from trainers.data import wrong_drawings as drawings
from trainers.data.router_data import UNSEEN, families, picture
from trainers.data.wrong_images import Maker, small


@pytest.mark.parametrize(
    "make", [drawings.leaves, drawings.clouds, drawings.stars, drawings.paper, drawings.snapshot, drawings.relief,
             drawings.mirrored]
)  # fmt: skip
def test_drawings_are_grey_pictures_and_follow_their_seed(make: Maker) -> None:
    for seed in range(4):
        image, again, other = (make(np.random.default_rng(s)) for s in (seed, seed, seed + 99))
        assert image.dtype == np.float32
        assert image.ndim == 2
        assert min(image.shape) >= 16
        assert image.min() >= -1e-3
        assert image.max() <= 255.001
        assert np.array_equal(image, again)
        assert image.shape != other.shape or not np.array_equal(image, other)
        assert picture(image).shape == (128, 128)


def test_a_mirrored_picture_is_its_own_mirror_image() -> None:
    for seed in range(4):
        image = drawings.mirrored(np.random.default_rng(seed))
        assert np.array_equal(image, image[:, ::-1])


def test_light_falls_on_reliefs_from_one_side() -> None:
    # A flat drawing has one grey level a body; a lit one has many.
    for seed in range(4):
        image = drawings.relief(np.random.default_rng(seed))
        assert len(np.unique(image.round())) > 60


def test_small_pictures_are_as_small_as_lesion_crops() -> None:
    rng = np.random.default_rng(1)
    sides = [max(small(drawings.snapshot, 1.0)(rng).shape) for _ in range(40)]
    assert min(sides) >= 13
    assert max(sides) <= 64


def test_families_that_measure_are_never_trained_on() -> None:
    planes = [np.random.default_rng(0).uniform(0, 255, (128, 128)).astype(np.float32)]
    trained = {name for name, _, _ in families("train", planes)}
    chosen = {name for name, _, _ in families("validation", planes)}
    measured = {name for name, _, _ in families("test", planes)}
    assert not (trained | chosen) & set(UNSEEN)
    assert set(UNSEEN) <= measured
    assert {"relief", "mirrored", "small snapshot"} <= trained - measured
