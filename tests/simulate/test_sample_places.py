"""The truth of the simulated CT lies where its images lie, by the files themselves."""

from __future__ import annotations

import io
import zipfile

import nibabel as nib
import numpy as np
import pydicom

from core.simulate.samples import FOLDER


def test_truth_and_slices_lie_at_one_place() -> None:
    with zipfile.ZipFile(FOLDER / "chest-ct-01.zip") as archive:
        headers = [
            pydicom.dcmread(io.BytesIO(archive.read(name)), stop_before_pixels=True) for name in archive.namelist()
        ]
    heights = sorted(float(header.ImagePositionPatient[2]) for header in headers)
    truth = nib.loadsave.load(FOLDER / "chest-ct-01-truth.nii.gz")
    assert isinstance(truth, nib.Nifti1Image)
    assert truth.affine is not None
    assert truth.shape[2] == len(headers)
    corner = truth.affine @ [0, 0, 0, 1]
    np.testing.assert_allclose(corner[:3] * [-1, -1, 1], [*headers[0].ImagePositionPatient[:2], heights[0]], atol=1e-3)
    np.testing.assert_allclose(truth.affine[2, 2], np.diff(heights).mean(), atol=1e-3)
