"""NIfTI-1 and NIfTI-2 bytes to a series of axial slices in the usual display: patient's right on the left, front up."""

from __future__ import annotations

import io
import re
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from core.errors import LimitExceededError, UnreadableFileError
from core.imaging.archive import gunzip
from core.imaging.deidentify import Identity
from core.imaging.geometry import MOST_SLICE_MM, plausible
from core.imaging.keys import content_key
from core.imaging.limits import Budget
from core.imaging.nifti_header import data_offset, length_unit, orientation, scale
from core.imaging.padding import background, missing_in
from core.imaging.raster import grey_of, has_colour
from core.imaging.study import Modality, Plane, Series, SourceKind, Unit
from core.imaging.truth import stem_of

_HEADER_BYTES = 8192
_MOST_VOLUMES = 1000
_SURFACES = range(3000, 3100)  # intent codes of CIFTI
_HINTS = {
    Modality.PT: {"pet", "pt", "suv", "fdg"},
    Modality.CT: {"ct"},
    Modality.MR: {"mr", "mri", "t1", "t2", "t1w", "t2w", "t1c", "t1ce", "t1gd", "flair", "dwi", "adc"},
}
HINT_WORDS = frozenset().union(*_HINTS.values())  # what of a file's name is gone by


def read_nifti(path: str, data: bytes, budget: Budget, identity: Identity) -> list[Series]:
    """Decode a NIfTI file, packed or not, to axial slices: one series for every volume of a fourth or later dimension.

    A volume is brought to the nearest canonical orientation without interpolation; the affine is turned from RAS to
    LPS. Values are scaled by the header's slope and intercept. Of more than 1,000 volumes, or of such as exceed the
    limit on voxels together, the first one is decoded.

    Raises:
        UnreadableFileError: damaged, truncated, or half of a header/image pair.
        LimitExceededError: too large by its header.
    """
    packed = data.startswith(b"\x1f\x8b")
    header = _header(gunzip(data, _HEADER_BYTES) if packed else data)
    shape = tuple(int(size) for size in header.get_data_shape())
    if int(header["intent_code"]) in _SURFACES:
        raise UnreadableFileError(
            "It is a CIFTI file: values on surfaces and lists of voxels, not an image.", "Upload the volume as NIfTI."
        )
    shape = (*shape[:3], *(size or 1 for size in shape[3:]))  # some tools count dimensions that they leave empty
    if len(shape) < 2 or min(shape) < 1:
        raise UnreadableFileError(f"The NIfTI volume has the size {shape}.", "Export it again as a 3-D volume.")
    shape = (*shape, 1)[:3] if len(shape) < 3 else shape
    notes: list[str] = []
    budget.check_size(shape[0], shape[1])
    count = int(np.prod(shape[:3], dtype=np.int64))
    whole = int(np.prod(shape, dtype=object)) * int(header.get_data_dtype().itemsize)
    second = isinstance(header, nib.Nifti2Header)
    end = data_offset(header, second, 0 if packed else len(data), whole, []) + whole
    if end > budget.limits.total_bytes:
        raise LimitExceededError(
            f"The NIfTI volume unpacks to more than {budget.limits.total_bytes / 2**20:,.0f} MiB, "
            "the limit on total bytes.",
            "Upload one time point or a resampled volume.",
        )
    volumes = int(np.prod(shape[3:], dtype=object))
    if volumes > _MOST_VOLUMES or not budget.fits(count * volumes):
        notes.append(f"The file holds {volumes:,} volumes, too many to decode: only the first one is shown.")
        volumes = 1
    # packed, it unpacks to pieces that are put together; colours are turned with their three channels side by side
    budget.add_voxels(count * volumes, 2 * end if packed else 0)
    if packed:
        data = gunzip(data, end)
        budget.add_bytes(len(data))
    start = data_offset(header, second, len(data), whole, notes)
    end = start + whole
    if len(data) < end:
        raise UnreadableFileError(
            f"The NIfTI file is truncated: {len(data):,} of {end:,} bytes.", "Copy or download it again."
        )
    if any(field in header and header[field].item() for field in ("db_name", "aux_file", "descrip")):
        identity.dropped.add("NIfTI header text")
    size = count * int(header.get_data_dtype().itemsize)
    parts = [memoryview(data)[at : at + size] for at in range(start, start + size * volumes, size)]
    return [
        _series(path, part, header, shape[:3], list(notes), (f"volume {number}",) if volumes > 1 else ())
        for number, part in enumerate(parts, 1)
    ]


def _header(start: bytes) -> Any:
    if start[344:348] == b"ni1\x00" or start[4:8] == b"ni2\x00":
        raise UnreadableFileError(
            "It is the header of a NIfTI pair (.hdr and .img).", "Convert the pair to one .nii or .nii.gz file."
        )
    kind: Any = nib.Nifti2Header if start[4:8] == b"n+2\x00" else nib.Nifti1Header
    try:
        header = kind.from_fileobj(io.BytesIO(start[: 540 if kind is nib.Nifti2Header else 348]), check=False)
        header.get_data_shape()
    except (HeaderDataError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise UnreadableFileError("The NIfTI header is damaged.", "Copy or download the file again.") from error
    kind_known = int(header["datatype"]) in header._data_type_codes.dtype
    if not kind_known or header.get_data_dtype().itemsize == 0:
        raise UnreadableFileError(
            f"The voxels are of the kind {int(header['datatype'])}, which is unknown to NIfTI or not read here.",
            "Convert the scan to whole or floating-point numbers of up to 64 bits.",
        )
    return header


def _series(
    path: str, data: memoryview, header: Any, shape: tuple[int, ...], notes: list[str], told_apart: tuple[str, ...]
) -> Series:
    tags: dict[str, str] = {}
    count = int(np.prod(shape[:3], dtype=np.int64))
    stored = np.frombuffer(data, header.get_data_dtype(), count).reshape(shape[:3], order="F")
    affine, sized = orientation(header, shape, notes)
    millimetre = length_unit(header)
    if millimetre is None:
        notes.append("The header does not state the unit of length: millimetres assumed.")
    affine[:3] *= millimetre or 1.0
    turn = nib.io_orientation(affine)
    volume = nib.apply_orientation(stored, turn)
    canonical = affine @ nib.orientations.inv_ornt_aff(turn, shape)
    # canonical voxels run to the patient's right, front and head; the display runs to the left, the back and the head
    slices = volume[::-1, ::-1].transpose(2, 1, 0)
    pixels = _read_slices(slices, header, notes)
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    flip[0, 3], flip[1, 3] = volume.shape[0] - 1, volume.shape[1] - 1
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ canonical @ flip
    column, row, between = (float(size) for size in np.linalg.norm(lps[:3, :3], axis=0))
    sized = sized and plausible(column) and plausible(row) and plausible(between, MOST_SLICE_MM)
    if not sized:
        notes.append("The voxel size in the header is not plausible: sizes are in pixels.")
    padding = missing_in(pixels)
    if padding is not None:
        notes.append("Voxels without a number count as background.")
    modality, unit = _by_name(path, pixels, notes, tags)
    if padding is not None:
        pixels[padding] = background(pixels, padding, unit)
    spacing = (between, row, column) if sized else None
    return Series(
        key=content_key(pixels, SourceKind.NIFTI, spacing, *told_apart),
        description=f"{'NIfTI volume' if modality is Modality.UNKNOWN else modality + ' volume'}, {len(pixels)} slices",
        pixels=pixels,
        unit=unit,
        modality=modality,
        spacing=spacing,
        plane=Plane.AXIAL,
        affine=lps if sized else None,
        told_apart=told_apart,
        padding=padding,
        tags=tags,
        notes=tuple(notes),
    )


def _read_slices(slices: np.ndarray, header: Any, notes: list[str]) -> np.ndarray:
    """Float32 values of stored ones ``(slices, height, width)``, scaled, one slice after the other.

    Everything but the result is as large as a slice: the stored values are a view of the file.
    """
    pixels = np.empty(slices.shape, np.float32)
    if slices.dtype.names:
        notes.append("Colour was turned to grey.")
        names = slices.dtype.names[:3]
        planes = (np.stack([one[name] for name in names], axis=-1) for one in slices)
        colour = any(map(has_colour, planes))
        for number, one in enumerate(slices):  # nifti1.h: colours are not scaled
            pixels[number] = grey_of(np.stack([one[name] for name in names], axis=-1).astype(np.float32), colour=colour)
        return pixels
    if slices.dtype.kind == "c":
        notes.append("Complex values were turned to their magnitude.")
    slope, intercept = scale(header, notes)
    with np.errstate(over="ignore", invalid="ignore"):
        for number, one in enumerate(slices):
            part = np.abs(one) if slices.dtype.kind == "c" else one
            pixels[number] = part if (slope, intercept) == (1.0, 0.0) else part * np.float64(slope) + intercept
    return pixels


def _by_name(path: str, pixels: np.ndarray, notes: list[str], tags: dict[str, str]) -> tuple[Modality, Unit]:
    """Modality and unit as far as the file's name and the values tell; every guess is noted."""
    words = set(re.split(r"[^a-z0-9]+", stem_of(path).lower()))
    hints = {modality: words & known for modality, known in _HINTS.items() if words & known}
    if len(hints) != 1:
        return Modality.UNKNOWN, Unit.ARBITRARY
    modality, found = next(iter(hints.items()))
    word = sorted(found)[0]
    tags["name hint"] = word
    notes.append(f'The modality {modality} comes from "{word}" in the file name; the format does not say.')
    low, high = float(pixels.min()), float(pixels.max())
    if modality is Modality.CT and -4096 <= low <= -500 and high < 32768:
        notes.append(f"Values run from {low:.0f} to {high:.0f} and are taken as HU.")
        return modality, Unit.HU
    if modality is Modality.PT and low >= -1 and ("suv" in words or 1.0 <= high <= 200.0):
        notes.append(f"Values run up to {high:.1f} and are taken as SUVbw; the file does not state its unit.")
        return modality, Unit.SUV
    return modality, Unit.ARBITRARY
