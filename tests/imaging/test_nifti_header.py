"""NIfTI headers as careless tools write them: read as they were meant, with a note, or refused in true words."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable

import nibabel as nib
import numpy as np
import pytest

from core.errors import UnreadableFileError
from core.imaging import Series, read
from tests.imaging.builders import nifti, noise

VALUES = noise(5, 7, 9, dtype=np.int16, seed=2)
AFFINE = np.array([[-1.5, 0, 0, 20], [0, 2, 0, -30], [0, 0, 2.5, 10], [0, 0, 0, 1]])
SHOWN = VALUES[:, ::-1].transpose(2, 1, 0).astype(np.float32)  # columns run to the left already


def one(data: bytes) -> Series:
    return read([("x.nii", data)]).series[0]


def changed(*fields: tuple[int, str, object], values: np.ndarray = VALUES) -> bytes:
    """A sound file with single header fields overwritten: byte, struct code, value."""
    data = bytearray(nifti(values, AFFINE))
    for at, code, value in fields:
        struct.pack_into(f"<{code}", data, at, value)
    return bytes(data)


VOX_OFFSET, SLOPE, INTERCEPT, QCODE, SCODE, QFAC, UNITS = 108, 112, 116, 252, 254, 76, 123


@pytest.mark.parametrize("offset", [0.0, 348.0, 351.0, -8.0, 4.0])
def test_voxels_never_begin_within_the_header(offset: float) -> None:
    for pack in (bytes, gzip.compress):
        series = one(pack(changed((VOX_OFFSET, "f", offset))))
        np.testing.assert_array_equal(series.pixels, SHOWN)
        assert any("vox_offset" in note for note in series.notes)


def test_voxels_right_after_a_header_without_extension_bytes() -> None:
    data = changed((VOX_OFFSET, "f", 348.0))
    bare = data[:348] + data[352:]
    for pack in (bytes, gzip.compress):
        np.testing.assert_array_equal(one(pack(bare)).pixels, SHOWN)


def test_second_version_has_a_longer_header() -> None:
    data = bytearray(nib.Nifti2Image(VALUES, AFFINE).to_bytes())
    struct.pack_into("<q", data, 168, 0)
    np.testing.assert_array_equal(one(bytes(data)).pixels, SHOWN)


def test_an_extension_is_passed_over() -> None:
    image = nib.Nifti1Image(VALUES, AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"x" * 100))
    np.testing.assert_array_equal(one(image.to_bytes()).pixels, SHOWN)


@pytest.mark.parametrize("offset", [np.nan, np.inf])
def test_an_offset_that_is_no_number(offset: float) -> None:
    with pytest.raises(UnreadableFileError, match="vox_offset"):
        one(changed((VOX_OFFSET, "f", offset)))


@pytest.mark.parametrize(
    ("slope", "intercept", "expected"),
    [
        (0.0, 5.0, SHOWN),
        (np.nan, np.nan, SHOWN),
        (np.nan, 3.0, SHOWN),
        (np.inf, 0.0, SHOWN),
        (2.0, np.nan, SHOWN * 2),
        (1.0, np.nan, SHOWN),
        (-0.5, 7.0, SHOWN * -0.5 + 7),
    ],
)
def test_scale_factors(slope: float, intercept: float, expected: np.ndarray) -> None:
    series = one(changed((SLOPE, "f", slope), (INTERCEPT, "f", intercept)))
    np.testing.assert_array_equal(series.pixels, expected)
    told = np.isinf(slope) or (np.isnan(intercept) and np.isfinite(slope) and slope != 0)
    assert any("number" in note or "infinite" in note for note in series.notes) == told


def test_colours_are_not_scaled() -> None:
    rgb = np.zeros((3, 4, 5), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    rgb["R"] = rgb["G"] = rgb["B"] = noise(3, 4, 5)
    data = bytearray(nib.Nifti1Image(rgb, AFFINE).to_bytes())
    struct.pack_into("<ff", data, SLOPE, 3.0, 100.0)
    np.testing.assert_array_equal(np.sort(one(bytes(data)).pixels.ravel()), np.sort(rgb["R"].ravel()))


def test_scale_in_double_precision() -> None:
    values = np.arange(60, dtype=np.int32).reshape(3, 4, 5) + 2_000_000_000
    data = bytearray(nifti(values, AFFINE))
    struct.pack_into("<ff", data, SLOPE, 1.0, -2_000_000_000.0)
    np.testing.assert_array_equal(np.sort(one(bytes(data)).pixels.ravel()), np.arange(60))


def with_forms(sform: np.ndarray, qform: np.ndarray, scode: int = 1, qcode: int = 1) -> Series:
    image = nib.Nifti1Image(VALUES, sform)
    image.header.set_xyzt_units("mm")
    image.set_qform(qform, qcode)
    image.set_sform(sform, scode)
    data = bytearray(image.to_bytes())
    struct.pack_into("<hh", data, QCODE, qcode, scode)
    return one(bytes(data))


FLIPPED = np.diag([-1.0, 1, 1, 1]) @ AFFINE
MOVED = AFFINE + np.eye(4)[:, 3:] @ np.array([[0, 0, 0, 0.0]]) + np.array([[0, 0, 0, 3.0]] + [[0] * 4] * 3)
TURNED = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.3) @ AFFINE[:3, :3], AFFINE[:3, 3])


@pytest.mark.parametrize("other", [FLIPPED, MOVED, TURNED], ids=["flipped", "moved", "turned"])
def test_forms_that_disagree_are_told(other: np.ndarray) -> None:
    series = with_forms(AFFINE, other)
    assert any("qform and sform" in note for note in series.notes)
    assert series.affine is not None
    np.testing.assert_array_equal(series.pixels, SHOWN)  # the sform's


def test_forms_that_agree_but_for_rounding_are_not() -> None:
    for form in (AFFINE, TURNED):
        assert with_forms(form, form).notes == ()
        assert with_forms(form, form + 1e-4 * np.eye(4)).notes == ()


def test_the_qform_alone() -> None:
    image = nib.Nifti1Image(VALUES, None)
    image.header.set_xyzt_units("mm")
    image.set_qform(TURNED, 1)
    series = one(image.to_bytes())
    expected = nib.as_closest_canonical(nib.Nifti1Image(VALUES, TURNED))
    np.testing.assert_array_equal(series.pixels, np.asarray(expected.dataobj)[::-1, ::-1].transpose(2, 1, 0))
    assert series.affine is not None
    np.testing.assert_allclose(np.linalg.det(series.affine[:3, :3]), np.prod([1.5, 2, 2.5]), rtol=1e-5)
    assert series.notes == ()


@pytest.mark.parametrize(
    "break_it",
    [
        lambda data: struct.pack_into("<12f", data, 280, *[0.0] * 12),
        lambda data: struct.pack_into("<12f", data, 280, *[np.nan] * 12),
        lambda data: struct.pack_into("<12f", data, 280, *([1.0, 0, 0, 0] * 3)),
    ],
    ids=["zeros", "no numbers", "flat"],
)
def test_an_unusable_sform_leaves_the_qform(break_it: Callable[[bytearray], None]) -> None:
    image = nib.Nifti1Image(VALUES, AFFINE)
    image.header.set_xyzt_units("mm")
    image.set_qform(AFFINE, 1)
    data = bytearray(image.to_bytes())
    break_it(data)
    series = one(bytes(data))
    np.testing.assert_array_equal(series.pixels, SHOWN)
    assert series.spacing == pytest.approx((2.5, 2.0, 1.5))
    assert any("sform" in note and "unusable" in note for note in series.notes)


def test_qfac_and_quaternion_are_taken_leniently() -> None:
    image = nib.Nifti1Image(VALUES, None)
    image.header.set_xyzt_units("mm")
    image.set_qform(np.diag([1.5, 2.0, 2.5, 1.0]), 1)
    sound = one(image.to_bytes())
    for fields in (((QFAC, "f", 0.0),), ((QFAC, "f", 7.0),), ((QFAC + 4, "f", -1.5),)):
        data = bytearray(image.to_bytes())
        for at, code, value in fields:
            struct.pack_into(f"<{code}", data, at, value)
        series = one(bytes(data))
        np.testing.assert_array_equal(series.pixels, sound.pixels)
        assert series.spacing == sound.spacing
    data = bytearray(image.to_bytes())
    struct.pack_into("<fff", data, 256, 0.0, 0.0, 1.0001)  # half a turn about z, rounded up
    np.testing.assert_array_equal(one(bytes(data)).pixels, sound.pixels[:, ::-1, ::-1])


def test_unknown_codes() -> None:
    image = nib.Nifti1Image(VALUES, FLIPPED)
    image.header.set_xyzt_units("mm")
    image.set_qform(AFFINE, 1)
    data = bytearray(image.to_bytes())
    struct.pack_into("<h", data, SCODE, 300)
    series = one(bytes(data))
    np.testing.assert_array_equal(series.pixels, SHOWN)  # the qform's, whose code is known
    assert any("code 300" in note for note in series.notes)
    struct.pack_into("<hh", data, QCODE, -3, 0)
    assert any("not state the orientation" in note for note in one(bytes(data)).notes)


def test_a_voxel_size_that_is_not_the_orientations_is_told() -> None:
    series = one(changed((QFAC + 4, "f", 1.0), (QFAC + 8, "f", 1.0)))
    assert series.spacing == pytest.approx((2.5, 2.0, 1.5))
    assert any("voxel size" in note for note in series.notes)


@pytest.mark.parametrize("size", [0.0, np.nan, np.inf, 1e-300, 1e5])
def test_no_size_without_a_plausible_one(size: float) -> None:
    affine = AFFINE.copy()
    affine[0, 0] = -size
    data = bytearray(nifti(VALUES, AFFINE))
    with np.errstate(all="ignore"):
        struct.pack_into("<f", data, 280, -size)
        struct.pack_into("<f", data, QFAC + 4, size)
    struct.pack_into("<h", data, QCODE, 0)
    series = one(bytes(data))
    assert series.spacing is None
    assert series.affine is None
    assert any("not plausible" in note for note in series.notes), series.notes
    assert series.pixels.shape == SHOWN.shape


@pytest.mark.parametrize(("code", "size"), [(1, 1000.0), (3, 0.001)])
def test_units_of_length(code: int, size: float) -> None:
    data = bytearray(nifti(VALUES, np.diag([*AFFINE.diagonal()[:3] / size, 1.0])))
    struct.pack_into("<B", data, UNITS, code)
    assert one(bytes(data)).spacing == pytest.approx((2.5, 2.0, 1.5))
    struct.pack_into("<B", data, UNITS, 7)
    assert any("unit of length" in note for note in one(bytes(data)).notes)


def test_dimensions_that_are_counted_but_empty() -> None:
    data = bytearray(nifti(VALUES, AFFINE))
    struct.pack_into("<h", data, 40, 4)
    struct.pack_into("<h", data, 48, 0)
    np.testing.assert_array_equal(one(bytes(data)).pixels, SHOWN)


@pytest.mark.parametrize(("kind", "word"), [(1, "kind 1"), (1536, "kind 1536"), (77, "kind 77")])
def test_voxels_of_another_kind(kind: int, word: str) -> None:
    with pytest.raises(UnreadableFileError, match=word):
        one(changed((70, "h", kind)))


def test_a_freesurfer_volume_is_named() -> None:
    image = nib.freesurfer.MGHImage(VALUES.astype(np.int32), AFFINE)
    for pack in (bytes, gzip.compress):
        with pytest.raises(UnreadableFileError, match="FreeSurfer"):
            read([("x.mgz", pack(image.to_bytes()))])
