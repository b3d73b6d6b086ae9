"""Simulated scans to files: PNG, NIfTI and DICOM bytes that are the same on every run."""

from __future__ import annotations

import gzip
import io
import zipfile

import cv2
import nibabel as nib
import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from core.simulate.fields import Array

_EPOCH = (2020, 1, 1, 0, 0, 0)


def png(image: Array) -> bytes:
    """8-bit grey PNG of ``(h, w)`` grey levels, or of a bool mask as 0 and 255."""
    grey = (image * 255).astype(np.uint8) if image.dtype == bool else np.clip(np.rint(image), 0, 255).astype(np.uint8)
    done, data = cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise ValueError(f"PNG encoding failed for an image of shape {image.shape}")
    return bytes(data.tobytes())


def nifti(
    pixels: Array,
    spacing: tuple[float, float, float],
    slope: float = 1.0,
    *,
    centred: bool = False,
    lowest: float | None = None,
) -> bytes:
    """Packed NIfTI-1 of axial slices ``(slices, h, w)`` from feet to head in the usual display.

    Args:
        pixels: values; stored as int16 multiples of ``slope``, or as uint8 when bool.
        spacing: mm between slices, rows, columns.
        slope: step of the stored values.
        centred: the origin is the middle of the volume instead of its first voxel, so that volumes of one body drawn
            about the same middle lie in each other.
        lowest: height of the first slice in mm, where it is given.
    """
    affine = np.diag([-spacing[2], -spacing[1], spacing[0], 1.0])
    if centred:
        affine[:3, 3] = -affine[:3, :3] @ ((np.array(pixels.shape[::-1]) - 1) / 2.0)
    if lowest is not None:
        affine[2, 3] = lowest
    volume = np.ascontiguousarray(pixels.transpose(2, 1, 0))
    stored = volume.astype(np.uint8) if pixels.dtype == bool else np.rint(volume / slope).astype(np.int16)
    image = nib.Nifti1Image(stored, affine)
    image.header.set_xyzt_units("mm")
    if pixels.dtype != bool:
        # nibabel writes the header's slope only when told not to choose its own.
        image.header.set_slope_inter(slope, 0.0)
    return gzip.compress(_raw(image, stored), mtime=0)


def _raw(image: nib.Nifti1Image, stored: Array) -> bytes:
    header = image.header.copy()
    header["magic"] = b"n+1"
    header["vox_offset"] = 352
    header.set_data_dtype(stored.dtype)
    header.set_sform(image.affine, code=1)
    header.set_qform(image.affine, code=1)
    return bytes(header.binaryblock) + b"\x00" * 4 + stored.tobytes(order="F")


def dicom_zip(hounsfield: Array, spacing: tuple[float, float, float], name: str) -> bytes:
    """A zipped CT series of slices ``(slices, h, w)`` in HU, from feet to head.

    Args:
        hounsfield: values in HU, stored as signed 16 bit with intercept -1024.
        spacing: mm between slices, rows, columns.
        name: seeds the identifiers, which are the same on every run.
    """
    out = io.BytesIO()
    study, series, frame = (generate_uid(entropy_srcs=[name, kind]) for kind in ("study", "series", "frame"))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for number, plane in enumerate(hounsfield):
            data = _ct_slice(plane, spacing, number, len(hounsfield))
            data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, frame
            data.SOPInstanceUID = generate_uid(entropy_srcs=[name, str(number)])
            data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
            buffer = io.BytesIO()
            data.save_as(buffer, enforce_file_format=True)
            entry = zipfile.ZipInfo(f"{name}/{number + 1:03d}.dcm", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue())
    return out.getvalue()


def lowest_of(count: int, step: float) -> float:
    """Height in mm of the first slice of a DICOM series as it is written here."""
    return -count / 2.0 * step


def _ct_slice(plane: Array, spacing: tuple[float, float, float], number: int, count: int) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.ImplementationClassUID = generate_uid(entropy_srcs=["overread"])
    data = FileDataset("", {}, file_meta=meta, preamble=b"\x00" * 128)
    data.SOPClassUID = CTImageStorage
    data.PatientName, data.PatientID = "SIMULATED^PHANTOM", "SIMULATED"
    data.PatientBirthDate, data.PatientSex = "", "O"
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = "20200101"
    data.StudyTime = data.ContentTime = "120000"
    data.AccessionNumber, data.ReferringPhysicianName, data.StudyID = "", "", "1"
    data.Modality, data.Manufacturer, data.BodyPartExamined = "CT", "Overread phantom", "CHEST"
    data.StudyDescription, data.SeriesDescription = "Simulated chest CT", "Simulated chest, lung kernel"
    data.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    data.SeriesNumber, data.InstanceNumber, data.AcquisitionNumber = 1, number + 1, 1
    data.PatientPosition = "HFS"
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    rows, columns = plane.shape
    left, front = -(columns - 1) / 2.0 * spacing[2], -(rows - 1) / 2.0 * spacing[1]
    height = lowest_of(count, spacing[0]) + number * spacing[0]
    data.ImagePositionPatient = [f"{left:.4f}", f"{front:.4f}", f"{height:.4f}"]
    data.SliceLocation = f"{height:.4f}"
    data.PixelSpacing = [f"{spacing[1]:.5f}", f"{spacing[2]:.5f}"]
    data.SliceThickness = f"{spacing[0]:.3f}"
    data.KVP, data.ConvolutionKernel = "120", "SIMULATED"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = rows, columns
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "-1024", "1", "HU"
    data.WindowCenter, data.WindowWidth = "-500", "1500"
    data.PixelData = np.clip(np.rint(plane + 1024.0), -32768, 32767).astype("<i2").tobytes()
    return data
