"""The box around the body, and what is cut off and put back by a contract that asks for it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy import ndimage

from core.imaging.study import Series
from core.preprocessing.body import MARGIN, body_box
from core.preprocessing.contract import InputContract
from core.preprocessing.prepare import fit_of, prepare, prepare_plane
from core.preprocessing.scaling import values_of
from core.simulate.phantom import phantom

CHEST = InputContract(channels=1, height=96, width=96, crop="body", scaling="window", window=(-500, 1500))
PET = InputContract(channels=1, height=192, width=96, crop="body", scaling="suv", projection="mip-coronal")


def bounds(found: np.ndarray) -> tuple[int, int, int, int]:
    """Bounds of the largest connected part."""
    parts, count = ndimage.label(found)
    largest = int(np.argmax(ndimage.sum(found, parts, range(1, count + 1))))
    rows, columns = ndimage.find_objects(parts)[largest]
    return rows.start, columns.start, rows.stop, columns.stop


def holds(box: tuple[int, int, int, int], body: tuple[int, int, int, int], slack: int) -> bool:
    """Whether a box contains a body, with no more than ``slack`` pixels to spare on any side."""
    spare = np.array([body[0] - box[0], body[1] - box[1], box[2] - body[2], box[3] - body[3]])
    return bool((spare >= 0).all() and (spare <= slack).all())


@pytest.mark.parametrize("seed", range(4))
def test_a_chest_is_found_and_its_table_is_not(seed: int) -> None:
    series = phantom("chest-ct", seed).series
    hu = series.pixels[0]
    body = bounds(hu > -300)
    slack = round(MARGIN * 320) + 4
    assert holds(body_box(values_of(series, 0, CHEST)), body, slack)
    bottom = min(body[2] + 12, 316)
    hu = hu.copy()
    hu[bottom : bottom + 4, 10:310] = 100.0  # a table, thinner than 2 % of the width, wider than the body
    tabled = replace(series, pixels=hu[None])
    assert bounds(hu > -300)[2] > body[2] or bottom + 4 > body[2]
    assert holds(body_box(values_of(tabled, 0, CHEST)), body, slack)


@pytest.mark.parametrize("seed", range(4))
def test_a_projection_is_cut_at_the_skin(seed: int) -> None:
    """In SUV, and as a picture with white for no uptake: the same box, up to grey levels."""
    series = phantom("pet", seed, "no cancer", picture=False).series
    body = bounds(series.pixels[0] > 0.25)
    box = body_box(values_of(series, 0, PET), projection=True)
    assert holds(box, body, round(MARGIN * 400) + 6)
    width = series.shape[1]
    assert box[3] - box[1] < 0.7 * width  # much of the picture was air
    drawn = phantom("pet", seed, "no cancer", picture=True).series
    assert np.abs(np.array(body_box(values_of(drawn, 0, PET), projection=True)) - box).max() <= 6


def test_what_holds_no_body_is_taken_whole() -> None:
    blank = np.full((120, 160), 7.0)
    assert body_box(blank) == (0, 0, 120, 160)
    assert body_box(np.full((120, 160), np.nan)) == (0, 0, 120, 160)
    spot = np.zeros((120, 160))
    spot[50:62, 70:90] = 1.0  # too small to be a body
    assert body_box(spot) == (0, 0, 120, 160)
    full = np.random.default_rng(0).uniform(50, 60, (120, 160))
    full[:2] = 0
    assert body_box(full) == (0, 0, 120, 160)


def test_the_box_by_hand() -> None:
    """A square blurred by two pixels, with a margin of 2 % of 200."""
    plane = np.zeros((200, 200))
    plane[40:110, 60:150] = 1.0
    top, left, bottom, right = body_box(plane)
    assert (top, left, bottom, right) == pytest.approx((40 - 4, 60 - 4, 110 + 4, 150 + 4), abs=2)


def test_a_cropped_tensor_is_that_of_the_cropped_picture() -> None:
    """Cut by hand first, then prepared without a crop: the same tensor, standardised on the body alone."""
    facts = {"standardise": True, "channels": 3}
    contract = CHEST.model_copy(update=facts)
    series = phantom("chest-ct", 1).series
    top, left, bottom, right = body_box(values_of(series, 0, contract))
    cut = replace(series, pixels=series.pixels[:, top:bottom, left:right], truth=None)
    plain = contract.model_copy(update={"crop": "none"})
    np.testing.assert_array_equal(prepare(series, contract).numpy(), prepare(cut, plain).numpy())
    assert not np.array_equal(prepare(series, contract).numpy(), prepare(series, plain).numpy())


def test_air_around_a_picture_changes_nothing() -> None:
    series = phantom("chest-ct", 2).series
    padded = np.pad(series.pixels, ((0, 0), (30, 10), (0, 50)), constant_values=series.pixels.min())
    wide = replace(series, pixels=padded, truth=None)
    narrow, broad = (prepare_plane(s, 0, CHEST) for s in (series, wide))
    assert np.corrcoef(narrow.ravel(), broad.ravel())[0, 1] > 0.99
    plain = CHEST.model_copy(update={"crop": "none"})
    narrow, broad = (prepare_plane(s, 0, plain) for s in (series, wide))
    assert np.corrcoef(narrow.ravel(), broad.ravel())[0, 1] < 0.8


def marked(series: Series) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A rectangle inside the body, and its corners."""
    mask = np.zeros(series.shape, np.float32)
    height, width = series.shape
    corners = round(0.45 * height), round(0.42 * width), round(0.6 * height), round(0.55 * width)
    mask[corners[0] : corners[2], corners[1] : corners[3]] = 1
    return mask, corners


@pytest.mark.parametrize("resize", ["letterbox", "stretch", "actual"])
@pytest.mark.parametrize("system", ["chest-ct", "pet"])
def test_masks_and_heat_maps_come_back_to_their_place(system: str, resize: str) -> None:
    contract = {"chest-ct": CHEST, "pet": PET}[system].model_copy(update={"resize": resize})
    series = phantom(system, 3, picture=system == "pet" or None).series
    mask, corners = marked(series)
    fit = fit_of(series, 0, contract)
    assert fit.box != (0, 0, *series.shape)
    back = fit.back(fit.into(mask))
    assert back.shape == series.shape
    rows, columns = np.nonzero(back > 0.5)
    found = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    tall, wide = fit.box[2] - fit.box[0], fit.box[3] - fit.box[1]
    pixel = max(tall / fit.inner[0], wide / fit.inner[1], 1.0)  # one tensor pixel in image pixels
    assert np.abs(np.array(found) - corners).max() <= pixel
    outside = np.ones(series.shape, bool)
    outside[fit.box[0] : fit.box[2], fit.box[1] : fit.box[3]] = False
    assert outside.any()
    assert (fit.back(np.ones(fit.size, np.float32))[outside] == 0).all()


def test_a_cropped_map_is_the_resized_map_inside_the_box() -> None:
    """A stretched contract maps back by one resize: the box holds exactly that, in its place."""
    contract = CHEST.model_copy(update={"resize": "stretch"})
    series = phantom("chest-ct", 0).series
    values = np.random.default_rng(2).random((96, 96)).astype(np.float32)
    fit = fit_of(series, 0, contract)
    top, left, bottom, right = fit.box
    expected = np.zeros(series.shape, np.float32)
    expected[top:bottom, left:right] = cv2.resize(values, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(fit.back(values), expected)


def test_every_slice_has_its_own_box_and_neighbours_may_not_be_cut() -> None:
    series = phantom("chest-ct", 1).series
    shifted = np.roll(series.pixels[0], -12, axis=0)
    both = replace(series, pixels=np.stack([series.pixels[0], shifted]), truth=None)
    first, second = (fit_of(both, index, CHEST).box for index in (0, 1))
    assert first[0] - second[0] == 12
    with pytest.raises(ValueError, match="cut differently"):
        InputContract(channels=3, context="neighbours", height=32, width=32, crop="body")
