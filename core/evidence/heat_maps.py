"""How often the heat maps of each model find the lesion, as a table: a line per model and method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from core.evidence.tables import Column, Row, Table, exact
from core.statistics import Interval
from core.weights.card import Metric
from core.weights.heat_checks import HeatChecks, MethodChecks

METHODS = {"grad-cam": "Grad-CAM", "grad-cam++": "Grad-CAM++", "layercam": "LayerCAM", "eigencam": "EigenCAM"}
COLUMNS = (
    Column("hit", "Hottest point hits the lesion", 2, "share of slices with a finding"),
    Column("hit_called", "The same, slices the model calls a finding", 2),
    Column("chance", "A hit by chance", 2, "share of the body that would have been a hit"),
    Column("energy", "Share of the map in the lesion", 2),
    Column("area", "Share of the body that is lesion", 2),
    Column("overlap", "Overlap of lesion and hottest area of its size", 2, "intersection over union"),
    Column("marked", "Answer falls: marked parts removed", 2),
    Column("random", "Answer falls: random parts removed", 2),
    Column("ahead", "Difference", 2),
)
FAILED, PASSED, UNTESTED = "Failed", "Passed", "Not tested"


def heat_map_table(title: str, found: Sequence[tuple[str, HeatChecks]]) -> Table:
    """The table.

    Args:
        title: of the system. found: each model's title and its checks.
    """
    rows = [
        Row(
            f"{model}, {METHODS.get(method, method)}",
            version=checks.version,
            split=checks.part,
            n=checks.slices,
            groups=checks.groups,
            figures=_figures(figures, checks),
            note=_verdict(figures),
        )
        for model, checks in found
        for method, figures in checks.methods.items()
    ]
    notes = tuple(_pedigree(model, checks) for model, checks in found)
    return Table("heat-maps", f"Heat maps of {title} on validation patients", COLUMNS, tuple(rows), notes)


def _verdict(figures: MethodChecks) -> str:
    """Passed, failed and why, or not tested."""
    if not figures.tested:
        return UNTESTED
    return f"{FAILED}: {'; '.join(figures.failings)}" if figures.failings else PASSED


def _pedigree(model: str, checks: HeatChecks) -> str:
    """Where the figures of a model come from."""
    removed = ", ".join(f"{f:.0%}" for f in checks.fractions)
    tried = max((figures.ahead.n for figures in checks.methods.values() if figures.ahead is not None), default=0)
    planted = max((figures.planted for figures in checks.methods.values()), default=0)
    noticed = max((figures.noticed for figures in checks.methods.values()), default=0)
    inserted = (
        f" No set has outlines: lesions were inserted into {planted} clear slices that the model calls clear, hits are "
        f"counted on the {noticed} where its answer turned."
        if planted
        else ""
    )
    what = "the outline's mean probability" if checks.outline else "the calibrated probability"
    return (
        f"{model}, version {checks.version}, weights {checks.weights_sha256[:12]}, {checks.date}: validation part of "
        f"{', '.join(checks.data)}, {checks.slices} slices with a finding of {checks.groups} patients, seed "
        f"{checks.seed}.{inserted} A hit lies in the lesion or within {checks.tolerance:.0%} of the diagonal. Answer: "
        f"{what}, mean over {removed} of the body removed on {tried} of the slices, {checks.random_maps} random maps "
        "each. Intervals draw patients."
    )


def _figures(figures: MethodChecks, checks: HeatChecks) -> Mapping[str, Interval]:
    out = {}
    for column in COLUMNS:
        value = getattr(figures, column.key)
        if isinstance(value, Metric):
            out[column.key] = as_interval(value)
        elif value is not None:
            out[column.key] = exact(value, checks.slices, checks.groups, "mean over the slices")
    return out


def as_interval(metric: Metric) -> Interval:
    """A card's figure as the tables have them."""
    low, high = (math.nan if end is None else end for end in (metric.low, metric.high))
    return Interval(metric.value, low, high, metric.n, metric.groups or 0, "interval as stored with the model")
