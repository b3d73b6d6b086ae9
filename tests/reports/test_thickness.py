"""How thick the slices of segmentations and maps are said to be where the images do not say it themselves."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest

from core.reports.dicom import dicom_objects, find_source
from core.reports.dicom.objects import file_kind
from tests.imaging import builders
from tests.reports import kit
from tests.reports.test_regions import placed


@pytest.mark.parametrize("stated", [None, "", "0"], ids=["left out", "empty", "zero"])
def test_slices_without_a_thickness_are_as_thick_as_they_are_apart(stated: str | None, tmp_path: Path) -> None:
    """3 mm along the normal, more from corner to corner for the gantry's tilt; of one image nothing is known."""
    for count, files in ((5, placed("oblique")), (1, placed("oblique")[:1])):
        changed = []
        for name, data in files:
            header = pydicom.dcmread(io.BytesIO(data))
            del header.SliceThickness
            if stated is not None:
                header.SliceThickness = stated
            changed.append((name, builders.to_bytes(header)))
        report = kit.case(changed)
        objects = dicom_objects(report, find_source(changed, report.series), probabilities=True)
        for made in objects:
            if made.Modality != "SEG" and file_kind(made) != "map":
                continue
            (measures,) = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
            assert measures.PixelSpacing == [0.5, 0.75]
            if count == 1:
                assert not {"SliceThickness", "SpacingBetweenSlices"} & {element.keyword for element in measures}
            else:
                assert measures.SliceThickness == 3
                made.save_as(tmp_path / "object.dcm", enforce_file_format=True)
                assert kit.complaints(tmp_path / "object.dcm") == []
