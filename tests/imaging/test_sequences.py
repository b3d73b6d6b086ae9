"""Three MR sequences in the channels of a picture, as the public LGG set has them, and what only looks like it."""

from __future__ import annotations

import functools

import cv2
import matplotlib as mpl
import numpy as np
import pytest
import skimage.data

from core.imaging import Series, Unit, read
from core.imaging.sequences import NOTE, three_sequences
from core.simulate.brain_sequences import brain_sequences
from tests.imaging.builders import picture, zipped

SIDE = 160
LEVELS = (0.45, 0.6, 0.75)
WEIGHTS = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, what "convert to grey" does


@functools.cache
def head(seed: int, level: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    return brain_sequences(np.random.default_rng(seed), seed % 2 == 0, level, SIDE)


def one(*files: tuple[str, bytes]) -> Series:
    found = read(files).series
    assert len(found) == 1
    return found[0]


def flair() -> np.ndarray:
    return head(4)[0][..., 1]


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_the_sequences_are_mixed_as_the_models_learnt_them_and_the_note_says_so(kind: str) -> None:
    rgb, _ = head(2)
    series = one(("a.tif", picture(rgb, kind)))
    assert (series.sequences, series.colour, series.unit) == (True, False, Unit.GREY)
    np.testing.assert_allclose(series.pixels[0], rgb @ WEIGHTS, atol=1e-2)
    assert series.notes == (NOTE,)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_compressed_tiff(compression: str) -> None:
    assert one(("a.tif", picture(head(2)[0], "TIFF", compression=compression))).sequences


@pytest.mark.parametrize("channels", [(1, 1, 2), (0, 1, 1)], ids=["no image before contrast", "none after contrast"])
@pytest.mark.parametrize("seed", [2, 3])
def test_a_missing_sequence_is_filled_with_the_flair(channels: tuple[int, ...], seed: int) -> None:
    assert three_sequences(head(seed)[0][..., channels]) is True


def test_other_heads_and_levels() -> None:
    assert [three_sequences(head(seed, level)[0]) for seed, level in enumerate(LEVELS, 10)] == [True] * len(LEVELS)
    assert three_sequences(head(10, 0.45)[0] // 4) is True  # some of the set are that dark


def test_a_folder_as_the_set_has_it_is_one_stack_with_its_masks() -> None:
    files = []
    for number, level in enumerate(LEVELS, 1):
        rgb, mask = head(2, level)
        files.append((f"TCGA_X/TCGA_X_{number}.tif", picture(rgb, "TIFF")))
        files.append((f"TCGA_X/TCGA_X_{number}_mask.tif", picture(mask.astype(np.uint8) * 255, "TIFF")))
    empty = np.zeros_like(head(2)[0])
    empty[80:83, 80:83] = (9, 5, 7)  # the end of a stack shows next to nothing, and tells nothing
    files.append(("TCGA_X/TCGA_X_4.tif", picture(empty, "TIFF")))
    series = one(("lgg.zip", zipped(files)))
    assert (series.slices, series.sequences, series.colour) == (4, True, False)
    assert series.truth is not None
    assert series.truth[:3].any()


def overlay() -> np.ndarray:
    grey = np.repeat(flair()[..., None], 3, axis=2)
    cv2.circle(grey, (70, 75), 16, (255, 60, 0), -1)
    return np.asarray(cv2.addWeighted(np.repeat(flair()[..., None], 3, axis=2), 0.6, grey, 0.4, 0))


def fused() -> np.ndarray:
    """Uptake through a colour map over a grey scan, half and half."""
    y, x = np.mgrid[:SIDE, :SIDE]
    uptake = np.exp(-((x - 70) ** 2 + (y - 75) ** 2) / 400)
    colours = mpl.colormaps["hot"](0.3 * uptake)[..., :3] * 255
    return (0.5 * flair()[..., None] + 0.5 * colours).astype(np.uint8)


def mapped(name: str) -> np.ndarray:
    return (mpl.colormaps[name](flair() / flair().max())[..., :3] * 255).astype(np.uint8)


WRONG = {
    "tint": lambda: (flair()[..., None] * np.array([1.0, 0.8, 0.6])).astype(np.uint8),
    "overlay": overlay,
    "fused": fused,
    **{name: functools.partial(mapped, name) for name in ("jet", "hot", "bone", "viridis", "nipy_spectral")},
    **{
        name: getattr(skimage.data, name)
        for name in ("astronaut", "coffee", "chelsea", "rocket", "retina", "immunohistochemistry", "colorwheel")
    },
    "noise": lambda: np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8),
}


@pytest.mark.parametrize("name", WRONG)
def test_colour_stays_colour(name: str) -> None:
    series = one(("a.tif", picture(np.ascontiguousarray(WRONG[name]()[:512, :512]), "TIFF")))
    assert (series.sequences, series.colour) == (False, True)
    assert "Colour was turned to grey." in series.notes


def test_colour_that_was_stored_lossy_holds_no_sequences() -> None:
    series = one(("a.jpg", picture(head(2)[0], "JPEG", quality=95)))
    assert (series.sequences, series.colour) == (False, True)


def test_most_slices_decide() -> None:
    photo = skimage.data.chelsea()[:SIDE, :SIDE]
    files = [(f"x/{n}.tif", picture(image, "TIFF")) for n, image in enumerate([head(2)[0], photo, photo])]
    series = one(*files)
    assert (series.sequences, series.colour) == (False, True)
