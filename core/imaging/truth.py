"""Reference masks that come with an upload: which file is a mask, whose mask it is, and how it is attached."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from core.errors import UnreadableFileError
from core.imaging.study import Series

BY_ALGORITHM = "The mask that came with the images was drawn by an algorithm: an AI result, not the truth."
_SUFFIXES = (".nii.gz", ".nii", ".dcm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gz")
_MASK_STEM = re.compile(r"[_\-. ]masks?$", re.IGNORECASE)
_MASK_FOLDERS = {"mask", "masks"}
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
    same order.

    Raises:
        UnreadableFileError: the mask has another number of slices.
    """
    if mask_series.slices != series.slices:
        raise UnreadableFileError(
            f"The mask has {mask_series.slices} slices, the image has {series.slices}.",
            "Upload a mask drawn on this very series.",
        )
    mask = mask_series.pixels > 0
    notes = series.notes
    if mask_series.shape != series.shape:
        notes = (*notes, f"The mask was resampled from {mask_series.shape} to {series.shape} pixels.")
    fitted = resize_mask(mask, *series.shape)
    if mask_series.by_algorithm:
        return replace(series, ai_result=fitted, notes=(*notes, BY_ALGORITHM))
    return replace(series, truth=fitted, notes=notes)
