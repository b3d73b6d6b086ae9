"""PNG, JPEG and TIFF bytes to grey pictures, refused by their header before anything large is decoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from core.errors import UnreadableFileError
from core.imaging.formats import Format
from core.imaging.limits import Budget
from core.imaging.study import Unit

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_TIFF_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0


@dataclass(frozen=True, eq=False)
class Picture:
    """One raster file's pages of equal size.

    Attributes:
        path: path within the upload.
        pixels: float32 ``(pages, height, width)``, grey as stored.
        value_range: what the stored format can hold, when it says.
        unit: grey level, or arbitrary for 32-bit and floating-point formats.
        colour: true when colour was thrown away.
        low_is_bright: true for 16-bit TIFF stored with white as zero.
        lossy: true for JPEG.
        metadata: true when the file carried EXIF or text that was dropped.
        paged: true when it is one of several pages of a file.
    """

    path: str
    pixels: np.ndarray
    value_range: tuple[float, float] | None
    unit: Unit
    colour: bool = False
    low_is_bright: bool = False
    lossy: bool = False
    metadata: bool = False
    paged: bool = False


@dataclass(frozen=True, eq=False)
class _Page:
    pixels: np.ndarray
    value_range: tuple[float, float] | None
    unit: Unit
    colour: bool
    low_is_bright: bool = False


def read_raster(path: str, data: bytes, kind: Format, budget: Budget) -> list[Picture]:
    """Decode a PNG, JPEG or TIFF: EXIF orientation applied, alpha composited on black, colour turned to luminance.

    Returns:
        One picture, or one per page size and depth for a file with unequal pages.

    Raises:
        UnreadableFileError: damaged or truncated.
        LimitExceededError: too large by its header.
    """
    if kind is Format.PNG and len(data) >= 24:
        budget.check_size(int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big"))
    groups: dict[tuple[object, ...], list[_Page]] = {}
    metadata = False
    try:
        with Image.open(io.BytesIO(data), formats=(kind.value,)) as image:
            metadata = bool(image.getexif()) or any(isinstance(value, str) for value in image.info.values())
            for page in _pages(image, kind, budget):
                key = (page.pixels.shape, page.value_range, page.low_is_bright)
                groups.setdefault(key, []).append(page)
    except Image.DecompressionBombError:
        # Pillow refuses at 179 million pixels, before our own check can see the size
        budget.check_size(budget.limits.side + 1, budget.limits.side + 1)
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError) as error:
        raise UnreadableFileError(
            f"The {kind.value} picture is truncated or damaged.", "Export or download it again."
        ) from error
    paged = sum(len(pages) for pages in groups.values()) > 1
    return [
        Picture(
            path,
            np.stack([page.pixels for page in pages]),
            pages[0].value_range,
            pages[0].unit,
            any(page.colour for page in pages),
            pages[0].low_is_bright,
            kind is Format.JPEG,
            metadata,
            paged,
        )
        for pages in groups.values()
    ]


def _pages(image: Image.Image, kind: Format, budget: Budget) -> Iterator[_Page]:
    number = 0
    while True:
        if number:
            if kind is Format.JPEG:
                return
            try:
                image.seek(number)
            except EOFError:
                return
            budget.add_file()
        budget.check_size(*image.size)
        budget.add_voxels(image.size[0] * image.size[1])
        yield _grey(image, 2 if kind is Format.JPEG else 0)
        number += 1


def _grey(image: Image.Image, tolerance: int) -> _Page:
    white_is_zero = False
    if image.mode.startswith(("I", "F")):
        tags = getattr(image, "tag_v2", {})
        white_is_zero = tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO
    upright = ImageOps.exif_transpose(image)
    mode = upright.mode
    if mode.startswith("I;16"):
        return _Page(np.asarray(upright).astype(np.float32), (0.0, 65535.0), Unit.GREY, False, white_is_zero)
    if mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(upright, dtype=np.float32), posinf=0.0, neginf=0.0)
        return _Page(values, None, Unit.ARBITRARY, False, white_is_zero)
    if "A" in mode or "a" in mode or "transparency" in upright.info:
        rgba = np.asarray(upright.convert("RGBA"), dtype=np.float32)
        return _from_rgb(rgba[..., :3], rgba[..., 3] / 255.0, tolerance)
    if mode in ("1", "L"):
        return _Page(np.asarray(upright.convert("L"), dtype=np.float32), (0.0, 255.0), Unit.GREY, False)
    return _from_rgb(np.asarray(upright.convert("RGB"), dtype=np.float32), None, tolerance)


def _from_rgb(rgb: np.ndarray, alpha: np.ndarray | None, tolerance: int) -> _Page:
    grey, colour = to_grey(rgb, tolerance)
    return _Page(grey if alpha is None else grey * alpha, (0.0, 255.0), Unit.GREY, colour)


def to_grey(rgb: np.ndarray, tolerance: float = 0) -> tuple[np.ndarray, bool]:
    """Grey of ``(..., 3)`` RGB, and whether it had colour.

    Equal channels (within ``tolerance``) are grey already; otherwise luminance by ITU-R BT.601.
    """
    colour = bool((np.ptp(rgb, axis=-1) > tolerance).any())
    grey = rgb @ _LUMINANCE if colour else rgb[..., 1]
    return np.ascontiguousarray(grey, dtype=np.float32), colour
