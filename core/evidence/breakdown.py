"""The same predictions seen otherwise: by group instead of by image, and one class against the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evidence.summary import RANKING, RESAMPLES, constant_answers, distinct, part_rates, parts_of, published, rates
from core.evidence.summary import row as line
from core.evidence.tables import BASELINE, Column, Row, Table, exact
from core.statistics import past_perfection, ranking_past_perfection
from core.statistics.weighted import auc, average_precision, bootstrap_weighted, mean, mean_of
from core.weights.predictions import Evidence, Part


@dataclass(frozen=True, eq=False)
class Grouped:
    """One entry a group that holds one truth only.

    ``names``, ``truth``, ``mean`` and ``highest`` are ``(G,)``: its mean and its highest probability of a finding.
    ``mixed`` groups hold images of both kinds and are left out.
    """

    names: np.ndarray
    truth: np.ndarray
    mean: np.ndarray
    highest: np.ndarray
    mixed: int


def per_group(part: Part) -> Grouped | None:
    """Groups with one truth; ``None`` when groups are single images, or fewer than two stand on either side."""
    names, codes = np.unique(part.groups, return_inverse=True)
    counts = np.bincount(codes)
    share = np.bincount(codes, part.truth.astype(float)) / counts
    pure = np.isin(share, (0.0, 1.0))
    truth = share[pure] > 0.5
    if len(names) == part.n or min(int(truth.sum()), int((~truth).sum())) < 2:
        return None
    highest = np.zeros(len(names))
    np.maximum.at(highest, codes, part.finding)
    mean = np.bincount(codes, part.finding) / counts
    return Grouped(names[pure], truth, mean[pure], highest[pure], int((~pure).sum()))


def by_group(models: Sequence[Evidence], split: str) -> Table | None:
    """Per group against per image; ``None`` when no model has enough groups with one truth."""
    rows: list[Row] = []
    mixed = 0
    parts = parts_of(models, split)
    for part in parts:
        grouped = per_group(part)
        if grouped is None:
            continue
        mixed = max(mixed, grouped.mixed)
        rows.append(line(part, part_rates(part), f"{part.card.title}, per image"))
        for name, score in (("mean", grouped.mean), ("highest", grouped.highest)):
            figures = rates(grouped.truth, score, grouped.names, part.card.threshold.value)
            count = len(grouped.names)
            label = f"{part.card.title}, per group by {name} probability"
            rows.append(Row(label, "model", part.card.version, split, count, count, figures))
    if not rows:
        return None
    for part in distinct(parts):
        rows += constant_answers(part, False)
    notes = ["The threshold was chosen for images; a group's mean or highest probability meets the same one."]
    if mixed:
        notes.append(f"{mixed} groups that hold both answers are left out of the per-group lines.")
    return Table("by-group", "Per group against per image", RANKING, (*rows, *published(models)), tuple(notes))


def one_vs_rest(models: Sequence[Evidence], split: str) -> Table | None:
    """Each class of a model with several classes against all others; ``None`` when no model has more than two."""
    rows: list[Row] = []
    for model in models:
        part = model.part(split)
        if part is None or len(model.card.classes) < 3:
            continue
        rows += _classes(part)
    if not rows:
        return None
    columns = (
        Column("auc", "ROC AUC against the rest"),
        Column("ap", "Average precision"),
        Column("recall", "Recall (largest probability wins)"),
    )
    notes = ("Recall counts the class with the largest probability as the answer.",)
    return Table("one-vs-rest", "One class against the rest", columns, (*rows, *published(models)), notes)


def _classes(part: Part) -> list[Row]:
    rows = []
    answer = part.calibrated.argmax(axis=1)
    present = [k for k in range(len(part.card.classes)) if 0 < (part.classes == k).sum() < part.n]
    areas = {k: auc(part.classes == k, part.calibrated[:, k]) for k in present}
    precisions = {k: average_precision(part.classes == k, part.calibrated[:, k]) for k in present}
    recalls = {k: mean(answer == k, of=part.classes == k) for k in present}
    kinds = {"auc": areas, "ap": precisions, "recall": recalls}
    for k in present:
        figures = {name: bootstrap_weighted(of[k], part.n, part.groups, RESAMPLES) for name, of in kinds.items()}
        if part.group_count > 1:
            mine = part.classes == k
            figures["auc"] = ranking_past_perfection(figures["auc"], mine, part.groups)
            figures["recall"] = past_perfection(figures["recall"], part.groups[mine])
        label = f"{part.card.title}: {part.card.classes[k]}"
        rows.append(line(part, figures, label, f"{int((part.classes == k).sum())} images of this class"))
    macro = {
        name: bootstrap_weighted(mean_of(list(of.values())), part.n, part.groups, RESAMPLES)
        for name, of in kinds.items()
    }
    rows.append(line(part, macro, f"{part.card.title}: mean over classes"))
    guess = {
        "auc": exact(0.5, part.n, part.group_count, "by definition"),
        "recall": exact(1 / len(present), part.n, part.group_count, "by definition"),
    }
    rows.append(line(part, guess, "always the same class, mean over classes", kind=BASELINE))
    return rows
