"""The built-in samples: complete, small, readable as uploads, with a known truth, and drawn again the same."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pydicom
import pytest

from core.errors import DataLayoutError
from core.imaging.study import Unit
from core.simulate import DRAWINGS
from core.simulate.catalogue import all_samples, draw_sample
from core.simulate.samples import FOLDER, list_samples, load_sample, sample_info
from core.systems.match import match

IDS = [info.id for info in list_samples()]
CLEAR = {"normal", "no tumour", "no cancer"}


def test_every_system_has_its_cases() -> None:
    by_system = {system: [i for i in list_samples() if i.system == system] for system in DRAWINGS}
    for system, infos in by_system.items():
        assert len(infos) >= 4, system
        assert {info.label for info in infos} >= set(DRAWINGS[system].labels)
    assert len(set(IDS)) == len(IDS)


def test_the_folder_holds_what_the_list_names_and_stays_small() -> None:
    named = {name for info in list_samples() for name in (*info.files, *info.truth)}
    present = {path.name for path in FOLDER.iterdir()}
    assert present == named | {"manifest.json"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 12e6


@pytest.mark.parametrize("sample", IDS)
def test_a_sample_loads_with_its_truth(sample: str) -> None:
    info, study = sample_info(sample), load_sample(sample)
    assert study.simulated
    assert study.case_note == info.case_note
    assert study.problems == ()
    assert match(study).system == info.system
    for series in study.series:
        assert series.truth is not None
        assert series.truth.any() == (info.label not in CLEAR)


@pytest.mark.parametrize("case", [c for c in all_samples() if c.form == "png"][::3], ids=lambda c: c.id)
def test_a_sample_can_be_drawn_again(case: object) -> None:
    info, files = draw_sample(case)  # type: ignore[arg-type]
    stored = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(asdict(info))) in stored
    for name, data in files.items():
        drawn = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).astype(int)
        kept = cv2.imread(str(FOLDER / name), cv2.IMREAD_UNCHANGED).astype(int)
        assert drawn.shape == kept.shape
        # Processors may differ in the last bit before rounding.
        assert (np.abs(drawn - kept) > 1).mean() < 0.002


def test_the_dicom_series_says_that_it_is_simulated() -> None:
    info = next(i for i in list_samples() if i.files[0].endswith(".zip"))
    with zipfile.ZipFile(FOLDER / info.files[0]) as archive:
        slices = [pydicom.dcmread(io.BytesIO(archive.read(name))) for name in sorted(archive.namelist())]
    first = slices[0]
    assert first.PatientID == "SIMULATED"
    assert first.Modality == "CT"
    assert len({s.SeriesInstanceUID for s in slices}) == 1
    assert len({s.SOPInstanceUID for s in slices}) == len(slices)
    heights = [float(s.ImagePositionPatient[2]) for s in slices]
    assert np.allclose(np.diff(heights), float(first.SliceThickness), atol=1e-3)
    series = load_sample(info.id).series[0]
    assert series.unit is Unit.HU
    by_hand = slices[3].pixel_array * float(first.RescaleSlope) + float(first.RescaleIntercept)
    np.testing.assert_allclose(series.pixels[3], by_hand)
    # The truth lies on the lesion: denser than the lung around it.
    assert series.truth is not None
    assert series.pixels[series.truth].mean() > -300


def test_volumes_keep_their_geometry_and_unit() -> None:
    path = FOLDER / "pet-05-suv.nii.gz"
    image = nib.load(path)
    np.testing.assert_allclose(image.header.get_zooms(), (8.0, 8.0, 8.0))
    assert nib.aff2axcodes(image.affine) == ("L", "P", "S")
    series = load_sample("pet-05").series
    volume = next(s for s in series if s.projection == "slice")
    assert volume.unit is Unit.SUV
    values = np.asarray(image.dataobj)
    assert float(volume.pixels.max()) == pytest.approx(float(values.max()), rel=1e-5)
    projection = next(s for s in series if s.projection == "mip-coronal")
    # Head up: the brain, the hottest large organ, is in the upper part.
    hot = np.argwhere(projection.pixels[0] > 5)
    assert np.median(hot[: len(hot) // 2, 0]) < 0.2 * projection.shape[0]
    # The lesions are hotter than muscle in the projection as in the volume.
    assert projection.truth is not None
    assert projection.pixels[projection.truth].mean() > 2.0


def test_an_unknown_sample_is_refused() -> None:
    with pytest.raises(DataLayoutError, match="There is no sample"):
        load_sample("knee-01")


def test_a_missing_list_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.simulate.samples.FOLDER", tmp_path)
    with pytest.raises(DataLayoutError, match=r"python -m core\.simulate"):
        list_samples()
