"""Conformal sets of the models: calibrated on the validation part, their coverage measured on the test part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.engine.triage import conformal_rule
from core.evidence.summary import RESAMPLES, published
from core.evidence.tables import BASELINE, Column, Row, Table, exact
from core.statistics import Interval
from core.statistics.conformal import ConformalRule, conformal_sets
from core.statistics.weighted import bootstrap_weighted, mean
from core.weights.predictions import Evidence, Part

COLUMNS = (
    Column("coverage", "Coverage on test", help="share of the images whose set holds the true class"),
    Column("single", "One class (an answer)"),
    Column("several", "Several classes (refer)"),
    Column("none", "No class (like nothing seen)"),
    Column("wrong", "Answers that are wrong", help="of the sets with one class"),
    Column("cases", "Calibration images", 0),
    Column("calibration_groups", "Calibration groups", 0),
)


def table(models: Sequence[Evidence], level: float) -> Table | None:
    """Coverage and size of the sets by class and over all; ``None`` when no model has both parts."""
    rows: list[Row] = []
    shown: Part | None = None
    for model in models:
        found, test = conformal_rule(model, level), model.part("test")
        if found is None or test is None:
            continue
        shown = test
        rows += _rows(model, test, found)
    if not rows or shown is None:
        return None
    everything = {"coverage": 1.0, "single": 0.0, "several": 1.0, "none": 0.0}
    figures = {k: exact(v, shown.n, shown.group_count, "by definition") for k, v in everything.items()}
    rows.append(Row("always all classes", BASELINE, "", "test", shown.n, shown.group_count, figures))
    notes = (
        f"Promise: at least {level:.0%} of the images of each class have their class in the set, for images that are "
        "exchangeable with the calibration images. The validation part also chose the epoch, the temperature and the "
        "threshold, and images of one patient are alike: read the measured coverage, by group.",
    )
    title = f"Conformal sets at {level:.0%}: calibrated on validation, measured on test"
    return Table("conformal", title, COLUMNS, (*rows, *published(models)), notes)


def _rows(model: Evidence, test: Part, found: ConformalRule) -> list[Row]:
    calibration = model.part("validation")
    assert calibration is not None
    sets = conformal_sets(found, test.calibrated)
    rows = []
    for k, name in enumerate(model.card.classes):
        of = test.classes == k
        if not of.any():
            continue
        mine = calibration.classes == k
        groups = len(np.unique(calibration.groups[mine]))
        note = (
            f"in the set from probability {found.lowest[k]:.3f} on"
            if found.guaranteed[k]
            else f"too few to guarantee: {found.cases[k]} calibration images, {found.needed} needed; always in the set"
        )
        rows.append(_row(test, of, sets, f"{model.card.title}: {name}", (int(found.cases[k]), groups), note))
    every = np.ones(test.n, dtype=bool)
    size = (calibration.n, calibration.group_count)
    return [*rows, _row(test, every, sets, f"{model.card.title}: all images", size, "")]


def _row(test: Part, of: np.ndarray, sets: np.ndarray, label: str, calibration: tuple[int, int], note: str) -> Row:
    chosen, groups = sets[of], test.groups[of]
    size = chosen.sum(axis=1)
    right = chosen[np.arange(len(chosen)), test.classes[of]]

    def share(values: np.ndarray) -> Interval:
        return bootstrap_weighted(mean(values), len(values), groups, RESAMPLES)

    n, count = int(of.sum()), len(np.unique(groups))
    figures = {
        "coverage": share(right),
        "single": share(size == 1),
        "several": share(size > 1),
        "none": share(size == 0),
        "cases": exact(calibration[0], *calibration, "count"),
        "calibration_groups": exact(calibration[1], *calibration, "count"),
    }
    alone = size == 1
    if alone.any():
        figures["wrong"] = bootstrap_weighted(mean(~right[alone]), int(alone.sum()), groups[alone], RESAMPLES)
    return Row(label, "model", test.card.version, "test", n, count, figures, note)
