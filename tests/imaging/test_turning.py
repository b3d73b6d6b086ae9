"""Projections from all sides: where a spot lands, what SciPy finds along the rays, and the front as it always was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from core.engine.measure import volume_ml
from core.imaging import Modality, Series, Unit, coronal_mip, read
from core.imaging.study import SourceKind, Study
from core.imaging.turning import LEAST_SIDE, STEP, VIEWS, sides_of, turned_mips
from tests.imaging.builders import AXIAL, PET, named, pet_tags, stack

STEPS = (5.0, 2.0, 3.0)  # millimetres: slices, rows, columns


def volume(shape: tuple[int, int, int], signs: tuple[int, int, int] = (1, 1, 1)) -> Series:
    """Axial slices of noise on a ground of 2; ``signs`` turn columns, rows and slices round against the patient."""
    pixels = np.random.default_rng(4).uniform(2, 9, shape).astype(np.float32)
    affine = np.diag([STEPS[2] * signs[0], STEPS[1] * signs[1], STEPS[0] * signs[2], 1.0])
    return Series("k", "PET, 20 slices", pixels, Unit.SUV, Modality.PT, STEPS, affine=affine)


def around(series: Series) -> Series:
    found = turned_mips(series, coronal_mip(series))
    assert found is not None
    return found


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1)])
def test_a_spot_lies_where_it_must_on_every_side(signs: tuple[int, int, int]) -> None:
    """By hand: 18 mm to the patient's left of the axis and 20 mm behind it, 7 slices below the topmost."""
    series = volume((20, 41, 31), signs)
    column, row = 15 + 6 * signs[0], 20 + 10 * signs[1]
    series.pixels[19 - 7 if signs[2] > 0 else 7, row, column] = 500
    turned = around(series)
    middle = (turned.shape[1] - 1) / 2
    for view in range(VIEWS):
        angle = np.deg2rad(STEP * view)
        found = np.unravel_index(int(turned.pixels[view].argmax()), turned.shape)
        assert found[0] == 7
        assert abs((found[1] - middle) * STEPS[2] - (18 * np.cos(angle) + 20 * np.sin(angle))) <= STEPS[2] / 2 + 1e-6
    # from the patient's left the back is on the right of the picture
    assert (turned.pixels[4].argmax() % turned.shape[1] - middle) * STEPS[2] == pytest.approx(21)


def test_every_ray_holds_what_scipy_finds_along_it() -> None:
    series = volume((20, 26, 17))
    turned = around(series)
    assert series.affine is not None
    low, width = series.pixels.min(), turned.shape[1]
    along = (np.arange(width) - (width - 1) / 2) * STEPS[2]
    for view in (1, 3, 4, 6):
        # a grid that looks from the front, fine in depth as the volume, turned with the viewer about the body axis
        length = int(np.ceil(np.hypot(26 * STEPS[1], 17 * STEPS[2]) / STEPS[1]))
        length += length % 2  # as the 26 rows: both have an even number of places
        into = (np.arange(length) - (length - 1) / 2) * STEPS[1]
        x, y = np.meshgrid(along, into)
        places = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], 1)
        places = Rotation.from_euler("z", STEP * view, degrees=True).apply(places)
        rows, columns = places[:, 1] / STEPS[1] + 12.5, places[:, 0] / STEPS[2] + 8
        for height in (0, 9, 19):
            plane = series.pixels[height].astype(np.float64)
            # a rim of the lowest value: beyond the volume its weight fades within one voxel
            seen = ndimage.map_coordinates(np.pad(plane, 2, constant_values=low), [rows + 2, columns + 2], order=1,
                                           mode="constant", cval=low)  # fmt: skip
            np.testing.assert_allclose(
                turned.pixels[view, 19 - height], seen.reshape(length, width).max(0), rtol=1e-5, atol=1e-5
            )


@pytest.mark.parametrize("shape", [(20, 18, 16), (20, 40, 17), (20, 16, 40)])
def test_the_front_is_the_coronal_projection_bit_for_bit(shape: tuple[int, int, int]) -> None:
    series = volume(shape)
    truth = np.random.default_rng(0).random(shape) > 0.99
    series = replace(series, truth=truth)
    front, turned = coronal_mip(series), around(series)
    edge = (turned.shape[1] - front.shape[1]) // 2
    inner = slice(edge, edge + front.shape[1])
    assert turned.pixels[0][:, inner].tobytes() == front.pixels[0].tobytes()
    assert front.truth is not None
    assert turned.truth is not None
    np.testing.assert_array_equal(turned.truth[0][:, inner], front.truth[0])
    # the depth fits in too, and what was added is empty
    assert turned.shape[1] * STEPS[2] >= shape[1] * STEPS[1] - 1e-6
    assert (np.delete(turned.pixels[0], np.r_[inner], axis=1) == series.pixels.min()).all()
    assert turned.turned is not None
    assert (turned.turned.coronal, turned.turned.angles[3]) == (front.key, 67.5)
    assert (turned.affine, volume_ml(turned.truth, turned).unit) == (None, "pixels")


def test_a_mask_turns_with_the_picture() -> None:
    series = volume((20, 41, 31))
    truth = np.zeros(series.pixels.shape, bool)
    truth[5:9, 28:33, 20:24] = True
    turned = around(replace(series, truth=truth, pixels=np.where(truth, 90, 2).astype(np.float32)))
    assert turned.truth is not None
    # 90 inside the mask and 2 outside it: 46 where a ray's best place is covered by half
    told = np.abs(turned.pixels - 46) > 0.1
    np.testing.assert_array_equal(turned.truth[told], turned.pixels[told] >= 46)
    assert told.mean() > 0.99


def test_beside_the_front_lies_the_last_view_mirrored() -> None:
    """From 22.5 degrees to the other side: the volume mirrored, seen from 22.5 degrees to this one."""
    series = volume((20, 26, 17))
    turned, front = around(series), coronal_mip(series)
    study = Study("case", SourceKind.NIFTI, (front, series, turned), "0" * 64)
    mirrored = around(replace(series, pixels=np.ascontiguousarray(series.pixels[:, :, ::-1])))
    right, left = sides_of(study, 0, 0)
    assert (right.series, right.index, right.mirrored, left.index, left.mirrored) == (turned, 7, True, 1, False)
    np.testing.assert_allclose(mirrored.pixels[1], turned.pixels[7], rtol=1e-5)
    assert [(side.index, side.mirrored) for side in sides_of(study, 2, 7)] == [(6, False), (0, True)]
    assert sides_of(study, 1, 3) == ()
    assert sides_of(replace(study, series=(front, series)), 0, 0) == ()


def test_read_puts_it_last_and_leaves_thin_volumes() -> None:
    pixels = np.ones((16, LEAST_SIDE, LEAST_SIDE), np.uint16)
    pixels[3, 4, 5] = 90
    headers = stack(pixels, orientation=AXIAL, sop_class=PET, modality="PT", **pet_tags())
    found = read(named(headers)).series
    assert [(one.projection, one.slices) for one in found] == [("mip-coronal", 1), ("slice", 16), ("mip-coronal", 8)]
    thin = stack(pixels[:, 1:], sop_class=PET, modality="PT", **pet_tags())
    assert len(read(named(thin)).series) == 2
