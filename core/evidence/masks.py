"""Segmenters from pixel counts: Dice, IoU and Tversky index by slice and volume, tumour size, worst cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evidence.summary import RESAMPLES, distinct, published
from core.evidence.summary import row as line
from core.evidence.tables import BASELINE, Column, Row, Table, exact
from core.statistics import Interval, bootstrap_by_group, past_perfection
from core.statistics.bland_altman import BlandAltman, bland_altman
from core.statistics.overlap import dice_from_counts, iou_from_counts, tversky_from_counts
from core.statistics.segmentation import MISS
from core.statistics.weighted import bootstrap_weighted, mean
from core.weights.predictions import Evidence, Part

COLUMNS = (
    Column("dice_slice", "Dice, slices with tumour"),
    Column("dice_volume_mean", "Dice by volume, mean"),
    Column("dice_volume_median", "Dice by volume, median"),
    Column("iou_slice", "IoU, slices with tumour"),
    Column("iou_volume_mean", "IoU by volume, mean"),
    Column(
        "tversky_slice",
        "Tversky index, slices with tumour",
        help=f"a missed pixel counts {MISS:g}, a false one {1 - MISS:.1g}",
    ),
    Column("tversky_volume_mean", "Tversky index by volume, mean"),
    Column("found", "Slices with tumour touched by the mask"),
    Column("false_mask_rate", "Slices without tumour that get a mask"),
)
SIZE_COLUMNS = (
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
        slices: ``(S,)`` indices into the part of the slices with tumour.
        slice_dice, slice_iou, slice_tversky: ``(S,)``.
        groups: ``(G,)`` group names. drawn, real: ``(G,)`` pixels of mask and truth in a group.
        volumes: ``(V,)`` names of the groups with tumour. volume_dice, volume_iou, volume_tversky: ``(V,)``, all slices
            of a group counted together. Where a whole group has no tumour, the share of false masks tells instead.
        size: Bland-Altman of ``drawn`` against ``real``; ``None`` with fewer than three groups.
        size_ml: the same in millilitres; ``None`` where the spacing of an image is not known.
    """

    slices: np.ndarray
    slice_dice: np.ndarray
    slice_iou: np.ndarray
    slice_tversky: np.ndarray
    volumes: np.ndarray
    volume_dice: np.ndarray
    volume_iou: np.ndarray
    volume_tversky: np.ndarray
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
    counts = (part.mask_pixels[slices], part.truth_pixels[slices], part.shared_pixels[slices])
    place = {name: number for number, name in enumerate(dict.fromkeys(part.groups))}
    names, codes = np.array(list(place)), np.array([place[name] for name in part.groups])
    drawn, real, shared = (
        np.bincount(codes, pixels, len(place)) for pixels in (part.mask_pixels, part.truth_pixels, part.shared_pixels)
    )
    ill = real > 0
    volumes = drawn[ill], real[ill], shared[ill]
    size = bland_altman(drawn, real) if len(place) >= 3 else None
    size_ml = None
    if size is not None and part.pixel_ml is not None:
        drawn_ml = np.bincount(codes, part.mask_pixels * part.pixel_ml)
        real_ml = np.bincount(codes, part.truth_pixels * part.pixel_ml)
        size_ml = bland_altman(drawn_ml, real_ml)
    return Masks(
        slices,
        dice_from_counts(*counts),
        iou_from_counts(*counts),
        tversky_from_counts(*counts),
        names[ill],
        dice_from_counts(*volumes),
        iou_from_counts(*volumes),
        tversky_from_counts(*volumes),
        names,
        drawn,
        real,
        size,
        size_ml,
    )


def table(models: Sequence[Evidence], split: str) -> Table | None:
    """Overlap of the segmenters with the truth; ``None`` when no model has pixel counts."""
    parts = _parts(models, split)
    if not parts:
        return None
    rows: list[Row] = [line(part, _overlap(part)) for part in parts]
    rows += [line(part, _never_drawn(part, COLUMNS), "never draws a mask", kind=BASELINE) for part in distinct(parts)]
    notes = (
        "A volume is all slices of a group counted together; its figures are over volumes with tumour. In the Tversky "
        f"index a missed pixel counts {MISS:g} and a false one {1 - MISS:.1g}; Dice counts both half.",
    )
    return Table("masks", "Masks against the truth", COLUMNS, (*rows, *published(models)), notes)


def sizes(models: Sequence[Evidence], split: str) -> Table | None:
    """How far the size of the masks is off; ``None`` when no model has pixel counts of three groups."""
    parts = [p for p in _parts(models, split) if (found := masks(p)) is not None and found.size is not None]
    if not parts:
        return None
    known = all(part.pixel_ml is not None for part in parts)
    columns = (*SIZE_COLUMNS, *IN_ML) if known else SIZE_COLUMNS
    rows: list[Row] = [line(part, _size(part)) for part in parts]
    rows += [line(part, _never_drawn(part, columns), "never draws a mask", kind=BASELINE) for part in distinct(parts)]
    notes = (
        "Millilitres by each image's own spacing."
        if known
        else "Sizes are in pixels of the image grid: the stored predictions keep no spacing, so they are no "
        "millilitres.",
        "Limits of agreement: 95 % of single volumes differ from the truth by no more.",
    )
    return Table("mask-sizes", "Size of the masks against the truth", columns, (*rows, *published(models)), notes)


def _parts(models: Sequence[Evidence], split: str) -> list[Part]:
    return [p for p in (m.part(split) for m in models) if p is not None and p.has_masks]


def _overlap(part: Part) -> dict[str, Interval]:
    found = masks(part)
    assert found is not None
    assert part.mask_pixels is not None
    assert part.shared_pixels is not None
    out: dict[str, Interval] = {}
    groups = part.groups
    clear = np.setdiff1d(np.arange(part.n), found.slices)
    if len(found.slices):
        ill = groups[found.slices]
        out["dice_slice"] = _average(found.slice_dice, ill)
        out["dice_volume_mean"] = _average(found.volume_dice, found.volumes)
        out["dice_volume_median"] = bootstrap_by_group(_median, [found.volume_dice], found.volumes, RESAMPLES)
        out["iou_slice"] = _average(found.slice_iou, ill)
        out["iou_volume_mean"] = _average(found.volume_iou, found.volumes)
        out["tversky_slice"] = _average(found.slice_tversky, ill)
        out["tversky_volume_mean"] = _average(found.volume_tversky, found.volumes)
        out["found"] = _rate(part.shared_pixels[found.slices] > 0, ill)
    if len(clear):
        out["false_mask_rate"] = _rate(part.mask_pixels[clear] > 0, groups[clear])
    return out


def _size(part: Part) -> dict[str, Interval]:
    found = masks(part)
    assert found is not None
    out: dict[str, Interval] = {}
    for of, end in ((found.size, ""), (found.size_ml, "_ml")):
        if of is not None:
            out |= {f"bias{end}": of.bias, f"lower{end}": of.lower, f"upper{end}": of.upper}
    return out


def _never_drawn(part: Part, columns: Sequence[Column]) -> dict[str, Interval]:
    found = masks(part)
    assert found is not None
    exactly = {"bias": -float(found.real.mean())}
    if part.pixel_ml is not None and part.truth_pixels is not None:
        exactly["bias_ml"] = -float((part.truth_pixels * part.pixel_ml).sum() / part.group_count)
    kept = [c.key for c in columns if c.key in exactly or columns is COLUMNS]
    return {key: exact(exactly.get(key, 0.0), part.n, part.group_count, "by definition") for key in kept}


def _rate(hits: np.ndarray, groups: np.ndarray) -> Interval:
    plain = _average(hits.astype(float), groups)
    return past_perfection(plain, groups) if plain.groups > 1 else plain


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
