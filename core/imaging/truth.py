"""Reference masks that come with an upload: which file is a mask, whose mask it is, and how it is attached."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from core.errors import UnreadableFileError
from core.imaging.nifti_header import UNORIENTED
from core.imaging.study import Series

BY_ALGORITHM = "The mask that came with the images was drawn by an algorithm: an AI result, not the truth."
_SUFFIXES = (".nii.gz", ".nii", ".dcm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gz")
_MASK_STEM = re.compile(r"[_\-. ]masks?$", re.IGNORECASE)
_MASK_FOLDERS = {"mask", "masks"}
_HALF_A_VOXEL = 0.5
_NEUTRAL_FOLDERS = _MASK_FOLDERS | {"image", "images", "img", "imgs"}


def stem_of(path: str) -> str:
    """File name without folders and without the suffixes that readable files have."""
    name = PurePosixPath(path).name
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def looks_like_mask(path: str) -> bool:
    """Whether a file is a mask by its name (``x_mask.png``) or by its folder (``masks/x.png``)."""
    if _MASK_STEM.search(stem_of(path)):
        return True
    return any(part.lower() in _MASK_FOLDERS for part in PurePosixPath(path).parts[:-1])


def pairing_key(path: str) -> str:
    """What an image and its mask have in common: the path without mask folder, image folder, mask ending, suffix."""
    folders = [part.lower() for part in PurePosixPath(path).parts[:-1] if part.lower() not in _NEUTRAL_FOLDERS]
    return "/".join([*folders, _MASK_STEM.sub("", stem_of(path)).lower()])


def resize_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Nearest-neighbour resize of ``(slices, height, width)`` bool in the plane, pixel centres aligned."""
    rows = np.minimum(((np.arange(height) + 0.5) * mask.shape[1] / height).astype(int), mask.shape[1] - 1)
    columns = np.minimum(((np.arange(width) + 0.5) * mask.shape[2] / width).astype(int), mask.shape[2] - 1)
    return mask[:, rows][:, :, columns]


def attach_truth(series: Series, mask_series: Series) -> Series:
    """The series with a reference mask: where the mask's pixels are above 0 is tumour.

    A mask drawn by an algorithm becomes an AI result, not the truth.

    A mask of another in-plane size is resampled (nearest neighbour). Both must have the same number of slices in the
    same order, and, where both say where they lie, lie at the same place.

    Raises:
        UnreadableFileError: the mask has another number of slices, or lies elsewhere.
    """
    if mask_series.slices != series.slices:
        raise UnreadableFileError(
            f"The mask has {mask_series.slices} slices, the image has {series.slices}.",
            "Upload a mask drawn on this very series.",
        )
    elsewhere = _elsewhere(series, mask_series)
    if elsewhere:
        raise UnreadableFileError(
            f"The mask fits no series: {elsewhere}.", "Save the mask with the orientation and origin of its image."
        )
    mask = mask_series.pixels > 0
    notes = series.notes
    if mask_series.shape != series.shape:
        notes = (*notes, f"The mask was resampled from {mask_series.shape} to {series.shape} pixels.")
    fitted = resize_mask(mask, *series.shape)
    if mask_series.by_algorithm:
        return replace(series, ai_result=fitted, notes=(*notes, BY_ALGORITHM))
    return replace(series, truth=fitted, notes=notes)


def _elsewhere(image: Series, mask: Series) -> str:
    """Why a mask does not lie where its image does; empty where it does, or where either does not say."""
    silent = [UNORIENTED in one.notes for one in (image, mask)]
    if silent[0] != silent[1]:
        which, other = ("mask", "image") if silent[1] else ("image", "mask")
        return f"the {which}'s file does not say how it lies in the patient, the {other}'s does"
    if image.affine is None or mask.affine is None or _other_frames(image, mask):
        return ""
    most = 0.0
    for number in (0, image.slices - 1):
        here, its = image.affine_at(number), mask.affine_at(number)
        if here is None or its is None:
            return ""
        places = its[:3] @ _corners(*mask.shape)
        found = np.linalg.inv(here) @ np.vstack([places, np.ones(4)])
        wide = np.maximum(1.0, np.array(image.shape[::-1]) / np.array(mask.shape[::-1]))  # pixels of the coarser grid
        off = np.abs(found[:3] - _corners(*image.shape)[:3]) / np.array([*wide, 1.0])[:, None]
        if float(off.max()) > _HALF_A_VOXEL:
            most = max(most, float(np.linalg.norm(places - here[:3] @ _corners(*image.shape), axis=0).max()))
    return f"it lies {most:.1f} mm from its image" if most > 0 else ""


def _other_frames(image: Series, mask: Series) -> bool:
    return image.frame is not None and mask.frame is not None and image.frame != mask.frame


def _corners(height: int, width: int) -> np.ndarray:
    """Outer corners of a slice in voxels (column, row, 0, 1), as four columns."""
    ends = [(c, r) for c in (-0.5, width - 0.5) for r in (-0.5, height - 0.5)]
    return np.array([[c for c, _ in ends], [r for _, r in ends], [0.0] * 4, [1.0] * 4])
