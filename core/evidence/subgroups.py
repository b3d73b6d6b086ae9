"""Figures by subgroup, where the identifiers of the images tell one: site, sequence, modality, place in the stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.audit.sets import VOLUMES
from core.engine.words import short_titles
from core.evidence.summary import RESAMPLES, area, distinct, published
from core.evidence.summary import row as line
from core.evidence.tables import BASELINE, Column, Row, Table, exact
from core.statistics import Interval, past_perfection
from core.statistics.weighted import bootstrap_weighted, mean
from core.weights.predictions import Evidence, Part

COLUMNS = (
    Column("findings", "With a finding", 0),
    Column("auc", "ROC AUC"),
    Column("sensitivity", "Sensitivity"),
    Column("specificity", "Specificity"),
)
THIRDS = ("first third", "middle third", "last third")
SIZES = ("small", "medium", "large")
FEWEST = 10  # images: a smaller subgroup is counted, but gets no figures


@dataclass(frozen=True)
class Kind:
    """A way to divide a part. ``read`` gives ``(N,)`` names (empty: belongs to none), or ``None`` without any."""

    key: str
    title: str
    note: str
    read: Callable[[Part], np.ndarray | None]


def _matched(part: Part, pattern: str, of_group: bool = False) -> np.ndarray | None:
    found = [re.match(pattern, str(text)) for text in (part.groups if of_group else part.ids)]
    return None if not all(found) else np.array([m.group(1) for m in found if m], dtype=object)


def _sequence(part: Part) -> np.ndarray | None:
    """``PATIENT/SEQUENCE/picture``."""
    if not all(str(i).startswith(f"{g}/") for i, g in zip(part.ids, part.groups, strict=True)):
        return None
    return _matched(part, r"[^/]+/([^/]+)/[^/]+$")


def _modality(part: Part) -> np.ndarray | None:
    """``PATIENT/pet.nii.gz#12``."""
    names = _matched(part, r".*?([^/#]+)\.nii(?:\.gz)?#\d+$")
    if names is None:
        return None
    return np.array([VOLUMES[n].words if n in VOLUMES else n for n in names], dtype=object)


def _site(part: Part) -> np.ndarray | None:
    """Tissue source site of TCGA's patient code, ``TCGA-DU-...``."""
    return _matched(part, r"TCGA[-_]([A-Z0-9]{2})[-_]", of_group=True)


def _recorded(part: Part) -> np.ndarray | None:
    """``class/picture``, where the folders say more than the model's classes do; a folder of a group is none."""
    if any(str(i).startswith(f"{g}/") for i, g in zip(part.ids, part.groups, strict=True)):
        return None
    return _matched(part, r"([^/]+)/[^/]+$")


def _position(part: Part) -> np.ndarray | None:
    """Third of the stack, from the number that ends the identifier, among the images of its group and series."""
    found = [re.match(r"(.*?)(\d+)(?:\.\w+)?$", str(i)) for i in part.ids]
    if not all(found) or not all(str(g) in str(i) for g, i in zip(part.groups, part.ids, strict=True)):
        return None
    stems = np.array([f"{g}|{m.group(1)}" for g, m in zip(part.groups, found, strict=True) if m])
    numbers = np.array([int(m.group(2)) for m in found if m])
    names = np.full(part.n, "", dtype=object)
    for stem in np.unique(stems):
        rows = np.flatnonzero(stems == stem)
        rank = np.unique(numbers[rows], return_inverse=True)[1]
        if rank.max() < 5:
            continue  # fewer than six slices have no thirds worth the name
        names[rows] = np.array(THIRDS, dtype=object)[rank * 3 // (rank.max() + 1)]
    return names if (names != "").mean() > 0.5 else None


def _size(part: Part) -> np.ndarray | None:
    """Third of the tumours by their pixels on the slice; slices without tumour belong to none."""
    if part.truth_pixels is None or int((part.truth_pixels > 0).sum()) < 3 * FEWEST:
        return None
    edges = np.quantile(part.truth_pixels[part.truth_pixels > 0], [1 / 3, 2 / 3])
    size = np.searchsorted(edges, part.truth_pixels, side="left")
    reach = (f"up to {edges[0]:,.0f} pixels", f"up to {edges[1]:,.0f} pixels", "more")
    words = np.array([f"{name}, {far}" for name, far in zip(SIZES, reach, strict=True)], dtype=object)
    return np.where(part.truth_pixels > 0, words[size], "")


KINDS = (
    Kind("modality", "Modality", "", _modality),
    Kind("sequence", "Sequence", "Sequences of one patient are not independent.", _sequence),
    Kind("site", "Site", "Tissue source site in the patient's TCGA code.", _site),
    Kind("recorded", "Class as recorded", "What the set's folders call the images.", _recorded),
    Kind("position", "Place in the stack", "Third of each patient's slices, in the order of their numbers.", _position),
    Kind("size", "Size of the tumour", "Thirds of the tumours by their area on the slice.", _size),
)


def divided(part: Part, kind: Kind) -> np.ndarray | None:
    """``(N,)`` subgroup names of a part; ``None`` where the identifiers tell none, or only what the classes do."""
    names = kind.read(part)
    if names is None:
        return None
    distinct_names = [name for name in np.unique(names.astype(str)) if name]
    if not 2 <= len(distinct_names) <= 40:
        return None
    truths = [set(part.classes[names == name].tolist()) for name in distinct_names]
    if all(len(t) == 1 for t in truths) and len({next(iter(t)) for t in truths}) == len(truths):
        return None  # the folder is the class
    return names


def kinds_of(models: Sequence[Evidence], split: str, first: str = "") -> tuple[Kind, ...]:
    """The ways in which some model's part can be divided; the one with the key ``first`` before the others."""
    parts = [part for model in models if (part := model.part(split)) is not None]
    found = [kind for kind in KINDS if any(divided(part, kind) is not None for part in parts)]
    return tuple(sorted(found, key=lambda kind: kind.key != first))


def table(models: Sequence[Evidence], split: str, key: str) -> Table | None:
    """Every model by subgroup, at its stored threshold; ``None`` where no model's images can be divided so."""
    kind = next(k for k in KINDS if k.key == key)
    rows: list[Row] = []
    parts = []
    short = short_titles([model.card.title for model in models])
    for model in models:
        part = model.part(split)
        names = divided(part, kind) if part is not None else None
        if part is None or names is None:
            continue
        parts.append(part)
        rows.append(line(part, _figures(part, np.ones(part.n, bool)), f"{short[part.card.title]}: all images"))
        for name in _ordered(names):
            rows.append(_row(part, names == name, f"{short[part.card.title]}: {name}"))
    if not rows:
        return None
    for part in distinct(parts):
        always = {"auc": 0.5, "sensitivity": 1.0, "specificity": 0.0}
        figures = {k: exact(v, part.n, part.group_count, "by definition") for k, v in always.items()}
        rows.append(line(part, figures, "always positive", kind=BASELINE))
    notes = [
        "Each subgroup at the model's one stored threshold. Subgroups were looked at after the fact and not corrected "
        "for their number: a difference here is a question, not an answer."
    ]
    notes = [kind.note, *notes] if kind.note else notes
    return Table(f"subgroups-{key}", f"By {kind.title.lower()}", COLUMNS, (*rows, *published(models)), tuple(notes))


def _ordered(names: np.ndarray) -> list[str]:
    found = [str(name) for name in np.unique(names.astype(str)) if name]
    for order in (THIRDS, SIZES):
        if {name.split(",")[0] for name in found} <= set(order):
            return sorted(found, key=lambda name: order.index(name.split(",")[0]))
    return sorted(found, key=lambda text: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", text)])


def _row(part: Part, rows: np.ndarray, label: str) -> Row:
    n, groups = int(rows.sum()), len(np.unique(part.groups[rows]))
    few = n < FEWEST
    note = f"too few to judge: {n} images" if few else ""
    count = {"findings": exact(float(part.truth[rows].sum()), n, groups, "count")}
    figures = count if few else _figures(part, rows)
    return Row(label, "model", part.card.version, part.split, n, groups, figures, note)


def _figures(part: Part, rows: np.ndarray) -> dict[str, Interval]:
    truth, finding, groups = part.truth[rows], part.finding[rows], part.groups[rows]
    n, said = len(truth), finding >= part.card.threshold.value
    out = {"findings": exact(float(truth.sum()), n, len(np.unique(groups)), "count")}
    if truth.any() and not truth.all():
        out["auc"] = area(truth, finding, groups)
    if truth.any():
        out["sensitivity"] = _rate(said, truth, groups)
    if not truth.all():
        out["specificity"] = _rate(~said, ~truth, groups)
    return out


def _rate(right: np.ndarray, of: np.ndarray, groups: np.ndarray) -> Interval:
    plain = bootstrap_weighted(mean(right, of), len(right), groups, RESAMPLES)
    return past_perfection(plain, groups[of]) if plain.groups > 1 else plain
