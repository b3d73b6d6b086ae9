"""The coronal projection shows the head up and the patient's right on the left, whatever the storage order."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging import Modality, Plane, Series, Unit, coronal_mip, read
from tests.imaging.builders import AXIAL, PET, named, pet_tags, stack

HEAD, RIGHT = 500.0, 300.0
# rows, columns and slices of the stack along different patient axes
ORIENTATIONS = [AXIAL, (-1, 0, 0, 0, -1, 0), (1, 0, 0, 0, 0, -1), (0, 1, 0, 0, 0, -1), (0, 1, 0, 0, 0, 1)]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_head_up_and_right_on_the_left(orientation: tuple[float, ...]) -> None:
    volume = np.full((20, 18, 16), 10, np.uint16)
    headers = stack(volume, orientation=orientation, step=2.0, spacing=(3.0, 4.0))
    affine = read(named(headers)).series[0].affine
    assert affine is not None
    # mark, by position in the patient, the voxel nearest to the head and the one farthest to the right
    index = np.indices(volume.shape[::-1]).reshape(3, -1)  # column, row, slice
    places = affine[:3, :3] @ index
    middle = np.abs(places - np.median(places, axis=1, keepdims=True)).sum(axis=0)
    top = index[:, np.argmax(1e6 * places[2] - middle)]
    right = index[:, np.argmax(-1e6 * places[0] - middle)]
    volume[tuple(top[::-1])], volume[tuple(right[::-1])] = HEAD, RIGHT
    mip = coronal_mip(read(named(stack(volume, orientation=orientation, step=2.0, spacing=(3.0, 4.0)))).series[0])
    row, column = np.argwhere(mip.pixels[0] == HEAD)[0]
    assert row == 0
    assert 0 < column < mip.shape[1] - 1
    row, column = np.argwhere(mip.pixels[0] == RIGHT)[0]
    assert column == 0
    assert 0 < row < mip.shape[0] - 1
    assert mip.plane is Plane.CORONAL
    # the affine of the projection puts the marks where they are, depth aside
    assert mip.affine is not None
    place = mip.affine @ [column, row, 0, 1.0]
    expected = affine @ [*right, 1.0]
    np.testing.assert_allclose(place[[0, 2]], expected[[0, 2]], atol=1e-4)


def test_values_spacing_and_truth() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.random((20, 8, 10), dtype=np.float32)
    truth = rng.random(pixels.shape) > 0.95
    series = Series(
        "k", "PET", pixels, Unit.SUV, Modality.PT, (3.0, 4.0, 5.0), affine=np.diag([5.0, 4.0, 3.0, 1.0]), truth=truth
    )
    mip = coronal_mip(series)
    np.testing.assert_array_equal(mip.pixels[0], pixels.max(axis=1)[::-1])
    assert mip.truth is not None
    np.testing.assert_array_equal(mip.truth[0], truth.any(axis=1)[::-1])
    assert (mip.spacing, mip.unit, mip.projection) == ((4.0, 3.0, 5.0), Unit.SUV, "mip-coronal")
    assert any("6 cm" in note for note in mip.notes)


def test_without_affine_axial_is_assumed_and_said() -> None:
    pixels = np.random.default_rng(0).random((20, 8, 10), dtype=np.float32)
    mip = coronal_mip(Series("k", "PET", pixels))
    np.testing.assert_array_equal(mip.pixels[0], pixels.max(axis=1)[::-1])
    assert mip.spacing is None
    assert any("orientation is unknown" in note for note in mip.notes)


def test_read_adds_it_in_front_of_pet_volumes_only() -> None:
    volume = np.ones((16, 6, 6), np.uint16)
    pet = read(named(stack(volume, sop_class=PET, modality="PT", **pet_tags())))
    assert [series.projection for series in pet.series] == ["mip-coronal", "slice"]
    assert pet.series[0].unit is Unit.SUV
    assert [series.projection for series in read(named(stack(volume))).series] == ["slice"]
    few = read(named(stack(volume[:15], sop_class=PET, modality="PT", **pet_tags())))
    assert [series.projection for series in few.series] == ["slice"]
