"""Siemens mosaics are cut into their slices, each at its place, or refused in true words."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from nibabel.nicom.dicomwrappers import MosaicWrapper
from pydicom.dataset import FileDataset

from core.errors import ReportError, UnreadableFileError
from core.imaging import read
from core.reports.dicom import find_source
from tests.imaging.builders import AXIAL, dataset, named, noise

TILES = noise(7, 6, 8, dtype=np.uint16, seed=2) % 4096


def csa(**numbers: list[float]) -> bytes:
    """Siemens' CSA2 header, as nibabel's documentation describes it."""
    out = b"SV10\x04\x03\x02\x01" + struct.pack("<2I", len(numbers), 77)
    for name, values in numbers.items():
        out += struct.pack("<64si4siii", name.encode(), len(values), b"FD", 0, len(values), 77)
        for value in values:
            text = f"{value:.8f}".encode().ljust(16, b"\x00")
            out += struct.pack("<4i", len(text), len(text), 77, len(text)) + text
    return out


def mosaic(tiles: np.ndarray = TILES, **tags: Any) -> FileDataset:
    """Tiles on a square, row by row, the last ones blank."""
    side = int(np.ceil(np.sqrt(len(tiles))))
    square = np.zeros((side * side, *tiles.shape[1:]), np.uint16)
    square[: len(tiles)] = tiles
    rows = [np.hstack(square[row * side : (row + 1) * side]) for row in range(side)]
    header = dataset(np.vstack(rows), ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"], Manufacturer="SIEMENS")
    header.ImageOrientationPatient, header.ImagePositionPatient = list(AXIAL), [-100.0, -90.0, 12.0]
    header.PixelSpacing, header.SliceThickness, header.SpacingBetweenSlices = [2.0, 3.0], 4.0, 5.0
    header.InstanceNumber = 1
    for keyword, value in tags.items():
        setattr(header, keyword, value)
    return header


def counted(header: FileDataset, count: int) -> FileDataset:
    header.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", count)
    return header


def with_csa(header: FileDataset, normal: list[float]) -> FileDataset:
    made = csa(NumberOfImagesInMosaic=[float(len(TILES))], SliceNormalVector=normal)
    header.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", made)
    return header


def test_slices_at_their_places() -> None:
    (series,) = read(named([counted(mosaic(), 7)])).series
    np.testing.assert_array_equal(series.pixels, TILES.astype(np.float32))
    assert series.spacing == (5.0, 2.0, 3.0)
    assert series.positions is not None
    # the header's corner is that of a slice as large as the mosaic (24 x 18 pixels) about the same centre
    first = [-100.0 + 3.0 * (24 - 8) / 2, -90.0 + 2.0 * (18 - 6) / 2, 12.0]
    np.testing.assert_allclose(series.positions, [[first[0], first[1], 12.0 + 5.0 * k] for k in range(7)])
    assert any("which side" in note for note in series.notes)


@pytest.mark.parametrize("up", [1.0, -1.0])
def test_the_side_comes_from_the_makers_header(up: float) -> None:
    header = with_csa(mosaic(), [0.0, 0.0, up])
    (series,) = read(named([header])).series
    order = slice(None) if up > 0 else slice(None, None, -1)
    np.testing.assert_array_equal(series.pixels, TILES[order].astype(np.float32))
    assert not any("which side" in note for note in series.notes)
    # independent: nibabel's own reader of mosaics
    wrapped = MosaicWrapper(header, n_mosaic=7)
    assert series.affine is not None
    data = wrapped.get_data()  # (rows, columns, slices)
    place = (np.asarray(wrapped.affine) @ [2, 3, 4, 1])[:3]  # nibabel's first axis runs along rows
    for k in range(7):
        for_voxel = (series.affine @ [3, 2, k, 1])[:3]
        if np.allclose(for_voxel, place, atol=1e-4):
            assert series.pixels[k, 2, 3] == data[2, 3, 4]
            break
    else:
        pytest.fail(f"no slice at {place}")


def test_a_mosaic_that_its_type_does_not_name() -> None:
    header = counted(mosaic(ImageType=["DERIVED", "PRIMARY", "M", "ND"]), 7)
    (series,) = read(named([header])).series
    np.testing.assert_array_equal(series.pixels, TILES.astype(np.float32))
    assert any("names no mosaic" in note for note in series.notes)


def test_time_points_of_mosaics() -> None:
    headers = [counted(mosaic(TILES + 3 * t, InstanceNumber=t + 1, AcquisitionNumber=t + 1), 7) for t in range(3)]
    study = read(named(headers[::-1]))
    assert [series.slices for series in study.series] == [7, 7, 7]
    for t, series in enumerate(study.series):
        np.testing.assert_array_equal(series.pixels, (TILES + 3 * t).astype(np.float32))


@pytest.mark.parametrize(("count", "why"), [(0, "does not say of how many"), (50, "50 by its header, but 24 x 18")])
def test_what_cannot_be_cut_is_refused(count: int, why: str) -> None:
    with pytest.raises(UnreadableFileError, match=why):
        read(named([counted(mosaic(), count) if count else mosaic()]))


def test_grids_of_another_maker_are_refused() -> None:
    header = dataset(TILES[0])
    header.private_block(0x0065, "Image Private Header", create=True).add_new(0x50, "DS", "4")
    with pytest.raises(UnreadableFileError, match="grid of several slices"):
        read(named([header]))


def test_no_dicom_object_refers_to_a_tile() -> None:
    files = named([counted(mosaic(), 7)])
    with pytest.raises(ReportError, match="mosaic"):
        find_source(files, read(files).series[0])
