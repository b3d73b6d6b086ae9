"""What pydicom, SimpleITK, nibabel, tifffile and Pillow read in a file, without any of Overread's own code."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813 (its own documentation's name for it)
import tifffile
from PIL import Image, ImageOps
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

_LUMINANCE = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, eq=False)
class Plane:
    """One image as a reference reads it.

    Attributes:
        pixels: float64 ``(rows, columns)``. place: first pixel's centre in LPS millimetres, where told.
        spacing: millimetres between rows and columns, where told.
    """

    pixels: np.ndarray
    place: np.ndarray | None = None
    spacing: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Reference:
    """A file by a reference.

    Attributes:
        by: the software. planes: all its images. unit: what the pixels must be called, empty where nothing is told.
        second: the same images by a second reader, empty where it reads none.
    """

    by: str
    planes: list[Plane]
    unit: str = ""
    second: str = ""


def reference(path: Path) -> Reference | None:
    """The file by whatever software reads it; ``None`` when none does."""
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    for reader in (_dicom, _volume, _tiff, _picture):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = reader(path)
        except Exception:  # each library has its own errors for what is not its format
            continue
        if found is not None:
            return found
    return None


def _dicom(path: Path) -> Reference | None:
    data = pydicom.dcmread(path, force=True)
    if "Rows" not in data or "SOPClassUID" not in data:
        return None
    stored = pixel_array(data)
    if data.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, data)
    if stored.shape[-1] in (3, 4) and stored.ndim > 2 and (data.SamplesPerPixel > 1 or stored.ndim > 3):
        stored = stored[..., :3] @ _LUMINANCE * 255.0 / (2.0 ** (8 * stored.dtype.itemsize) - 1)
        frames = stored.reshape(-1, *stored.shape[-2:])
    elif data.PhotometricInterpretation == "PALETTE COLOR":
        frames = (
            stored.reshape(-1, *stored.shape[-3:-1], 3) @ _LUMINANCE * 255.0 / (2.0 ** (8 * stored.dtype.itemsize) - 1)
        )
    else:
        frames = stored.reshape(-1, *stored.shape[-2:])
    planes = [_plane(data, number, values) for number, values in enumerate(frames)]
    scaled = "RescaleSlope" in data or "SharedFunctionalGroupsSequence" in data
    # PS3.3 C.8.2.1.1.2: the output of the rescale is in HU, but for localizers
    hounsfield = data.get("Modality") == "CT" and scaled and data.get("RescaleType", "HU") == "HU"
    unit = "HU" if hounsfield and "LOCALIZER" not in (data.get("ImageType") or ()) else ""
    return Reference("pydicom", planes, unit, _second(path, planes))


def _plane(data: pydicom.Dataset, number: int, values: np.ndarray) -> Plane:
    values = values.astype(np.float64)
    groups = [data.get("PerFrameFunctionalGroupsSequence"), data.get("SharedFunctionalGroupsSequence")]
    items = [s[number if len(s) > number else 0] for s in groups if s]

    def macro(name: str) -> pydicom.Dataset:
        return next((item[name].value[0] for item in items if name in item and item[name].value), data)

    rescale = macro("PixelValueTransformationSequence")
    if "RescaleSlope" in rescale:
        values = values * float(rescale.RescaleSlope) + float(rescale.RescaleIntercept)
    elif "ModalityLUTSequence" in data:
        values = apply_modality_lut(values.astype(int), data).astype(np.float64)
    place = macro("PlanePositionSequence").get("ImagePositionPatient")
    spacing = macro("PixelMeasuresSequence").get("PixelSpacing")
    many = int(data.get("NumberOfFrames", 1) or 1) > 1 and not items
    return Plane(
        values,
        None if place is None or many else np.array(place, np.float64),
        None if spacing is None else (float(spacing[0]), float(spacing[1])),
    )


def _second(path: Path, planes: list[Plane]) -> str:
    """Whether SimpleITK's own decoder and rescale agree with pydicom's; empty where it cannot read the file."""
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError:
        return ""
    values = sitk.GetArrayFromImage(image).astype(np.float64)
    values = values.reshape(-1, *values.shape[-2:])
    if image.GetNumberOfComponentsPerPixel() > 1 or values.shape != (len(planes), *planes[0].pixels.shape):
        return ""
    worst = max(float(np.abs(own - plane.pixels).max()) for own, plane in zip(values, planes, strict=True))
    return "agrees" if worst <= 1e-3 else f"differs by {worst:.4g}"


def _volume(path: Path) -> Reference | None:
    image = nib.load(path)
    if not isinstance(image, (nib.Nifti1Image, nib.Nifti2Image)):
        return None
    values = np.asanyarray(image.get_fdata(), np.float64)
    values = values.reshape(*(*values.shape, 1, 1, 1)[:3], -1)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine  # RAS to LPS
    planes = []
    # by SimpleITK's own reorientation to LPS: rows to the back, columns to the left, slices to the head
    for volume in np.moveaxis(values, 3, 0):
        made = sitk.GetImageFromArray(np.ascontiguousarray(volume.transpose(2, 1, 0)))
        sizes = np.linalg.norm(affine[:3, :3], axis=0)
        made.SetSpacing(sizes.tolist())
        made.SetOrigin(affine[:3, 3].tolist())
        made.SetDirection((affine[:3, :3] / sizes).ravel().tolist())
        turned = sitk.DICOMOrient(made, "LPS")
        column, row, _ = turned.GetSpacing()
        for number, pixels in enumerate(sitk.GetArrayFromImage(turned)):
            place = np.array(turned.TransformIndexToPhysicalPoint((0, 0, number)))
            planes.append(Plane(pixels, place, (row, column)))
    return Reference("nibabel", planes)


def _tiff(path: Path) -> Reference | None:
    with tifffile.TiffFile(path) as file:
        pages = [np.asarray(page.asarray(), np.float64) for page in file.pages]
    return Reference("tifffile", [Plane(page @ _LUMINANCE if page.ndim == 3 else page) for page in pages])


def _picture(path: Path) -> Reference | None:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(path.read_bytes())))
    values = np.asarray(image.convert("RGB") if image.mode in ("P", "RGBA", "CMYK") else image, np.float64)
    return Reference("Pillow", [Plane(values @ _LUMINANCE if values.ndim == 3 else values)])


def series_by_gdcm(folder: Path) -> Iterable[tuple[str, tuple[float, float, float], np.ndarray]]:
    """DICOM series of one folder as SimpleITK sorts them: UID, spacing (slices, rows, columns), pixels."""
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        uids = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    except RuntimeError:  # one damaged file stops its listing
        return
    for uid in uids:
        names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
        if len(names) < 2:
            continue
        try:
            image = sitk.ReadImage(names)
        except RuntimeError:
            continue
        column, row, between = image.GetSpacing()
        yield uid, (between, row, column), sitk.GetArrayFromImage(image)
