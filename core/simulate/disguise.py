"""Changes to a picture that are no disease: grey levels, frame, corner mark, blur, noise, JPEG, position, size.

What a lesion shows is put back as it was, value by value: what a model says otherwise afterwards, it does not say
because of the lesion.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from core.imaging.study import Series, SourceKind, Study
from core.preprocessing import windows
from core.simulate.phantom import phantom

FIRST_SEED = 2**31  # no quiz draws from here on: nobody meets a case here that waits for an answer
MARGIN, FADE = 2.0, 6.0  # pixels around a lesion that are protected, and over which the change then sets in


@dataclass(frozen=True)
class Change:
    """What is changed.

    Attributes:
        spread: factor on the grey levels about their mean. level: added, share of the scale (:func:`scale`).
        blur: full width at half maximum in pixels. noise: standard deviation, share of the scale.
        quality: of JPEG over the picture's whole range, 1 to 100; ``None`` for none.
        frame: width of a bright frame. mark: side of a bright square in the upper left corner. Both are shares of the
            shorter side, 0 to 0.25.
        down, right: pixels by which the picture is moved. zoom: factor about its middle.
    """

    spread: float = 1.0
    level: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    quality: int | None = None
    frame: float = 0.0
    mark: float = 0.0
    down: int = 0
    right: int = 0
    zoom: float = 1.0

    def __post_init__(self) -> None:
        numbers = (self.spread, self.level, self.blur, self.noise, self.frame, self.mark, self.zoom)
        if not all(np.isfinite(numbers)) or min(self.spread, self.blur, self.noise, self.frame, self.mark) < 0:
            raise ValueError(f"changes are finite, and none but level and place is below 0, got {self}")
        if max(self.frame, self.mark) > 0.25 or not 0.25 <= self.zoom <= 4:
            raise ValueError(f"frame and mark are up to a quarter, zoom 0.25 to 4, got {self}")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ValueError(f"JPEG quality is 1 to 100, got {self}")


@dataclass(frozen=True, eq=False)
class Changed:
    """A changed picture.

    Attributes:
        study: one slice, with the lesion where it is now as its truth.
        distance: root mean square of the change over all pixels, share of the scale. largest: of one pixel, likewise.
        untouched: every value of the lesion is still there, in its place within the lesion.
    """

    study: Study
    distance: float
    largest: float
    untouched: bool


def scan(system: str, seed: int, label: str) -> Series:
    """One slice of a simulated scan, the one with most of the lesion, with its truth. Raises as :func:`phantom`."""
    made = phantom(system, FIRST_SEED + seed, label)
    index = int(made.truth.sum(axis=(1, 2)).argmax())
    one = slice(index, index + 1)
    return replace(made.series, pixels=made.series.pixels[one], truth=made.truth[one], padding=None, positions=None)


def scale(series: Series) -> float:
    """What changes are shares of: the width of the window that the scan begins with, in its unit."""
    return windows.presets(series)[0].width


def changed(series: Series, change: Change, seed: int = 0) -> Changed:
    """The picture as changed, in the order of :class:`Change`'s fields.

    Args:
        series: one slice with its truth, which may be empty. seed: of the noise.
    """
    before = series.pixels[0].astype(np.float32)
    truth = np.zeros(before.shape, bool) if series.truth is None else series.truth[0]
    after = _within(_spoilt(before, change, scale(series), seed), series)
    after = np.where(_share(truth) > 0, before + _share(truth) * (after - before), before).astype(np.float32)
    after, moved = _placed(after, truth, change)
    gap = (after.astype(np.float64) - before) / scale(series)
    kept = moved.sum() == truth.sum() and bool(np.array_equal(after[moved], before[truth]))
    digest = hashlib.sha256(np.ascontiguousarray(after).tobytes()).hexdigest()
    picture = replace(series, pixels=after[None], truth=moved[None], key=f"disguise-{digest[:16]}")
    study = Study("Laboratory", SourceKind.SIMULATED, (picture,), digest, simulated=True)
    return Changed(study, float(np.sqrt((gap**2).mean())), float(np.abs(gap).max()), kept)


def _spoilt(plane: NDArray[np.float32], change: Change, unit: float, seed: int) -> NDArray[np.float32]:
    values = plane
    if change.spread != 1.0 or change.level:
        mean = float(values.mean())
        values = mean + change.spread * (values - mean) + change.level * unit
    if change.blur:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), change.blur / 2.3548), np.float32)
    if change.noise:
        grain = np.random.default_rng([seed, 99]).standard_normal(values.shape)
        values = (values + change.noise * unit * grain).astype(np.float32)
    if change.quality is not None:
        values = _lossy(values, change.quality)
    side, bright = min(plane.shape), float(plane.max())
    values = np.array(values, np.float32)
    if change.frame:
        inner = np.zeros(plane.shape, bool)
        width = max(1, round(change.frame * side))
        inner[width:-width, width:-width] = True
        values[~inner] = bright
    if change.mark:
        long = max(1, round(change.mark * side))
        values[:long, :long] = bright
    return values


def _lossy(values: NDArray[np.float32], quality: int) -> NDArray[np.float32]:
    low, width = float(values.min()), float(np.ptp(values)) or 1.0
    grey = np.round((values - low) / width * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, format="JPEG", quality=quality)
    return (np.asarray(Image.open(io.BytesIO(buffer.getvalue()))) / 255 * width + low).astype(np.float32)


def _share(truth: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How much of a change each pixel takes: none on the lesion and its margin, all of it further away."""
    if not truth.any():
        return np.ones(truth.shape, np.float32)
    away = ndimage.distance_transform_edt(~truth)
    return np.clip((away - MARGIN) / FADE, 0.0, 1.0).astype(np.float32)


def _within(values: NDArray[np.float32], series: Series) -> NDArray[np.float32]:
    low, high = series.value_range or (-np.inf, np.inf)
    return np.clip(values, low, high)


def _placed(
    values: NDArray[np.float32], truth: NDArray[np.bool_], change: Change
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Moved by whole pixels, so that no value is mixed, and zoomed; what comes in is as dark as the darkest pixel."""
    empty = float(values.min())
    moved, where = np.full_like(values, empty), np.zeros_like(truth)
    height, width = values.shape
    down, right = change.down, change.right
    into = slice(max(down, 0), min(height, height + down)), slice(max(right, 0), min(width, width + right))
    out = slice(max(-down, 0), min(height, height - down)), slice(max(-right, 0), min(width, width - right))
    moved[into], where[into] = values[out], truth[out]
    if change.zoom == 1.0:
        return moved, where
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0.0, change.zoom)
    zoomed = cv2.warpAffine(moved, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=empty)
    lesion = cv2.warpAffine(where.astype(np.uint8), turn, (width, height), flags=cv2.INTER_NEAREST)
    return np.asarray(zoomed, np.float32), lesion > 0
