"""One simulated scan whose lesion and picture quality can be set one by one: for the laboratory, and to measure what a
model still sees.

The lesion is added to a clear scan, so that its contrast is exact and the scan's own grain lies over it. Then the
picture is spoilt in the order in which that happens: thick slices, blur, noise, window, lossy storage.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import ContractError
from core.imaging.study import Series, SourceKind, Study, Unit, Window
from core.preprocessing import windows
from core.simulate.fields import smooth
from core.simulate.insertion import insert_lesion, irregular, largest
from core.simulate.phantom import DRAWINGS, phantom

KINDS = {"brain-mr": "brain tumour", "chest-ct": "lung malignant", "pet": "breast cancer"}
SLICES = 9  # of a scan that has any: enough to be averaged into thick ones
FIRST_SEED = 8000
ROUGH = 0.12  # of the lesion's edge
EDGE = 1.0  # pixels over which it fades


@dataclass(frozen=True)
class Setting:
    """What is set.

    Attributes:
        diameter: of the lesion in mm; 0 for none. contrast: of the lesion, share of :func:`full_scale`; may be below 0.
        blur: full width at half maximum in mm. noise: standard deviation, share of :func:`full_scale`.
        slices: neighbours averaged into one, odd, 1 to 9.
        window: centre and width in the scan's unit; ``None`` leaves the values as they are.
        quality: of JPEG, 1 to 100; ``None`` stores losslessly. It needs grey levels: without a window the usual one is
            taken.
    """

    diameter: float = 20.0
    contrast: float = 0.4
    blur: float = 0.0
    noise: float = 0.0
    slices: int = 1
    window: tuple[float, float] | None = None
    quality: int | None = None

    def __post_init__(self) -> None:
        numbers = (self.diameter, self.contrast, self.blur, self.noise, *(self.window or ()))
        if not all(np.isfinite(numbers)) or min(self.diameter, self.blur, self.noise) < 0:
            raise ValueError(f"sizes, blur and noise are finite and not below 0, got {self}")
        if self.slices not in range(1, SLICES + 1, 2):
            raise ValueError(f"slices are averaged in odd numbers up to {SLICES}, got {self.slices}")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise ValueError(f"JPEG quality is 1 to 100, got {self.quality}")


@lru_cache(maxsize=8)
def canvas(system: str, seed: int) -> tuple[Series, tuple[int, int]]:
    """A clear simulated scan, and row and column of where a lesion may lie on its middle slice.

    Raises:
        ContractError: the system has no laboratory.
    """
    if system not in KINDS:
        raise ContractError(f"There is no laboratory for {system}.", f"Known: {', '.join(KINDS)}.")
    label = DRAWINGS[system].labels[0]
    slices = SLICES if DRAWINGS[system].projection == "slice" else 1
    series = phantom(system, FIRST_SEED + seed, label, slices=slices, picture=False).series
    middle = series.pixels[series.slices // 2]
    rng = np.random.default_rng([seed, len(system)])
    _, mask = insert_lesion(middle, rng, kind=KINDS[system], unit=series.unit)
    rows, columns = np.nonzero(largest(mask))
    return series, (round(rows.mean()), round(columns.mean()))


def full_scale(series: Series) -> float:
    """What contrast and noise are shares of: the width of the window that the scan begins with, in its unit."""
    return windows.presets(series)[0].width


def made(system: str, seed: int, setting: Setting) -> Study:
    """The scan as set: one slice, with the lesion as its truth.

    Raises:
        ContractError: the system has no laboratory.
    """
    series, place = canvas(system, seed)
    values, truth = _with_lesion(series, place, seed, setting)
    plane = _thick(values, setting.slices)
    step = _step(series)
    if setting.blur:
        plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), setting.blur / step / 2.3548), np.float32)
    if setting.noise:
        rng = np.random.default_rng([seed, 99])
        plane = plane + setting.noise * full_scale(series) * rng.standard_normal(plane.shape).astype(np.float32)
    picture = replace(series, pixels=plane[None].astype(np.float32), truth=truth[None])
    if setting.window is not None or setting.quality is not None:
        picture = _stored(picture, setting)
    low, high = series.value_range or (-np.inf, np.inf)
    if setting.window is None and setting.quality is None:
        picture = replace(picture, pixels=np.clip(picture.pixels, low, high))
    digest = hashlib.sha256(np.ascontiguousarray(picture.pixels).tobytes()).hexdigest()
    picture = replace(picture, key=f"lab-{digest[:16]}")
    return Study("Laboratory", SourceKind.SIMULATED, (picture,), digest, simulated=True)


def _step(series: Series) -> float:
    """mm a pixel; 1 where that is not known, so that sizes are in pixels."""
    return series.spacing[2] if series.spacing else 1.0


def _with_lesion(
    series: Series, place: tuple[int, int], seed: int, setting: Setting
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """All slices with the lesion added, a ball with a rough edge; and its mask on the middle slice."""
    values = series.pixels.astype(np.float32).copy()
    truth = np.zeros(series.shape, bool)
    if not setting.diameter:
        return values, truth
    step, middle, radius = _step(series), series.slices // 2, setting.diameter / 2
    between = series.spacing[0] if series.spacing else step
    for index in range(series.slices):
        away = (index - middle) * between
        if abs(away) >= radius:
            continue
        rng = np.random.default_rng([seed, 7])  # the same edge on every slice
        here = float(np.sqrt(radius**2 - away**2)) / step
        depth = irregular(rng, series.shape, (float(place[0]), float(place[1])), here, ROUGH)
        values[index] += setting.contrast * full_scale(series) * smooth(depth, EDGE)
        if index == middle:
            truth = depth > 0
    return values, truth


def _thick(values: NDArray[np.float32], slices: int) -> NDArray[np.float32]:
    """The middle slice, averaged with its neighbours (partial volume)."""
    middle, half = len(values) // 2, min(slices // 2, len(values) // 2)
    return np.asarray(values[middle - half : middle + half + 1].mean(axis=0), np.float32)


def _stored(series: Series, setting: Setting) -> Series:
    """As an 8-bit picture through a window, lossy where asked."""
    usual = windows.presets(series)[0]
    window = usual if setting.window is None else Window(setting.window[0], max(setting.window[1], 1e-6), "set")
    grey = windows.to_display(series.pixels[0], window, invert=windows.shown_inverted(series))
    if setting.quality is not None:
        buffer = io.BytesIO()
        Image.fromarray(grey).save(buffer, format="JPEG", quality=setting.quality)
        grey = np.asarray(Image.open(io.BytesIO(buffer.getvalue())))
    return replace(
        series,
        pixels=grey[None].astype(np.float32),
        unit=Unit.GREY,
        value_range=(0.0, 255.0),
        window=None,
        other_windows=(),
    )
