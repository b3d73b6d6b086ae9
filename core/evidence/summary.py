"""The main tables of a system's models: what they reach, and whether the probability means what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.evidence.tables import BASELINE, MODEL, PUBLISHED, Column, Row, Table, exact
from core.statistics import Interval, ranking_past_perfection, weighted
from core.statistics.operating import operating_point
from core.statistics.weighted import bootstrap_weighted
from core.systems.published import published as told
from core.weights.card import Threshold
from core.weights.predictions import Evidence, Part

RESAMPLES = 1000
RANKING = (
    Column("auc", "ROC AUC"),
    Column("ap", "Average precision"),
    Column("sensitivity", "Sensitivity"),
    Column("specificity", "Specificity"),
    Column("balanced_accuracy", "Balanced accuracy"),
    Column("accuracy", "Accuracy"),
    Column("f1", "F1", help="of the finding, at this part's share of findings"),
    Column("ppv", "PPV", help="at this part's share of findings"),
    Column("npv", "NPV", help="at this part's share of findings"),
)
RATES = ("sensitivity", "specificity", "balanced_accuracy", "accuracy", "f1", "ppv", "npv")


def row(part: Part, figures: dict[str, Interval], label: str = "", note: str = "", kind: str = MODEL) -> Row:
    """A line about a part; baselines carry no model version."""
    return Row(
        label=label or part.card.title,
        kind=kind,
        version=part.card.version if kind == MODEL else "",
        split=part.split,
        n=part.n,
        groups=part.group_count,
        figures=figures,
        note=note,
    )


def published(models: Sequence[Evidence]) -> tuple[Row, ...]:
    """What the published system reported, once for each distinct statement."""
    said = {words: m.card.title for m in reversed(models) if (words := told(m.card))}
    return tuple(
        Row(label="Published" if len(said) == 1 else f"Published ({title})", kind=PUBLISHED, note=text)
        for text, title in reversed(said.items())
    )


def parts_of(models: Sequence[Evidence], split: str) -> list[Part]:
    """Parts of a split that hold images with and without a finding."""
    found = (model.part(split) for model in models)
    return [part for part in found if part is not None and part.has_both]


def area(truth: np.ndarray, finding: np.ndarray, groups: np.ndarray) -> Interval:
    """AUC with its interval by group; where no pair is out of order, with the bound that this many groups allow."""
    plain = bootstrap_weighted(weighted.auc(truth, finding), len(truth), groups, RESAMPLES)
    return ranking_past_perfection(plain, truth, groups) if plain.groups > 1 else plain


def rates(truth: np.ndarray, finding: np.ndarray, groups: np.ndarray, threshold: float) -> dict[str, Interval]:
    """Ranking, and rates at a threshold, with intervals by group."""
    out = {
        "auc": area(truth, finding, groups),
        "ap": bootstrap_weighted(weighted.average_precision(truth, finding), len(truth), groups, RESAMPLES),
    }
    if out["ap"].value == 1:  # as perfect as the ranking, but no proportion of anything: its end is not known
        out["ap"] = replace(out["ap"], low=float("nan"), high=float("nan"), method=out["auc"].method)
    point = operating_point(truth, finding, threshold, groups, n=RESAMPLES)
    return out | {name: getattr(point, name) for name in RATES}


def part_rates(part: Part) -> dict[str, Interval]:
    """:func:`rates` of a part at the card's threshold."""
    return rates(part.truth, part.finding, part.groups, part.card.threshold.value)


def threshold_words(threshold: Threshold) -> str:
    """A threshold with the interval of its choice, and its rule."""
    ends = ""
    if threshold.low is not None and threshold.high is not None:
        ends = f" (95 % {threshold.low:.3f} to {threshold.high:.3f} over resampled groups)"
    return f"threshold {threshold.value:.3f}{ends}: {threshold.rule}"


def performance(models: Sequence[Evidence], split: str) -> Table:
    """The main table: every model at its stored threshold, what needs no model, and what was published."""
    parts = parts_of(models, split)
    rows = [row(p, part_rates(p), note=threshold_words(p.card.threshold)) for p in parts]
    for part in distinct(parts):
        rows += constant_answers(part, len(distinct(parts)) > 1)
    if split == "test":
        rows += _card_baselines(models)
    note = (
        "Threshold and temperature were chosen on these very images: these figures flatter. Read the test part."
        if split == "validation"
        else "No figure here was used to choose anything: threshold and temperature come from the validation part."
    )
    return Table("performance", "What the models reach", RANKING, (*rows, *published(models)), (note,))


def distinct(parts: Sequence[Part]) -> list[Part]:
    """One part of each set of images: models of one system mostly share theirs."""
    return list({(tuple(sorted(p.ids)), int(p.truth.sum())): p for p in reversed(parts)}.values())[::-1]


def constant_answers(part: Part, name_model: bool) -> list[Row]:
    """What "always positive" and "always negative" reach on a part."""
    rows = []
    for label, answer in (("always positive", 1.0), ("always negative", 0.0)):
        point = operating_point(part.truth, np.full(part.n, answer), 0.5, part.groups, n=RESAMPLES)
        figures = {name: getattr(point, name) for name in RATES} | {
            "auc": exact(0.5, part.n, part.group_count, "by definition")
        }
        figures = {name: figure for name, figure in figures.items() if np.isfinite(figure.value)}
        if answer:
            figures["ap"] = point.ppv
        rows.append(row(part, figures, f"{label} ({part.card.title})" if name_model else label, kind=BASELINE))
    return rows


def _card_baselines(models: Sequence[Evidence]) -> list[Row]:
    """Shortcuts that training measured, such as the grey-level mean as a score; each once."""
    seen: dict[str, Row] = {}
    keys = {column.key for column in RANKING}
    for model in models:
        part = model.part("test")
        for label, figures in model.card.baselines.items():
            if part is None or label in seen or label.startswith("always"):
                continue
            kept = {k: _stored(figures, k, part) for k in figures if k in keys}
            seen[label] = row(part, kept, label, "from the model card", BASELINE)
    return list(seen.values())


def _stored(figures: Mapping[str, float], key: str, part: Part) -> Interval:
    """A baseline's figure as the card keeps it, with its interval where it has one."""
    low, high = (figures.get(f"{key}_{end}", float("nan")) for end in ("low", "high"))
    return Interval(figures[key], low, high, part.n, part.group_count, "from the model card")


def calibration(models: Sequence[Evidence], split: str) -> Table:
    """ECE, Brier score and log loss of the probability of a finding, before and after temperature scaling."""
    rows = []
    parts = parts_of(models, split)
    for part in parts:
        for label, probability in (("before", part.raw_finding), ("after", part.finding)):
            note = "" if label == "before" else f"temperature {part.card.temperature:.3f}"
            rows.append(row(part, _honesty(part, probability), f"{part.card.title}, {label}", note))
    for part in distinct(parts):
        share = np.full(part.n, part.truth.mean())
        # The share is known from these images, so its calibration error here is 0 whatever a resample says.
        figures = _honesty(part, share) | {"ece": exact(0.0, part.n, part.group_count, "by definition")}
        rows.append(row(part, figures, "always the share of findings", kind=BASELINE))
    columns = (Column("ece", "ECE (15 bins)"), Column("brier", "Brier score"), Column("nll", "Log loss (nats)"))
    notes = (
        "0 is perfect for all three. ECE is biased upwards on few images, and its resamples once more: the "
        "interval may lie above the figure.",
    )
    return Table("calibration", "Does the probability mean what it says", columns, (*rows, *published(models)), notes)


def _honesty(part: Part, probability: np.ndarray) -> dict[str, Interval]:
    inside = np.clip(probability, 1e-12, 1 - 1e-12)
    surprise = -np.where(part.truth, np.log(inside), np.log1p(-inside))
    statistics = {
        "ece": weighted.expected_calibration_error(probability, part.truth),
        "brier": weighted.mean((probability - part.truth) ** 2),
        "nll": weighted.mean(surprise),
    }
    return {name: bootstrap_weighted(rows, part.n, part.groups, RESAMPLES) for name, rows in statistics.items()}
