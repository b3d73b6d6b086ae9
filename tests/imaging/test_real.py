"""Real series read as a clinician would expect."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from core.imaging import Modality, Plane, Study, Unit, read

pytestmark = pytest.mark.real


def upload(folder: Path, *names: str) -> Study:
    return read([(name, (folder / name).read_bytes()) for name in names])


def test_whole_body_pet(real_data: Path) -> None:
    study = upload(real_data / "dicom", "whole-body-pet.zip")
    mip, volume, turned = study.series
    assert mip.projection == "mip-coronal"
    assert turned.pixels[0].tobytes() == mip.pixels[0].tobytes()
    assert mip.unit is volume.unit is Unit.SUV
    assert volume.pixels.shape == (267, 128, 128)
    assert volume.spacing == pytest.approx((3.27, 4.6875, 4.6875), abs=1e-3)
    # whole-body mean is near 1 by the definition of SUV, were all activity inside the field of view
    voxel_ml = np.prod(volume.spacing) / 1000
    total = float(volume.pixels.sum(dtype=np.float64)) * voxel_ml  # SUV x ml = g of body weight accounted for
    assert 0.5 * 71_000 < total < 1.1 * 71_000
    image = mip.pixels[0]
    brain, bladder = image[:12].max(), image[195:212].max()
    assert 8 < brain < 25
    assert bladder > 20
    # liver: right side (left of the image), below the heart
    assert 1.2 < float(np.median(volume.pixels[267 - 125 : 267 - 112, 55:70, 42:52])) < 3.5
    assert study.series[0].notes == ()
    assert "PatientName" in study.dropped_tags


def test_flair_with_its_roi(real_data: Path) -> None:
    study = upload(real_data / "dicom", "brain-mr-flair.zip", "brain-mr-flair-roi.zip")
    assert len(study.series) == 1
    series = study.series[0]
    assert series.modality is Modality.MR
    assert series.plane is Plane.AXIAL
    assert series.spacing == pytest.approx((6.0, 0.7986, 0.7986), abs=1e-3)
    assert series.truth is not None
    inside = series.pixels[series.truth].mean()
    outside = series.pixels[(series.pixels > 50) & ~series.truth].mean()
    assert inside > 1.5 * outside  # tumour and oedema are bright on FLAIR
    alone = upload(real_data / "dicom", "brain-mr-flair-roi.zip")
    assert alone.series[0].truth is None


def test_chest_ct(real_data: Path) -> None:
    series = upload(real_data / "dicom", "chest-ct.zip").series[0]
    assert (series.unit, series.modality, series.body_part) == (Unit.HU, Modality.CT, "LUNG")
    assert series.pixels.shape == (16, 512, 512)
    air, soft = (series.pixels < -950).mean(), ((series.pixels > -150) & (series.pixels < 150)).mean()
    assert air > 0.2
    assert soft > 0.15
    lung = series.pixels[(series.pixels > -920) & (series.pixels < -600)]
    assert -900 < float(np.median(lung)) < -700


def test_pet_and_mr_volumes_with_masks(real_data: Path) -> None:
    folder = real_data / "sts-pet-mr" / "STS_001"
    study = upload(folder, "mr_t1.nii.gz", "mr_t1_mask.nii.gz", "pet.nii.gz", "pet_mask.nii.gz")
    assert [series.modality for series in study.series] == [Modality.PT, Modality.MR, Modality.PT, Modality.PT]
    pet = study.series[2]
    assert pet.unit is Unit.SUV
    assert pet.truth is not None
    mask = np.asanyarray(nib.load(folder / "pet_mask.nii.gz").dataobj)
    assert pet.truth.sum() == (mask > 0).sum()
    assert int(pet.truth.any(axis=(1, 2)).sum()) == 31  # as the set's own index says
    assert pet.pixels[pet.truth].mean() > 2 * pet.pixels[~pet.truth].mean()


def test_brain_slices_with_masks(real_data: Path) -> None:
    root = real_data / "brain-lgg"
    patient = sorted(path.name for path in (root / "images").iterdir())[0]
    paths = [path for kind in ("images", "masks") for path in (root / kind / patient).iterdir()]
    names = [str(path.relative_to(root)) for path in paths]
    study = read([(name, (root / name).read_bytes()) for name in names])
    assert len(study.series) == 1
    series = study.series[0]
    assert series.truth is not None
    assert series.slices == len(names) // 2
    assert series.shape == (256, 256)
    assert 0 < series.truth.any(axis=(1, 2)).sum() < series.slices
