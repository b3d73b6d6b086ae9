"""The segmentation as dcmqi, the converter of the Imaging Data Commons, reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from core.reports.dicom import dicom_objects, find_source
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
