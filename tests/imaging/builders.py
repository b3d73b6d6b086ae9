"""Small files of every kind, made in memory."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
PET = "1.2.840.10008.5.1.4.1.1.128"
SEG = "1.2.840.10008.5.1.4.1.1.66.4"
SERIES = generate_uid(entropy_srcs=["series"])
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def dataset(pixels: np.ndarray, sop_class: str = MR, modality: str = "MR", **tags: Any) -> FileDataset:
    """A DICOM image of ``(rows, columns)`` or ``(frames, rows, columns)`` integers, explicit little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = FileDataset("", {}, file_meta=meta, preamble=b"\x00" * 128)
    header.SOPClassUID, header.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    header.SeriesInstanceUID, header.StudyInstanceUID = SERIES, generate_uid(entropy_srcs=["study"])
    header.Modality = modality
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.Rows, header.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        header.NumberOfFrames = len(pixels)
    bits = 8 * pixels.dtype.itemsize
    header.BitsAllocated = header.BitsStored = bits
    header.HighBit = bits - 1
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    header.PixelData = pixels.tobytes()
    for keyword, value in tags.items():
        setattr(header, keyword, value)
    return header


def to_bytes(header: Dataset) -> bytes:
    """The file's bytes."""
    out = io.BytesIO()
    pydicom.dcmwrite(out, header, enforce_file_format=True)
    return out.getvalue()


def item(**tags: Any) -> Dataset:
    """A sequence item."""
    made = Dataset()
    for keyword, value in tags.items():
        setattr(made, keyword, value)
    return made


def stack(
    volume: np.ndarray,
    step: float = 3.0,
    spacing: tuple[float, float] = (0.5, 0.75),
    orientation: Sequence[float] = AXIAL,
    origin: Sequence[float] = (-10.0, -20.0, 30.0),
    sop_class: str = MR,
    modality: str = "MR",
    **tags: Any,
) -> list[FileDataset]:
    """One classic data set per slice, positioned along the normal of ``orientation``."""
    normal = np.cross(orientation[:3], orientation[3:])
    made = []
    for number, pixels in enumerate(volume):
        place = np.asarray(origin) + normal * step * number
        header = dataset(pixels, sop_class, modality, **tags)
        header.ImagePositionPatient = [float(f"{value:.9g}") for value in place]
        header.ImageOrientationPatient = [float(f"{value:.9g}") for value in orientation]
        header.PixelSpacing = list(spacing)
        header.SliceThickness = abs(step)
        header.InstanceNumber = number + 1
        made.append(header)
    return made


def named(headers: Sequence[Dataset], folder: str = "") -> list[tuple[str, bytes]]:
    """Data sets as files of an upload."""
    return [(f"{folder}{number:03d}.dcm", to_bytes(header)) for number, header in enumerate(headers)]


def pet_tags(**changes: Any) -> dict[str, Any]:
    """Tags of a PET slice with everything that SUV needs; ``changes`` with ``None`` leave a tag out."""
    drug = {
        "RadionuclideTotalDose": 350e6,
        "RadionuclideHalfLife": 6586.2,
        "RadiopharmaceuticalStartTime": "100000",
    }
    tags: dict[str, Any] = {
        "Units": "BQML",
        "DecayCorrection": "START",
        "SeriesDate": "20200102",
        "SeriesTime": "110000",
        "AcquisitionDate": "20200102",
        "AcquisitionTime": "110000",
        "PatientWeight": 70.0,
        "RescaleSlope": 2.0,
        "RescaleIntercept": 0.0,
    }
    for keyword, value in changes.items():
        home = drug if keyword.startswith("Radio") else tags
        home[keyword] = value
    kept = {keyword: value for keyword, value in drug.items() if value is not None}
    tags["RadiopharmaceuticalInformationSequence"] = [item(**kept)]
    return {keyword: value for keyword, value in tags.items() if value is not None}


def noise(*shape: int, dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    """Random integers over the full range of ``dtype``."""
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def picture(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """An image file by Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def nifti(values: np.ndarray, affine: np.ndarray | None = None, packed: bool = False) -> bytes:
    """A single-file NIfTI-1 by nibabel."""
    image = nib.Nifti1Image(values, np.eye(4) if affine is None else affine)
    image.header.set_xyzt_units("mm")
    data = image.to_bytes()
    return gzip.compress(data) if packed else data


def zipped(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()
