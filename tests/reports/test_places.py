"""DICOM objects and records keep each slice's place, and give no volume where slices have no one distance."""

from __future__ import annotations

import io

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from core.errors import ReportError
from core.imaging import read
from core.reports.build import record_of
from core.reports.dicom import dicom_objects, find_source
from core.reports.dicom.objects import file_kind
from tests.imaging import builders
from tests.imaging.test_dicom import enhanced
from tests.reports import kit


def test_a_series_with_a_gap_gets_its_masks_back_on_the_same_slices_and_no_volume() -> None:
    files = sorted(kit.mr_files(7))
    files = files[:3] + files[4:]
    report = kit.case(files)
    assert report.series.uneven == "1 slice is missing at a distance of 3.00 mm"
    objects = dicom_objects(report, find_source(files, report.series))
    masks = [item for item in objects if item.get("SegmentationType") == "BINARY"]
    again = read([*files, *((f"{number}.dcm", builders.to_bytes(item)) for number, item in enumerate(masks))]).series[0]
    union = np.any([r.mask for r in report.review.results if r.mask is not None], axis=0)
    assert again.truth is None  # what an algorithm drew is no truth
    assert again.ai_result is not None
    np.testing.assert_array_equal(again.ai_result, union)
    frames = [frame for item in masks for frame in item.PerFrameFunctionalGroupsSequence]
    places = {float(frame.PlanePositionSequence[0].ImagePositionPatient[2]) for frame in frames}
    assert sorted(places) == [30.0, 33.0, 36.0, 42.0, 45.0, 48.0]
    (document,) = (item for item in objects if file_kind(item) == "sr")
    content = hd.sr.srread(io.BytesIO(builders.to_bytes(document))).content
    measured = [
        m.name for group in content.get_image_measurement_groups() for m in group.get_measurements() if m is not None
    ]
    assert codes.SCT.Area in measured
    assert not content.get_volumetric_roi_measurement_groups()
    record = record_of(report)
    assert record.study.uneven == report.series.uneven
    assert [model.mask_volume_ml for model in record.models] == [None] * 3
    assert all(model.mask_voxels for model in record.models[:2])


def test_a_volume_of_several_is_found_with_its_own_images() -> None:
    first, second = kit.mr_files(4, EchoNumbers=1), kit.mr_files(4, EchoNumbers=2)
    files = [(f"a{name}", data) for name, data in first] + [(f"b{name}", data) for name, data in second]
    study = read(files)
    assert [series.told_apart for series in study.series] == [("echo 1",), ("echo 2",)]
    np.testing.assert_array_equal(study.series[0].pixels, study.series[1].pixels)  # the tag alone tells them apart
    for number, series in enumerate(study.series, 1):
        source = find_source(files, series)
        assert {int(header.EchoNumbers) for header in source.headers} == {number}
        seg = dicom_objects(kit.case(files, index=number - 1), source)[0]
        own = {pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID for _, data in (first, second)[number - 1]}
        used = {
            str(frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)
            for frame in seg.PerFrameFunctionalGroupsSequence
        }
        assert used == own


def test_a_series_over_several_files_of_frames_is_refused() -> None:
    ((_, data),) = enhanced()
    low, high = (pydicom.dcmread(io.BytesIO(data)) for _ in range(2))
    for header in (low, high):
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        header.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        for keyword, value in kit.PATIENT.items():
            setattr(header, keyword, value)
    for frame in high.PerFrameFunctionalGroupsSequence:
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        frame.PlanePositionSequence[0].ImagePositionPatient = [position[0], position[1], float(position[2]) + 15.0]
    files = [("low.dcm", builders.to_bytes(low)), ("high.dcm", builders.to_bytes(high))]
    (series,) = read(files).series
    assert (series.slices, series.uneven) == (12, "")
    with pytest.raises(ReportError, match="several files of frames"):
        find_source(files, series)
