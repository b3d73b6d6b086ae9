"""Raster pictures to series: masks paired with their images, pictures of one folder and size stacked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import cv2
import numpy as np

from core.imaging.deidentify import Identity
from core.imaging.keys import content_key, natural
from core.imaging.planes import take_over
from core.imaging.raster import Picture
from core.imaging.sequences import NOTE
from core.imaging.study import APART, Problem, Series, SourceKind
from core.imaging.truth import looks_like_mask, pairing_key, resize_mask

_HALF = 127.0
# Slices of one lesion's crops or of one brain resemble the next: the median of their correlations is 0.75 or more in
# 94 % of 600 sequences of lesion crops and in all of 86 brains, and less in 97 to 100 % of piles of crops and in 90 to
# 99 % of piles of brain slices, of two to ten patients each.
_RESEMBLE = 0.75
_SIDE = 32  # pixels that a picture is compared at, at most
_SAME_SHAPE = 0.02  # of the ratio of width to height, so that rounding of a scaled mask's size does not count


def stack_pictures(pictures: Sequence[Picture], identity: Identity) -> tuple[list[Series], list[Problem]]:
    """Series of all pictures of an upload.

    A file with several pages is a stack of its own; single pictures of one folder, size and depth form a stack in
    natural name order. A mask becomes the truth of the image of the same stem; one without an image stays a series.
    """
    masks = [picture for picture in pictures if looks_like_mask(picture.path)]
    images = [picture for picture in pictures if not looks_like_mask(picture.path)]
    pairs, unpaired, problems = _pair(images, masks, identity)
    stacks: dict[tuple[object, ...], list[Picture]] = {}
    for picture in [*images, *unpaired]:
        folder, _, name = picture.path.rpartition("/")
        kind = (picture.pixels.shape[1:], picture.value_range, picture.unit, picture.low_is_bright)
        own = name if picture.paged else ""
        stacks.setdefault((folder, own, looks_like_mask(picture.path), *kind), []).append(picture)
    return [_series(stack, pairs, identity) for stack in stacks.values()], problems


def _pair(
    images: Sequence[Picture], masks: Sequence[Picture], identity: Identity
) -> tuple[dict[int, np.ndarray], list[Picture], list[Problem]]:
    """Truth by ``id`` of its picture; masks without an image; masks that do not fit theirs."""
    by_key: dict[str, list[Picture]] = {}
    by_stem: dict[str, list[Picture]] = {}
    for image in images:
        key = pairing_key(image.path)
        by_key.setdefault(key, []).append(image)
        by_stem.setdefault(key.rpartition("/")[2], []).append(image)
    pairs: dict[int, np.ndarray] = {}
    unpaired: list[Picture] = []
    problems: list[Problem] = []
    for mask in masks:
        key = pairing_key(mask.path)
        found = by_key.get(key) or by_stem.get(key.rpartition("/")[2], [])
        if len(found) != 1 or id(found[0]) in pairs:
            unpaired.append(mask)
            continue
        image = found[0]
        if len(mask.pixels) != len(image.pixels):
            name = identity.file_name(mask.path, 1)
            reason = f"The mask has {len(mask.pixels)} pages, its image has {len(image.pixels)}."
            problems.append(Problem(name, reason, "Upload a mask drawn on this very image."))
            continue
        (height, width), (rows, columns) = image.pixels.shape[1:], mask.pixels.shape[1:]
        if abs(columns * height / (rows * width) - 1.0) > _SAME_SHAPE:
            name = identity.file_name(mask.path, 1)
            reason = f"The mask has {columns} x {rows} pixels, its image {width} x {height}: it has another shape."
            problems.append(Problem(name, reason, "Upload a mask drawn on this very image."))
            continue
        # JPEG leaves a faint halo around a drawn mask, so there half of the range is the border
        drawn = mask.pixels > _HALF if mask.lossy else mask.pixels != 0
        pairs[id(image)] = resize_mask(drawn, *image.pixels.shape[1:])
    return pairs, unpaired, problems


def _series(stack: list[Picture], pairs: dict[int, np.ndarray], identity: Identity) -> Series:
    stack = sorted(stack, key=lambda picture: natural(PurePosixPath(picture.path).name))
    first = stack[0]
    pixels = take_over(stack)
    truth = None
    notes: list[str] = []
    colour = any(picture.colour for picture in stack)
    if any(id(picture) in pairs for picture in stack):
        empty = [np.zeros(picture.pixels.shape, dtype=bool) for picture in stack]
        truth = np.concatenate([pairs.get(id(picture), none) for picture, none in zip(stack, empty, strict=True)])
        without = sum(id(picture) not in pairs for picture in stack)
        if without:
            notes.append(f"{without} of {len(stack)} images came without a mask and count as tumour-free in the truth.")
    padding = None
    if any(picture.padding is not None for picture in stack):
        padding = take_over(stack, "padding")
        notes.append("Pixels without a number count as background.")
    if any(picture.reduced for picture in stack):
        notes.append("Sixteen bits a channel were read as eight.")
    if looks_like_mask(first.path):
        notes.append("This looks like a mask, but no image of the same name came with it.")
    yes, no = (sum(picture.sequences[side] for picture in stack) for side in (0, 1))
    sequences = yes > no  # slices near the ends show too little to tell, or to be sure of
    if sequences:
        notes.append(NOTE)
    elif colour:
        notes.append("Colour was turned to grey.")
    names = [
        identity.file_name(picture.path, number)
        for number, picture in enumerate(stack, 1)
        for _ in range(len(picture.pixels))
    ]
    count = len(pixels)
    apart = not first.paged and not resembling(pixels)
    if apart:
        notes.append(APART)
    return Series(
        key=content_key(pixels, SourceKind.RASTER),
        description=names[0] if count == 1 else f"{_stack_name(stack, identity)}, {count} slices",
        pixels=pixels,
        unit=first.unit,
        value_range=first.value_range,
        low_is_bright=first.low_is_bright,
        colour=colour and not sequences,
        sequences=sequences,
        notes=tuple(notes),
        truth=truth,
        padding=padding,
        names=tuple(names),
        apart=apart,
    )


def resembling(pixels: np.ndarray) -> bool:
    """Whether slices ``(n, height, width)`` mostly look like the next, as those of one stack do.

    An even slice, which nothing can be compared with, says nothing; where no pair is left they count as a stack.
    """
    height, width = pixels.shape[1:]
    size = (min(width, _SIDE), min(height, _SIDE))
    small = np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_AREA).ravel() for plane in pixels])
    small = np.nan_to_num(small, posinf=0.0, neginf=0.0).astype(np.float64)
    small -= small.mean(1, keepdims=True)
    length = np.linalg.norm(small, axis=1)
    shared = (small[1:] * small[:-1]).sum(1)
    sizes = length[1:] * length[:-1]
    told = sizes > 0
    return not told.any() or float(np.median(shared[told] / sizes[told])) >= _RESEMBLE


def _stack_name(stack: list[Picture], identity: Identity) -> str:
    path = PurePosixPath(stack[0].path)
    name = path.name if len(stack) == 1 else path.parent.name
    return name if name and identity.may_show(name) else "Picture stack"
