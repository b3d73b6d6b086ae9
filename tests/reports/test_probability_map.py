"""Probabilities as Parametric Maps: read back by pydicom and highdicom, number for number, place for place."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from core.reports.dicom import dicom_objects, dicom_zip, find_source
from core.reports.dicom.objects import file_kind
from tests.reports import kit
from tests.reports.test_dicom import enhanced_files
from tests.reports.test_regions import placed


@pytest.mark.parametrize("which", ["oblique", "gap", "frames"])
def test_every_probability_stands_at_its_place(which: str, tmp_path: Path) -> None:
    files = enhanced_files() if which == "frames" else placed(which)
    report = kit.case(files)
    source = find_source(files, report.series)
    assert not [one for one in dicom_objects(report, source) if file_kind(one) == "map"]  # only where asked
    data = dicom_zip(dicom_objects(report, source, probabilities=True))
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = [name for name in archive.namelist() if "-map-" in name]
    assert [name.split("-map-")[1] for name in names] == ["unet.dcm", "resunet.dcm"]
    assert f"{names[0]}: Parametric Map" in archive.read("README.txt").decode()
    places = report.series.positions
    assert places is not None
    for name, result in zip(names, report.review.results, strict=False):
        path = tmp_path / name
        path.write_bytes(archive.read(name))
        assert kit.complaints(path) == []
        wanted = np.asarray(result.mask_probability).astype(np.float32)
        header = pydicom.dcmread(path)
        assert header.pixel_array.dtype == np.float32
        at = [
            [float(v) for v in frame.PlanePositionSequence[0].ImagePositionPatient]
            for frame in header.PerFrameFunctionalGroupsSequence
        ]
        slices = [int(np.argmin(np.linalg.norm(places - place, axis=1))) for place in at]
        assert sorted(slices) == list(range(len(wanted)))
        np.testing.assert_allclose(places[slices], at, atol=1e-4)
        np.testing.assert_array_equal(header.pixel_array, wanted[slices])

        read = hd.imread(path)
        np.testing.assert_allclose(read.get_frames(apply_real_world_transform=True), wanted[slices], atol=1e-7)
        mapped = header.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
        assert mapped.MeasurementUnitsCodeSequence[0].CodeValue == "1"
        assert mapped.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == codes.DCM.Probability.value
        assert (str(header.PatientName), header.PatientID) == (kit.PATIENT["PatientName"], "PID-4711")
        assert header.FrameOfReferenceUID == source.first.FrameOfReferenceUID
        assert "StudyDescription" not in header
        assert "InstitutionName" not in header
