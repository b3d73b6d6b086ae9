"""A mask lies where its file says, or is not laid over the image: against nibabel's affines and by hand."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from core.errors import UnreadableFileError
from core.imaging import Study, attach_truth, read
from tests.imaging.builders import AXIAL, CT, SEG, dataset, item, named, nifti, noise, picture, stack, to_bytes

IMAGE = noise(6, 8, 5, dtype=np.int16, seed=2)
AFFINE = np.array([[-2.0, 0, 0, 10], [0, 1.5, 0, -5], [0, 0, 3, 7], [0, 0, 0, 1]])
MARKED = (1, 2, 3)
MASK = np.zeros(IMAGE.shape, np.uint8)
MASK[MARKED] = 1


def both(mask: np.ndarray, affine: np.ndarray) -> Study:
    return read([("a.nii", nifti(IMAGE, AFFINE)), ("a_mask.nii", nifti(mask, affine))])


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("flipped", [(), (0,), (1, 2)])
def test_however_the_voxels_are_stored(axes: tuple[int, ...], flipped: tuple[int, ...]) -> None:
    stored = nib.Nifti1Image(MASK, AFFINE)
    turned = stored.as_reoriented([(axes.index(a), -1 if a in flipped else 1) for a in range(3)])
    series = both(np.asarray(turned.dataobj), turned.affine).series[0]
    assert series.truth is not None
    assert series.affine is not None
    (found,) = np.argwhere(series.truth)
    place = series.affine @ [found[2], found[1], found[0], 1.0]
    np.testing.assert_allclose(place * [-1, -1, 1, 1], AFFINE @ [*MARKED, 1.0], atol=1e-4)  # LPS and RAS


@pytest.mark.parametrize("shift", [(0, 0, 9), (4, 0, 0), (0, -3, 0), (200, 0, 0)])
def test_a_mask_that_lies_elsewhere_is_told(shift: tuple[float, ...]) -> None:
    moved = AFFINE.copy()
    moved[:3, 3] += shift
    study = both(MASK, moved)
    assert study.series[0].truth is None
    assert f"{np.linalg.norm(shift):.1f} mm" in study.problems[0].reason


def test_a_mask_saved_without_its_place_is_told() -> None:
    assert both(MASK, np.eye(4)).series[0].truth is None
    silent = nib.Nifti1Image(MASK, None)
    silent.header["sform_code"] = silent.header["qform_code"] = 0
    study = read([("a.nii", nifti(IMAGE, AFFINE)), ("a_mask.nii", silent.to_bytes())])
    assert study.series[0].truth is None
    assert "does not say how it lies" in study.problems[0].reason


def test_two_files_that_do_not_say_lie_as_they_are_stored() -> None:
    files = []
    for name, values in (("a.nii", IMAGE), ("a_mask.nii", MASK)):
        silent = nib.Nifti1Image(values, None)
        silent.header["sform_code"] = silent.header["qform_code"] = 0
        files.append((name, silent.to_bytes()))
    series = read(files).series[0]
    assert series.truth is not None
    np.testing.assert_array_equal(series.pixels[series.truth], [IMAGE[MARKED]])


def test_rounding_and_a_coarser_grid_of_the_same_extent_do_not_count() -> None:
    rounded = AFFINE.copy()
    rounded[:3, 3] += 0.4
    assert both(MASK, rounded).series[0].truth is not None
    coarse = AFFINE @ np.diag([2.0, 2.0, 1.0, 1.0])
    coarse[:3, 3] = (AFFINE @ [0.5, 0.5, 0.0, 1.0])[:3]
    series = both(np.ascontiguousarray(MASK[::2, ::2]), coarse).series[0]
    assert series.truth is not None
    assert any("resampled" in note for note in series.notes)


def test_a_mask_file_over_a_dicom_series() -> None:
    headers = stack(noise(5, 8, 6), spacing=(1.5, 2.0), origin=(-10.0, 5.0, 7.0))
    series = read(named(headers)).series[0]
    assert series.affine is not None
    mask = np.zeros((6, 8, 5), np.uint8)
    mask[1, 2, 3] = 1
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ series.affine
    laid = attach_truth(series, read([("x.nii", nifti(mask, ras))]).series[0])
    assert laid.truth is not None
    assert np.argwhere(laid.truth).tolist() == [[3, 2, 1]]
    ras[2, 3] += 3
    with pytest.raises(UnreadableFileError, match=r"3\.0 mm"):
        attach_truth(series, read([("x.nii", nifti(mask, ras))]).series[0])


def test_a_picture_mask_of_another_shape_is_told() -> None:
    study = read([("a.png", picture(noise(8, 8))), ("a_mask.png", picture(np.full((4, 8), 255, np.uint8)))])
    assert study.series[0].truth is None
    assert "8 x 4 pixels" in study.problems[0].reason


def test_a_segmentation_whose_references_contradict_its_places_says_so() -> None:
    source = stack(noise(4, 8, 8), sop_class=CT, modality="CT")
    mask = np.ones((1, 8, 8), np.uint8)
    seg = dataset(mask, SEG, "SEG", SeriesInstanceUID="1.2.3")
    seg.SegmentationType = "BINARY"
    seg.SegmentSequence = [item(SegmentNumber=1, SegmentAlgorithmType="MANUAL")]
    named_image = item(ReferencedSOPInstanceUID=source[0].SOPInstanceUID)
    frame = item(
        PlanePositionSequence=[item(ImagePositionPatient=list(source[3].ImagePositionPatient))],
        PlaneOrientationSequence=[item(ImageOrientationPatient=list(AXIAL))],
        PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.75])],
        DerivationImageSequence=[item(SourceImageSequence=[named_image])],
    )
    seg.PerFrameFunctionalGroupsSequence = [frame]
    series = read([*named(source), ("seg.dcm", to_bytes(seg))]).series[0]
    assert series.truth is not None
    assert series.truth.any((1, 2)).tolist() == [True, False, False, False]
    assert any("9.0 mm from where it says" in note for note in series.notes)


def test_fractions_of_nobody_knows_what_are_no_mask() -> None:
    source = stack(noise(4, 8, 8), sop_class=CT, modality="CT")
    seg = dataset(np.full((1, 8, 8), 100, np.uint8), SEG, "SEG", SeriesInstanceUID="1.2.3")
    seg.SegmentationType = "FRACTIONAL"
    reference = item(ReferencedSOPInstanceUID=source[0].SOPInstanceUID)
    seg.PerFrameFunctionalGroupsSequence = [item(DerivationImageSequence=[item(SourceImageSequence=[reference])])]
    study = read([*named(source), ("seg.dcm", to_bytes(seg))])
    assert study.series[0].truth is None
    assert "MaximumFractionalValue" in study.problems[0].reason
    seg.MaximumFractionalValue = 200
    whole = read([*named(source), ("seg.dcm", to_bytes(seg))]).series[0]
    assert whole.truth is not None
    assert whole.truth.any((1, 2)).tolist() == [True, False, False, False]
