"""Siemens mosaics: one image that is the tiles of a whole volume, cut into its slices."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from core.errors import UnreadableFileError
from core.imaging.dicom import functional_groups as groups
from core.imaging.dicom.private_tags import SIEMENS, private_numbers, siemens_csa
from core.imaging.geometry import is_orientation, slice_normal

_REMEDY = "Convert the series with a tool that splits mosaics and upload the NIfTI files."
_UNNAMED = "The maker's header counts several slices in this image, though its type names no mosaic: it was cut up."
_NO_SIDE = (
    "The file does not say on which side the mosaic's slices follow one another: along the plane's normal assumed."
)


@dataclass(frozen=True)
class Mosaic:
    """A square of tiles, row by row.

    Attributes:
        slices: tiles that hold a slice; the last ones may be blank.
        side: tiles in a row and in a column.
        notes: what had to be assumed.
    """

    slices: int
    side: int
    notes: tuple[str, ...] = ()

    def cut(self, image: np.ndarray) -> np.ndarray:
        """``(slices, rows, columns)`` of a mosaic's pixels."""
        rows, columns = (size // self.side for size in image.shape)
        tiles = image.reshape(self.side, rows, self.side, columns).swapaxes(1, 2)
        return tiles.reshape(-1, rows, columns)[: self.slices]

    def positions(self, header: Dataset) -> np.ndarray | None:
        """Centre of every slice's first pixel ``(slices, 3)`` in LPS millimetres; ``None`` when unknown.

        The header's position is that of a slice as large as the whole mosaic with the same centre.
        """
        corner = groups.numbers(header, 0, "", "ImagePositionPatient", 3)
        orientation = groups.numbers(header, 0, "", "ImageOrientationPatient", 6)
        spacing = groups.numbers(header, 0, "", "PixelSpacing", 2)
        between = groups.positive(header, 0, "", "SpacingBetweenSlices") or groups.positive(
            header, 0, "", "SliceThickness"
        )
        if corner is None or spacing is None or between is None or orientation is None:
            return None
        if not is_orientation(orientation):
            return None
        sizes = np.array([int(header.Columns), int(header.Rows)])
        margin = (sizes - sizes // self.side) / 2 * spacing[::-1]
        first = corner + orientation[:3] * margin[0] + orientation[3:] * margin[1]
        normal = slice_normal(orientation)
        told = siemens_csa(header).get("SliceNormalVector", ())
        if len(told) == 3 and float(np.dot(told, normal)) < 0:
            normal = -normal
        return first + np.arange(self.slices)[:, None] * between * normal


def mosaic_of(header: Dataset) -> Mosaic | None:
    """The tiling of an image, or ``None`` for one that is no mosaic.

    Raises:
        UnreadableFileError: a mosaic of unknown tiling.
    """
    if private_numbers(header, 0x0065, "Image Private Header", 0x50)[:1] > (1.0,):
        raise UnreadableFileError("It is a grid of several slices in one image, which cannot be split here.", _REMEDY)
    if int(header.get("NumberOfFrames", 1) or 1) > 1:
        return None
    named = "MOSAIC" in [str(word).upper() for word in header.get("ImageType") or ()]
    csa = siemens_csa(header)
    count = int((private_numbers(header, 0x0019, SIEMENS, 0x0A) or csa.get("NumberOfImagesInMosaic", ()) or (0,))[0])
    if count == 1 or (count < 1 and not named):
        return None
    side = math.ceil(math.sqrt(count)) if count > 0 else 0
    rows, columns = int(header.get("Rows", 0) or 0), int(header.get("Columns", 0) or 0)
    if side < 1:
        raise UnreadableFileError(
            "It is a mosaic of several slices in one image, and its header does not say of how many.", _REMEDY
        )
    if (rows % side or columns % side) and not named:
        return None
    if rows % side or columns % side:
        raise UnreadableFileError(
            f"It is a mosaic of several slices, {count} by its header, but {columns} x {rows} pixels are no {side} x "
            f"{side} tiles.",
            "Export the series again, unchanged.",
        )
    known = len(csa.get("SliceNormalVector", ())) == 3
    return Mosaic(count, side, (*(() if named else (_UNNAMED,)), *(() if known else (_NO_SIDE,))))
