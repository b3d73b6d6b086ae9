"""Segmentation and structured reports as dcmqi, the converter of the Imaging Data Commons, reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from core.reports.dicom import dicom_objects, find_source
from core.reports.dicom.objects import file_kind
from tests.reports import kit
from tests.reports.test_dicom import sources, written


@pytest.mark.parametrize("which", ["mr", "sample"])
def test_dcmqi_reads_every_mask_where_it_is(which: str, tmp_path: Path) -> None:
    files, system = (kit.mr_files(), "brain-mr") if which == "mr" else (kit.sample_files(), "chest-ct")
    report = kit.case(files, system)
    objects = written(dicom_objects(report, find_source(files, report.series)), tmp_path / "objects")
    first = sources(files)[0]
    drawn = [r for r in report.review.results if r.mask is not None]
    assert drawn
    for number, result in enumerate(drawn):
        out = tmp_path / str(number)
        out.mkdir()
        command = [
            str(Path(sys.executable).with_name("segimage2itkimage")),
            "--inputDICOM",
            str(objects[number]),
            "--outputDirectory",
            str(out),
        ]
        subprocess.run([*command, "-t", "nii"], check=True, capture_output=True)
        volume = SimpleITK.ReadImage(str(out / "1.nii.gz"))
        assert result.mask is not None
        read = SimpleITK.GetArrayFromImage(volume) > 0
        assert np.array_equal(read, result.mask)
        assert volume.GetOrigin() == pytest.approx([float(v) for v in first.ImagePositionPatient], abs=1e-3)
        told = json.loads((out / "meta.json").read_text(encoding="utf-8"))
        (segment,) = told["segmentAttributes"][0]
        assert segment["SegmentLabel"] == result.state.title


def test_dcmqi_reads_every_answer_and_every_region(tmp_path: Path) -> None:
    files = kit.mr_files()
    report = kit.case(files)
    read = {}
    for item in dicom_objects(report, find_source(files, report.series)):
        if (kind := file_kind(item)).startswith("sr"):
            path, out = tmp_path / f"{kind}.dcm", tmp_path / f"{kind}.json"
            item.save_as(path, enforce_file_format=True)
            command = [str(Path(sys.executable).with_name("tid1500reader"))]
            subprocess.run(
                [*command, "--inputDICOM", str(path), "--outputMetadata", str(out)], check=True, capture_output=True
            )
            read[kind] = json.loads(out.read_text(encoding="utf-8"))["Measurements"]
    assert set(read) == {"sr", "sr-regions"}
    answers = {group["TrackingIdentifier"]: group for group in read["sr"]}
    for result in report.review.ready:
        assert result.finding is not None
        for index, probability in enumerate(result.finding):
            group = answers[f"{result.state.name}, image {index + 1}"]
            numbers = {item["quantity"]["CodeMeaning"]: float(item["value"]) for item in group["measurementItems"]}
            assert numbers["Probability"] == pytest.approx(probability, abs=1e-9)
            (said,) = (
                e["conceptValue"] for e in group["qualitativeEvaluations"] if e["conceptCode"] == group["Finding"]
            )
            assert said["CodeMeaning"] == ("Present" if probability >= numbers["Threshold Value"] else "Absent")
    # one box of pixels an image, 0.5 by 0.75 mm each
    areas = [one.sum() * 0.5 * 0.75 for r in report.review.ready if r.mask is not None for one in r.mask if one.any()]
    told_areas = [
        float(item["value"])
        for group in read["sr-regions"]
        if " region " in group["TrackingIdentifier"]
        for item in group["measurementItems"]
        if item["quantity"]["CodeMeaning"] == "Area"
    ]
    assert sorted(told_areas) == pytest.approx(sorted(areas))
