"""The CT of the sarcoma set: on the slices of the PET, twice as fine in their plane, with the PET's mask."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from core.errors import DataLayoutError
from core.imaging import Modality, Unit
from trainers.data.sets import load_items

PET, CT = np.diag([4.0, 4.0, 3.0, 1.0]), np.diag([2.0, 2.0, 3.0, 1.0])
CT[:2, 3] = -1.0  # the middle of its first four voxels is the middle of the PET's first


def write(folder: Path, ct_side: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """One patient with a CT and one without; the CT's values and the PET's mask as written, ``(x, y, slice)``."""
    rng = np.random.default_rng(0)
    pet = rng.uniform(0, 5, (12, 16, 9)).astype(np.float32)
    mask = np.zeros(pet.shape, np.uint8)
    mask[3:5, 7, 2:4] = 1
    ct = rng.integers(-200, 300, (ct_side, 32, 9)).astype(np.int16)
    ct[0, 0, 0] = -1024
    for patient in ("A", "B"):
        (folder / patient).mkdir(parents=True)
        for name, values, affine in (("pet", pet, PET), ("pet_mask", mask, PET), ("ct", ct, CT)):
            nib.save(nib.Nifti1Image(values, affine), folder / patient / f"{name}.nii.gz")
    (folder / "index.csv").write_text(
        "patient,pet,pet_mask,ct\nA,A/pet.nii.gz,A/pet_mask.nii.gz,A/ct.nii.gz\nB,B/pet.nii.gz,B/pet_mask.nii.gz,\n"
    )
    return ct, mask


def test_mask_labels_and_values_are_those_of_the_files(tmp_path: Path) -> None:
    ct, mask = write(tmp_path)
    (item,) = load_items("sts-ct", tmp_path)
    assert (item.group, item.series.modality, item.series.unit) == ("A", Modality.CT, Unit.HU)
    (pet, _) = load_items("sts-pet", tmp_path)
    assert item.labels == pet.labels
    assert item.labels.count("tumour") == 2
    assert item.series.truth is not None
    assert sorted(item.series.pixels.ravel()) == sorted(ct.ravel())
    # by millimetres: the values under the mask are those of the CT voxels whose middles lie in the PET's marked voxels
    x, y, z = np.indices(ct.shape)
    own = np.stack([np.rint((2.0 * x - 1) / 4), np.rint((2.0 * y - 1) / 4), z]).astype(int)
    expected = ct[mask[own[0], own[1], own[2]] == 1]
    assert sorted(item.series.pixels[item.series.truth]) == sorted(expected)
    assert len(expected) == 4 * mask.sum()


def test_a_ct_of_other_slices_is_refused(tmp_path: Path) -> None:
    write(tmp_path, ct_side=25)
    with pytest.raises(DataLayoutError, match="does not lie on the slices"):
        load_items("sts-ct", tmp_path)
