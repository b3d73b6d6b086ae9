"""NIfTI: orientation against nibabel's own, scaling, names, masks."""

from __future__ import annotations

import gzip
import itertools
import struct
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from core.errors import LimitExceededError, UnreadableFileError
from core.imaging import Limits, Modality, Plane, SourceKind, Unit, read
from core.imaging.limits import DEFAULT_LIMITS
from tests.imaging.builders import nifti, noise

VALUES = noise(5, 7, 9, dtype=np.int16, seed=2)


def oriented(axes: tuple[int, ...], signs: tuple[int, ...]) -> np.ndarray:
    affine = np.zeros((4, 4))
    for voxel, (axis, sign, size) in enumerate(zip(axes, signs, (1.5, 2.0, 2.5), strict=True)):
        affine[axis, voxel] = sign * size
    affine[:, 3] = (11.0, -7.0, 23.0, 1.0)
    return affine


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (-1, 1, -1), (1, -1, -1)])
def test_orientation_against_nibabel(axes: tuple[int, ...], signs: tuple[int, ...]) -> None:
    affine = oriented(axes, signs)
    study = read([("x.nii", nifti(VALUES, affine))])
    series = study.series[0]
    assert study.source is SourceKind.NIFTI
    assert series.plane is Plane.AXIAL
    canonical = nib.as_closest_canonical(nib.Nifti1Image(VALUES, affine))
    # nibabel: first axis to the right, second to the front; display: columns to the left, rows to the back
    expected = np.asarray(canonical.dataobj)[::-1, ::-1].transpose(2, 1, 0)
    np.testing.assert_array_equal(series.pixels, expected.astype(np.float32))
    zooms = canonical.header.get_zooms()
    assert series.spacing == pytest.approx((zooms[2], zooms[1], zooms[0]))
    # one marked voxel: its place in RAS by the file's own affine, in LPS by ours
    voxel = (3, 2, 6)
    ras = affine @ [*voxel, 1.0]
    marked = np.zeros_like(VALUES)
    marked[voxel] = 1
    slice_, row, column = np.argwhere(read([("x", nifti(marked, affine))]).series[0].pixels)[0]
    assert series.affine is not None
    lps = series.affine @ [column, row, slice_, 1.0]
    np.testing.assert_allclose(lps[:3], [-ras[0], -ras[1], ras[2]], atol=1e-5)


def test_scaling_and_packing() -> None:
    data = bytearray(nifti(VALUES))
    struct.pack_into("<ff", data, 112, 0.25, 10.0)  # scl_slope, scl_inter
    expected = nib.Nifti1Image.from_bytes(bytes(data)).get_fdata()[::-1, ::-1].transpose(2, 1, 0)
    assert expected.max() < 32767 / 3
    for stored in (bytes(data), gzip.compress(bytes(data))):
        np.testing.assert_allclose(read([("x.nii.gz", stored)]).series[0].pixels, expected, rtol=1e-6)


def test_second_version_and_four_dimensions() -> None:
    values = noise(4, 5, 6, 3, dtype=np.uint8)
    image = nib.Nifti2Image(values, np.diag([2.0, 2.0, 3.0, 1.0]))
    image.header.set_slope_inter(2.0, 1.0)
    study = read([("x", image.to_bytes())])
    assert [series.told_apart for series in study.series] == [("volume 1",), ("volume 2",), ("volume 3",)]
    for number, series in enumerate(study.series):
        expected = values[::-1, ::-1, :, number].transpose(2, 1, 0) * 2.0 + 1.0
        np.testing.assert_array_equal(series.pixels, expected)
        assert series.spacing == pytest.approx((3.0, 2.0, 2.0))
        assert f"volume {number + 1}" in series.description
    assert len({series.key for series in study.series}) == 3


def test_volumes_that_are_too_many_together_leave_the_first() -> None:
    values = noise(4, 5, 6, 3, dtype=np.uint8)
    study = read([("x.nii", nifti(values))], replace(DEFAULT_LIMITS, total_voxels=4 * 5 * 6 * 2))
    (series,) = study.series
    np.testing.assert_array_equal(series.pixels, values[::-1, ::-1, :, 0].transpose(2, 1, 0))
    assert any("3 volumes, too many" in note for note in series.notes)


@pytest.mark.parametrize("volumes", [1, 3])
def test_a_mask_lies_on_every_volume_or_each_on_its_own(volumes: int) -> None:
    mask = (noise(4, 5, 6, volumes, dtype=np.uint8, seed=2) > 200).astype(np.uint8)
    files = [("s.nii", nifti(noise(4, 5, 6, 3, dtype=np.uint8))), ("s_mask.nii", nifti(np.squeeze(mask)))]
    study = read(files)
    assert len(study.series) == 3
    for number, series in enumerate(study.series):
        expected = mask[::-1, ::-1, :, number % volumes].transpose(2, 1, 0) > 0
        assert series.truth is not None
        np.testing.assert_array_equal(series.truth, expected)
    two = read([files[0], ("s_mask.nii", nifti(noise(4, 5, 6, 2, dtype=np.uint8)))])
    assert two.problems[0].reason == "The mask has 2 volumes, the image has 3."


@pytest.mark.parametrize(
    ("name", "scale", "modality", "unit"),
    [
        ("pet.nii", 12.0, Modality.PT, Unit.SUV),
        ("pet.nii", 90_000.0, Modality.PT, Unit.ARBITRARY),
        ("sub-01_FLAIR.nii", 500.0, Modality.MR, Unit.ARBITRARY),
        ("mr_t1.nii", 500.0, Modality.MR, Unit.ARBITRARY),
        ("petct.nii", 12.0, Modality.UNKNOWN, Unit.ARBITRARY),
        ("pet_mr.nii", 12.0, Modality.UNKNOWN, Unit.ARBITRARY),
        ("scan.nii", 12.0, Modality.UNKNOWN, Unit.ARBITRARY),
    ],
)
def test_hints_in_the_name(name: str, scale: float, modality: Modality, unit: Unit) -> None:
    values = np.linspace(0, scale, 60, dtype=np.float32).reshape(3, 4, 5)
    series = read([(name, nifti(values))]).series[0]
    assert (series.modality, series.unit) == (modality, unit)
    assert ("name hint" in series.tags) == (modality is not Modality.UNKNOWN)
    assert any("file name" in note for note in series.notes) == (modality is not Modality.UNKNOWN)


def test_mask_becomes_truth_in_the_same_orientation() -> None:
    affine = oriented((2, 0, 1), (-1, 1, -1))
    mask = (VALUES > 20000).astype(np.uint8)
    study = read(
        [("a/pet_mask.nii.gz", nifti(mask, affine, packed=True)), ("a/pet.nii.gz", nifti(VALUES, affine, True))]
    )
    assert len(study.series) == 1
    series = study.series[0]
    assert series.truth is not None
    np.testing.assert_array_equal(series.truth, series.pixels > 20000)


def test_mask_alone_and_mask_of_another_volume() -> None:
    alone = read([("t1_mask.nii", nifti(VALUES))]).series[0]
    assert any("looks like a mask" in note for note in alone.notes)
    study = read([("t1_mask.nii", nifti(VALUES[:, :, :4])), ("t1.nii", nifti(VALUES))])
    assert study.series[0].truth is None
    assert "4 slices" in study.problems[0].reason


def test_not_a_number_is_zero() -> None:
    values = np.ones((3, 4, 5), np.float32)
    values[1, 1, 1] = np.nan
    series = read([("x", nifti(values))]).series[0]
    assert series.pixels.sum() == 59
    assert any("without a number" in note for note in series.notes)


def test_what_is_no_image_is_refused() -> None:
    image = nib.Nifti2Image(np.zeros((1, 1, 1, 1, 4, 3), np.float32), np.eye(4))
    image.header["intent_code"] = 3001
    with pytest.raises(UnreadableFileError, match="CIFTI"):
        read([("x.dconn.nii", image.to_bytes())])


def test_truncated() -> None:
    for data in (nifti(VALUES)[:-10], nifti(VALUES, packed=True)[:-40]):
        with pytest.raises(UnreadableFileError, match="truncated"):
            read([("x.nii", data)])


def test_refused_by_the_header() -> None:
    header = nib.Nifti1Header()
    header.set_data_dtype(np.float64)
    header.set_data_shape((16000, 3000, 3000))
    bomb = gzip.compress(header.binaryblock + b"\x00" * 400)
    with pytest.raises(LimitExceededError, match="total bytes"):
        read([("x.nii.gz", bomb)])
    with pytest.raises(LimitExceededError, match="total voxels"):
        read([("x.nii", nifti(VALUES))], Limits(total_voxels=300))
