"""Segmenters from pixel counts: Dice by slice and volume, tumour size, worst cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evidence.summary import RESAMPLES, distinct, published
from core.evidence.summary import row as line
from core.evidence.tables import BASELINE, Column, Row, Table, exact
from core.statistics import Interval, bootstrap_by_group
from core.statistics.bland_altman import BlandAltman, bland_altman
from core.statistics.overlap import dice_from_counts, dice_per_volume_from_counts
from core.statistics.weighted import bootstrap_weighted, mean
from core.weights.predictions import Evidence, Part

COLUMNS = (
    Column("dice_slice", "Dice, slices with tumour"),
    Column("dice_volume_mean", "Dice by volume, mean"),
    Column("dice_volume_median", "Dice by volume, median"),
    Column("found", "Slices with tumour touched by the mask"),
    Column("false_mask_rate", "Slices without tumour that get a mask"),
    Column("bias", "Volume bias (pixels)", 0, "mask minus truth, mean over groups"),
    Column("lower", "Limits of agreement, lower", 0),
    Column("upper", "Limits of agreement, upper", 0),
)
IN_ML = (
    Column("bias_ml", "Volume bias (ml)", 1, "mask minus truth, mean over groups"),
    Column("lower_ml", "Limits of agreement, lower (ml)", 1),
    Column("upper_ml", "Limits of agreement, upper (ml)", 1),
)


@dataclass(frozen=True, eq=False)
class Masks:
    """Overlap on one part.

    Attributes:
        slices: ``(S,)`` indices into the part of the slices with tumour. slice_dice: ``(S,)``.
        groups: ``(G,)`` group names. drawn, real: ``(G,)`` pixels of mask and truth in a group.
        volumes: ``(V,)`` names of the groups with tumour. volume_dice: ``(V,)``. Where a whole group has no tumour,
            the share of false masks tells instead.
        size: Bland-Altman of ``drawn`` against ``real``; ``None`` with fewer than three groups.
        size_ml: the same in millilitres; ``None`` where the spacing of an image is not known.
    """

    slices: np.ndarray
    slice_dice: np.ndarray
    volumes: np.ndarray
    volume_dice: np.ndarray
    groups: np.ndarray
    drawn: np.ndarray
    real: np.ndarray
    size: BlandAltman | None
    size_ml: BlandAltman | None = None


def masks(part: Part) -> Masks | None:
    """Overlap of a part; ``None`` when it has no pixel counts."""
    if part.mask_pixels is None or part.truth_pixels is None or part.shared_pixels is None:
        return None
    slices = np.flatnonzero(part.truth_pixels > 0)
    per_slice = dice_from_counts(part.mask_pixels, part.truth_pixels, part.shared_pixels)
    volumes = dice_per_volume_from_counts(part.mask_pixels, part.truth_pixels, part.shared_pixels, part.groups.tolist())
    place = {name: number for number, name in enumerate(volumes.groups)}
    codes = np.array([place[name] for name in part.groups])
    drawn = np.bincount(codes, part.mask_pixels, len(place))
    real = np.bincount(codes, part.truth_pixels, len(place))
    size = bland_altman(drawn, real) if len(place) >= 3 else None
    size_ml = None
    if size is not None and part.pixel_ml is not None:
        drawn_ml = np.bincount(codes, part.mask_pixels * part.pixel_ml)
        real_ml = np.bincount(codes, part.truth_pixels * part.pixel_ml)
        size_ml = bland_altman(drawn_ml, real_ml)
    names, values = np.array(volumes.groups), np.asarray(volumes.values)
    return Masks(slices, per_slice[slices], names[real > 0], values[real > 0], names, drawn, real, size, size_ml)


def table(models: Sequence[Evidence], split: str) -> Table | None:
    """Figures of the segmenters; ``None`` when no model has pixel counts."""
    parts = [p for p in (m.part(split) for m in models) if p is not None and p.has_masks]
    if not parts:
        return None
    rows: list[Row] = [line(part, _figures(part)) for part in parts]
    for part in distinct(parts):
        rows.append(line(part, _never_drawn(part), "never draws a mask", kind=BASELINE))
    known = all(part.pixel_ml is not None for part in parts)
    notes = (
        "A volume is all slices of a group counted together; Dice is over volumes with tumour. "
        + (
            "Millilitres by each image's own spacing."
            if known
            else "Sizes are in pixels of the image grid: the stored predictions keep no spacing, so they are no "
            "millilitres."
        ),
        "Limits of agreement: 95 % of single volumes differ from the truth by no more.",
    )
    columns = (*COLUMNS, *IN_ML) if known else COLUMNS
    return Table("masks", "Masks against the truth", columns, (*rows, *published(models)), notes)


def _figures(part: Part) -> dict[str, Interval]:
    found = masks(part)
    assert found is not None
    assert part.mask_pixels is not None
    assert part.shared_pixels is not None
    out: dict[str, Interval] = {}
    groups = part.groups
    clear = np.setdiff1d(np.arange(part.n), found.slices)
    if len(found.slices):
        out["dice_slice"] = _average(found.slice_dice, groups[found.slices])
        touched = (part.shared_pixels[found.slices] > 0).astype(float)
        out["found"] = _average(touched, groups[found.slices])
        out["dice_volume_mean"] = _average(found.volume_dice, found.volumes)
        out["dice_volume_median"] = bootstrap_by_group(_median, [found.volume_dice], found.volumes, RESAMPLES)
    if len(clear):
        drawn = (part.mask_pixels[clear] > 0).astype(float)
        out["false_mask_rate"] = _average(drawn, groups[clear])
    if found.size is not None:
        out |= {"bias": found.size.bias, "lower": found.size.lower, "upper": found.size.upper}
    if found.size_ml is not None:
        of = found.size_ml
        out |= {"bias_ml": of.bias, "lower_ml": of.lower, "upper_ml": of.upper}
    return out


def _never_drawn(part: Part) -> dict[str, Interval]:
    found = masks(part)
    assert found is not None
    n, groups, method = part.n, part.group_count, "by definition"
    names = ("dice_slice", "dice_volume_mean", "dice_volume_median", "found", "false_mask_rate")
    out = {name: exact(0.0, n, groups, method) for name in names}
    out["bias"] = exact(-float(found.real.mean()), n, groups, method)
    return out


def _average(values: np.ndarray, groups: np.ndarray) -> Interval:
    return bootstrap_weighted(mean(values), len(values), groups, RESAMPLES)


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


@dataclass(frozen=True)
class WorstCase:
    """A slice with little overlap, or a mask where there is no tumour."""

    id: str
    group: str
    dice: float
    mask_pixels: int
    truth_pixels: int
    probability: float


def worst(part: Part, count: int = 10) -> list[WorstCase]:
    """Slices with the lowest Dice, larger errors first where it is equal (a missed large tumour before a small one)."""
    if part.mask_pixels is None or part.truth_pixels is None or part.shared_pixels is None:
        return []
    values = dice_from_counts(part.mask_pixels, part.truth_pixels, part.shared_pixels)
    wrong = part.mask_pixels + part.truth_pixels - 2 * part.shared_pixels
    order = np.lexsort((-wrong, np.where(np.isfinite(values), values, 2.0)))
    return [
        WorstCase(
            str(part.ids[i]),
            str(part.groups[i]),
            float(values[i]),
            int(part.mask_pixels[i]),
            int(part.truth_pixels[i]),
            float(part.finding[i]),
        )
        for i in order[:count]
        if np.isfinite(values[i])
    ]
