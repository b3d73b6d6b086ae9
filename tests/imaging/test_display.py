"""Pictures are drawn as the file asks: windows and curves against pydicom, inversion, the true shape of a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing

from core.imaging import Modality, Series, Unit, read
from core.imaging.render import display_size
from core.imaging.study import Voi, Window
from core.preprocessing.windows import automatic, presets, shown_inverted, to_display
from tests.imaging.builders import CT, MR, PET, dataset, named, pet_tags, stack

RAMP = np.arange(4096, dtype=np.uint16).reshape(1, 64, 64)


def one(header: FileDataset) -> Series:
    return read(named([header])).series[0]


def grey(header: FileDataset, number: int = 0) -> np.ndarray:
    """Grey from 0 to 1 by pydicom, from its output range."""
    values = apply_modality_lut(RAMP[0], header).astype(np.float64)
    made = Dataset()
    made.update({e.tag: e for e in header if e.keyword not in ("PixelData",)})
    made.BitsStored, made.PixelRepresentation = 16, 0
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        if keyword in made:
            del made[keyword]
    return apply_windowing(values, made, number) / 65535.0


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID", None])
@pytest.mark.parametrize(("centre", "width"), [(1000.0, 400.0), (2047.5, 1.0), (1200.0, 2.0), (40.5, 333.3)])
@pytest.mark.parametrize("rescale", [{}, {"RescaleSlope": 2.0, "RescaleIntercept": -1024.0}])
def test_windows_as_the_standard_draws_them(
    function: str | None, centre: float, width: float, rescale: dict[str, float]
) -> None:
    tags: dict[str, Any] = {"WindowCenter": centre, "WindowWidth": width, **rescale}
    if function is not None:
        tags["VOILUTFunction"] = function
    (header,) = stack(RAMP, sop_class=CT, modality="CT", **tags)
    series = one(header)
    shown = to_display(series.pixels[0], presets(series)[0])
    assert np.abs(shown / 255.0 - grey(header)).max() <= 0.5 / 255 + 1e-6


def test_several_windows_are_all_offered() -> None:
    (header,) = stack(RAMP, WindowCenter=[1000, 300, 50], WindowWidth=[400, 100, 10], VOILUTFunction="SIGMOID")
    series = one(header)
    offered = presets(series)
    assert [(w.centre, w.width) for w in offered[:3]] == [(1000, 400), (300, 100), (50, 10)]
    assert len({w.name for w in offered}) == len(offered)
    for number in range(3):
        shown = to_display(series.pixels[0], offered[number])
        assert np.abs(shown / 255.0 - grey(header, number)).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("width", [0.0, -5.0, float("nan")])
def test_a_window_of_no_width_is_none(width: float) -> None:
    (header,) = stack(RAMP, WindowCenter=[100.0, 500.0], WindowWidth=[width, 200.0])
    assert one(header).window == Window(500.0, 200.0, function=Voi.LINEAR)
    (header,) = stack(RAMP, WindowCenter=100.0, WindowWidth=width)
    assert one(header).window is None


def curve(entries: np.ndarray, first: int, bits: int) -> Dataset:
    made = Dataset()
    made.add_new("LUTDescriptor", "US", [len(entries) % 65536, first % 65536, bits])
    made.add_new("LUTData", "US", [int(v) for v in entries])
    return made


@pytest.mark.parametrize(("first", "bits"), [(0, 8), (300, 8), (700, 12), (100, 16)])
def test_curves(first: int, bits: int) -> None:
    top = 2**bits - 1
    entries = np.round(top * (0.5 + 0.5 * np.sin(np.arange(2000) / 300))).astype(int)
    (header,) = stack(RAMP)
    header.VOILUTSequence = [curve(entries, first, bits), curve(entries[::-1], first, bits)]
    series = one(header)
    for number in range(2):
        expected = (entries, entries[::-1])[number][np.clip(RAMP[0].astype(int) - first, 0, 1999)] / top
        if bits > 8:  # pydicom 3.0.2 counts the entries of an 8-bit curve in 8 bits
            np.testing.assert_allclose(apply_voi(RAMP[0], header, number) / top, expected)
        shown = to_display(series.pixels[0], presets(series)[number])
        assert np.abs(shown / 255.0 - expected).max() <= 0.5 / 255 + 1e-6
    assert any("VOI LUT" in note for note in series.notes)


def test_a_curve_over_hounsfield_units_begins_below_zero() -> None:
    entries = np.linspace(0, 255, 2001).astype(int)
    (header,) = stack(RAMP, sop_class=CT, modality="CT", RescaleSlope=1, RescaleIntercept=-1024)
    header.VOILUTSequence = [curve(entries, -1000, 8)]
    series = one(header)
    place = (series.pixels[0] + 1000).clip(0, 2000).astype(int)
    np.testing.assert_array_equal(to_display(series.pixels[0], presets(series)[0]), entries[place])


def test_a_broken_curve_costs_no_picture() -> None:
    (header,) = stack(RAMP)
    header.VOILUTSequence = [curve(np.arange(5), 0, 8)]
    header.VOILUTSequence[0].LUTDescriptor = [4000, 0, 8]
    assert one(header).other_windows == ()


@pytest.mark.parametrize("function", ["LINEAR", "SIGMOID"])
def test_a_stored_window_follows_the_uptake(function: str) -> None:
    tags = pet_tags(WindowCenter=4000.0, WindowWidth=2000.0, VOILUTFunction=function, RescaleSlope=1.0)
    (header,) = stack(RAMP, sop_class=PET, modality="PT", **tags)
    series = one(header)
    assert series.unit is Unit.SUV
    shown = to_display(series.pixels[0], presets(series)[0])
    assert np.abs(shown / 255.0 - grey(header)).max() <= 0.5 / 255 + 1e-4


MODALITIES = {
    "MR": (MR, "MR", {}),
    "CT": (CT, "CT", {"RescaleSlope": 1, "RescaleIntercept": -1024}),
    "PET": (PET, "PT", pet_tags()),
    "PET in SUV": (PET, "PT", pet_tags(Units="GML")),
    "PET in Bq": (PET, "PT", pet_tags(PatientWeight=None)),
    "PET in counts": (PET, "PT", pet_tags(Units="CNTS")),
    "other": (MR, "OT", {}),
}


@pytest.mark.parametrize(("sop_class", "modality", "tags"), MODALITIES.values(), ids=MODALITIES.keys())
def test_low_is_bright_where_the_file_says_so(sop_class: str, modality: str, tags: dict[str, Any]) -> None:
    (header,) = stack(RAMP, sop_class=sop_class, modality=modality, PhotometricInterpretation="MONOCHROME1", **tags)
    series = one(header)
    shown = to_display(series.pixels[0], automatic(series), invert=shown_inverted(series))
    assert (shown[0, 0], shown[-1, -1]) == (255, 0)
    header.PhotometricInterpretation = "MONOCHROME2"
    series = one(header)
    shown = to_display(series.pixels[0], automatic(series), invert=shown_inverted(series))
    uptake = series.modality is Modality.PT and series.unit in (Unit.SUV, Unit.BQML)
    assert (shown[0, 0] == 255) == uptake  # uptake is read dark on white


@pytest.mark.parametrize(
    ("tags", "shape", "size"),
    [
        ({"PixelSpacing": [2.0, 1.0]}, (100, 200), (640, 640)),
        ({"PixelSpacing": [1.0, 2.0]}, (100, 100), (640, 320)),
        ({"PixelAspectRatio": ["2", "1"]}, (100, 100), (320, 640)),
        ({"PixelAspectRatio": [1, 4]}, (100, 100), (640, 160)),
        ({"ImagerPixelSpacing": [0.3, 0.1]}, (100, 300), (640, 640)),
        ({"NominalScannedPixelSpacing": [0.1, 0.2]}, (100, 100), (640, 320)),
        ({"PixelSpacing": [1.0, 1.0], "PixelAspectRatio": [2, 1]}, (100, 100), (640, 640)),
        ({"PixelAspectRatio": [0, 1]}, (100, 100), (640, 640)),
        ({}, (100, 50), (320, 640)),
    ],
)
def test_pixels_are_drawn_in_their_true_shape(
    tags: dict[str, Any], shape: tuple[int, int], size: tuple[int, int]
) -> None:
    header = dataset(np.zeros(shape, np.uint16), MR, "MR", **tags)
    series = one(header)
    assert display_size(series, 640) == size
    assert (series.spacing is not None) == ("PixelSpacing" in tags)
