"""PNG, JPEG and TIFF bytes to grey pictures, refused by their header before anything large is decoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import UnreadableFileError
from core.imaging.dicom.jpeg_frames import uncommon_jpeg
from core.imaging.formats import Format
from core.imaging.limits import Budget
from core.imaging.padding import background
from core.imaging.planes import plane, room, take_over
from core.imaging.sequences import three_sequences
from core.imaging.study import Unit
from core.imaging.tiff_samples import (
    as_stored,
    bits_of,
    is_signed_bytes,
    not_read,
    promised,
    read_pages,
    unread,
    why_not_by_pillow,
)

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_TIFF_PHOTOMETRIC = 262
_WHITE_IS_ZERO, _RGB = 0, 2
_ORIENTATION = 274
_AT_ONCE = 500_000  # pixels
_BESIDE = 12  # bytes a pixel: as decoded, as turned upright, as an array
_LARGEST_SLICE = 1024 * 1024  # pixels: no MR slice has more


@dataclass(eq=False)
class Picture:
    """One raster file's pages of equal size.

    Attributes:
        path: path within the upload.
        pixels: float32 ``(pages, height, width)``, grey as stored.
        value_range: what the stored format can hold, when it says.
        unit: grey level, or arbitrary for 32-bit and floating-point formats.
        colour: true when colour was thrown away.
        sequences: of its pages in colour, how many are three MR sequences in three channels, and how many are not.
        low_is_bright: true for 16-bit TIFF stored with white as zero.
        lossy: true for JPEG.
        metadata: true when the file carried EXIF or text that was dropped.
        paged: true when it is one of several pages of a file.
        padding: bool ``(pages, height, width)`` pixels without a number, set to the background's value; or ``None``.
        reduced: sixteen bits a channel were read as eight.
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
    padding: np.ndarray | None = None
    sequences: tuple[int, int] = (0, 0)
    reduced: bool = False


@dataclass(eq=False)
class _Page:
    pixels: np.ndarray
    value_range: tuple[float, float] | None
    unit: Unit
    colour: bool
    low_is_bright: bool = False
    padding: np.ndarray | None = None
    sequences: bool | None = None
    reduced: bool = False


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
    metadata, number = False, 0
    try:
        with Image.open(io.BytesIO(data), formats=(kind.value,)) as image:
            for number, page in enumerate(_pages(image, kind, budget)):
                if number == 0:  # asking a PNG for its EXIF decodes it, so only now that its size was found good
                    metadata = bool(image.getexif()) or any(isinstance(value, str) for value in image.info.values())
                key = (page.pixels.shape, page.value_range, page.low_is_bright)
                groups.setdefault(key, []).append(page)
            told = promised(getattr(image, "tag_v2", {})) if number == 0 else 1
            if told > 1:  # programs write large stacks behind the directory of their first image
                raise not_read(f"{told} images behind one directory")
    except UnidentifiedImageError as error:
        if kind is Format.JPEG:
            raise _not_a_common_jpeg(data) from error
        if kind is not Format.TIFF:
            raise _damaged(kind) from error
        for samples in read_pages(data, budget):
            page = _numbers(samples.pixels, low_is_bright=samples.low_is_bright)
            groups.setdefault((page.pixels.shape, None, page.low_is_bright), []).append(page)
    except Image.DecompressionBombError:
        # Pillow refuses at 179 million pixels, before our own check can see the size
        budget.check_size(budget.limits.side + 1, budget.limits.side + 1)
    except (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError) as error:
        if kind is Format.TIFF:
            raise unread(data) from error
        raise (_not_a_common_jpeg(data) if kind is Format.JPEG else _damaged(kind)) from error
    paged = sum(len(pages) for pages in groups.values()) > 1
    return [
        Picture(
            path,
            take_over(pages),
            pages[0].value_range,
            pages[0].unit,
            any(page.colour for page in pages),
            pages[0].low_is_bright,
            kind is Format.JPEG,
            metadata,
            paged,
            None if all(page.padding is None for page in pages) else take_over(pages, "padding"),
            (sum(page.sequences is True for page in pages), sum(page.sequences is False for page in pages)),
            any(page.reduced for page in pages),
        )
        for pages in groups.values()
    ]


def _damaged(kind: Format) -> UnreadableFileError:
    return UnreadableFileError(f"The {kind.value} picture is truncated or damaged.", "Export or download it again.")


def _not_a_common_jpeg(data: bytes) -> UnreadableFileError:
    """Why a JPEG cannot be decoded: of a kind that is not read outside DICOM, else damaged."""
    kind = uncommon_jpeg(data)
    if kind is None:
        return _damaged(Format.JPEG)
    return UnreadableFileError(f"It is a {kind} JPEG, which is read only within DICOM.", "Save it as PNG or TIFF.")


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
        budget.add_voxels(image.size[0] * image.size[1], image.size[0] * image.size[1] * _BESIDE)
        yield _grey(image, kind)
        number += 1


def _grey(image: Image.Image, kind: Format) -> _Page:
    tolerance = 2 if kind is Format.JPEG else 0
    tags = getattr(image, "tag_v2", {})
    odd = why_not_by_pillow(tags) if tags else None
    if odd is not None:
        raise not_read(odd)
    white_is_zero = tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO
    deep = any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))
    image.load()
    # turning an upright picture would copy it
    upright = image if image.getexif().get(_ORIENTATION, 1) == 1 else ImageOps.exif_transpose(image)
    mode = upright.mode
    if mode.startswith("I;16"):
        most = float(2 ** min(max(bits_of(tags), 9), 16) - 1) if tags else 65535.0
        return _Page(plane(np.asarray(upright)), (0.0, most), Unit.GREY, False, white_is_zero)
    if mode in ("I", "F") or (mode == "L" and tags and is_signed_bytes(tags)):
        stored = as_stored(np.asarray(upright), tags) if tags else np.asarray(upright)
        return _numbers(stored, low_is_bright=white_is_zero)
    if mode in ("1", "L") and "transparency" not in upright.info:
        return _Page(plane(np.asarray(upright.convert("L"))), (0.0, 255.0), Unit.GREY, False)
    page = _from_colour(upright, tolerance)
    page.reduced = deep
    if page.colour:
        # Lossy colour is coarser than grey, palettes and inks are no channels: only plain RGB can hold sequences.
        plain = mode == "RGB" and kind is not Format.JPEG and tags.get(_TIFF_PHOTOMETRIC, _RGB) == _RGB
        plain = plain and "transparency" not in upright.info and page.pixels.size <= _LARGEST_SLICE
        page.sequences = three_sequences(np.asarray(upright)) if plain else False
    return page


def _from_colour(image: Image.Image, tolerance: int) -> _Page:
    """Grey of a picture in colour or with transparency, some rows at a time: in float32 it is large."""
    see_through = "A" in image.mode or "a" in image.mode or "transparency" in image.info

    def bands() -> Iterator[tuple[int, np.ndarray]]:
        step = max(1, _AT_ONCE // image.width)
        for top in range(0, image.height, step):
            band = image.crop((0, top, image.width, min(top + step, image.height)))
            yield top, np.asarray(band.convert("RGBA" if see_through else "RGB"), dtype=np.float32)

    colour = any(has_colour(band[..., :3], tolerance) for _, band in bands())
    grey = room((image.height, image.width))
    for top, band in bands():
        part = grey_of(band[..., :3], colour=colour)
        grey[top : top + len(band)] = part * (band[..., 3] / 255.0) if see_through else part
    return _Page(grey, (0.0, 255.0), Unit.GREY, colour)


def _numbers(stored: np.ndarray, *, low_is_bright: bool) -> _Page:
    """A page of numbers without a known range; pixels that are none become background."""
    values = plane(stored)
    missing = ~np.isfinite(values)
    if not missing.any():
        return _Page(values, None, Unit.ARBITRARY, False, low_is_bright)
    values[missing] = 0.0
    values[missing] = background(values, missing, Unit.ARBITRARY, low_is_bright=low_is_bright)
    return _Page(values, None, Unit.ARBITRARY, False, low_is_bright, missing)


def has_colour(rgb: np.ndarray, tolerance: float = 0) -> bool:
    """Whether a pixel of ``(..., 3)`` has channels that differ by more than ``tolerance``."""
    red, green, blue = (rgb[..., channel] for channel in range(3))
    high = np.maximum(np.maximum(red, green), blue)
    return bool((high - np.minimum(np.minimum(red, green), blue) > tolerance).any())


def grey_of(rgb: np.ndarray, *, colour: bool) -> np.ndarray:
    """Float32 grey of float32 ``(..., 3)``: luminance by ITU-R BT.601 where there is colour, else any channel."""
    return np.ascontiguousarray(rgb @ _LUMINANCE if colour else rgb[..., 1], dtype=np.float32)
