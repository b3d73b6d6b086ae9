"""MR, PET and both: every model on MR slices, on PET slices, and on pairs of slices at one place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.evidence.summary import RESAMPLES, area, published
from core.evidence.tables import BASELINE, MODEL, Column, Row, Table, exact
from core.evidence.together import Paired, paired
from core.statistics import Interval, paired_bootstrap, roc_auc
from core.weights.fusion import Fusion, fused
from core.weights.predictions import Evidence, Part

COLUMNS = (
    Column("mr", "AUC on MR slices"),
    Column("pet", "AUC on PET slices"),
    Column("pairs", "AUC on pairs"),
    Column("gain", "On pairs, less PET alone", help="paired difference of the AUC on the same pairs"),
    Column("gain_p", "p", 4),
)


def table(models: Sequence[Evidence], rule: Fusion | None, pairs: pd.DataFrame | None, split: str) -> Table | None:
    """What each model is worth on each kind of image; ``None`` without a rule and pairs for these very models.

    A model of one modality answers a pair by its own slice; one that reads both answers each, and its two answers are
    fused with the rule's weight, as those of two models are.
    """
    by_name = {m.card.name: m for m in models}
    if rule is None or pairs is None or not rule.fits({name: m.card for name, m in by_name.items()}):
        return None
    pet, mr = by_name[rule.pet], by_name[rule.other]
    base = paired(pet, mr, pairs, split)
    first, second = pet.part(split), mr.part(split)
    if base is None or first is None or second is None:
        return None
    kinds = {"pet": set(first.ids), "mr": set(second.ids)}
    rows = []
    for model in models:
        part = model.part(split)
        if part is None:
            continue
        read = [kind for kind, known in kinds.items() if known & set(part.ids)]
        figures = {kind: figure for kind in read if (figure := _on(part, kinds[kind])) is not None}
        said = _said(model, read, rule, pairs, split, base)
        if said is not None:
            figures |= _on_pairs(base, said, base.pet)
        if figures:
            rows.append(_row(model.card.title, model.card.version, part, figures))
    together = _on_pairs(base, rule.fused(base.pet, base.other), base.pet)
    versions = f"{pet.card.version} + {mr.card.version}"
    rows.append(_row("PET and MR, fused at one place", versions, None, together, split, base))
    nothing = {k: exact(0.5, len(base.truth), len(set(base.groups)), "by definition") for k in ("mr", "pet", "pairs")}
    rows.append(_row("always positive", "", None, nothing, split, base, BASELINE))
    notes = (
        f"{len(base.truth)} pairs of {len(set(base.groups))} patients: for every PET slice the nearest MR slice. A "
        "pair is positive when the tumour reaches either slice. A model of one modality answers by its own slice; one "
        f"of both answers each, MR's log-odds counting {rule.other_weight:g}, PET's 1.",
    )
    return Table("modalities", "MR, PET and both", COLUMNS, (*rows, *published(models)), notes)


def _on(part: Part, known: set[str]) -> Interval | None:
    rows = np.array([name in known for name in part.ids])
    truth, finding, groups = part.truth[rows], part.finding[rows], part.groups[rows]
    return _area(truth, finding, groups)


def _area(truth: np.ndarray, finding: np.ndarray, groups: np.ndarray) -> Interval | None:
    if truth.all() or not truth.any():
        return None
    return area(truth, finding, groups)


def _said(
    model: Evidence, read: Sequence[str], rule: Fusion, pairs: pd.DataFrame, split: str, base: Paired
) -> np.ndarray | None:
    """``(N,)`` what a model says of every pair; ``None`` where it has not answered for all it reads."""
    if len(read) == 1:
        return {rule.pet: base.pet, rule.other: base.other}.get(model.card.name)
    own = paired(model, model, pairs, split)
    return None if own is None else fused(own.pet, own.other, rule.other_weight)


def _on_pairs(base: Paired, said: np.ndarray, pet: np.ndarray) -> dict[str, Interval]:
    whole = _area(base.truth, said, base.groups)
    if whole is None:
        return {}
    if np.array_equal(said, pet):
        return {"pairs": whole, "gain": exact(0.0, whole.n, whole.groups, "by definition")}
    gap = paired_bootstrap(roc_auc, [base.truth, said], [base.truth, pet], base.groups, RESAMPLES)
    p = exact(gap.p, whole.n, whole.groups, gap.difference.method)
    return {"pairs": whole, "gain": gap.difference, "gain_p": p}


def _row(
    label: str,
    version: str,
    part: Part | None,
    figures: dict[str, Interval],
    split: str = "",
    base: Paired | None = None,
    kind: str = MODEL,
) -> Row:
    if part is not None:
        return Row(label, kind, version, part.split, part.n, part.group_count, figures)
    assert base is not None
    return Row(label, kind, version, split, len(base.truth), len(set(base.groups)), figures)
