"""Figures of a learner: ROC from confidence, calibration, free-response. Plotly only, no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.statistics.curves import Curve, Reliability
from core.teaching.figures import Figures, FreeResponse
from dashboard.kit.charts import GREY, Chart, add_band, blank
from dashboard.kit.slice_strip import COLOURS, DASHES

OWN = "#d55e00"
HEIGHT = 360


def roc(own: Figures, models: Mapping[str, Curve], others: Sequence[tuple[float, float]]) -> Chart:
    """Own ROC with its band, the models' on the same cases, and where the others stand.

    Args:
        others: sensitivity and specificity of each other learner, in no order; empty where they are too few.
    """
    figure = blank("ROC from your confidence", "1 − specificity", "Sensitivity", HEIGHT)
    figure.update_xaxes(range=[-0.02, 1.02], constrain="domain")
    figure.update_yaxes(range=[-0.02, 1.02])
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "width": 1}, name="chance")
    assert own.curve is not None
    assert own.auc is not None
    if own.band is not None:
        add_band(figure, own.band, OWN)
    figure.add_scatter(
        x=own.curve.x,
        y=own.curve.y,
        mode="lines+markers",
        line={"color": OWN, "width": 3},
        name=f"you, AUC {own.auc.value:.2f}",
    )
    for number, (title, curve) in enumerate(models.items()):
        figure.add_scatter(
            x=curve.x,
            y=curve.y,
            mode="lines",
            line={"color": COLOURS[number % len(COLOURS)], "dash": DASHES[(number + 1) % len(DASHES)], "width": 2},
            name=f"{title}, AUC {curve.area:.2f}",
        )
    if others:
        figure.add_scatter(
            x=[1 - specificity for _, specificity in others],
            y=[sensitivity for sensitivity, _ in others],
            mode="markers",
            marker={"color": GREY, "size": 8, "symbol": "circle-open"},
            name="others of the class",
        )
    told = f"Your ROC curve, area {own.auc.value:.2f} ({own.auc.low:.2f} to {own.auc.high:.2f})"
    told += "".join(f"; {title} {curve.area:.2f}" for title, curve in models.items())
    return Chart("learner-roc", "ROC from your confidence", figure, told)


def calibration(found: Reliability) -> Chart:
    """How often what was stated came true, with intervals, in bins of the stated probability."""
    figure = blank("How far your confidence holds", "Stated probability of a finding", "Share that was one", HEIGHT)
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_yaxes(range=[-0.02, 1.02])
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "width": 1}, name="as stated")
    there = found.cases > 0
    up, down = found.high[there] - found.observed[there], found.observed[there] - found.low[there]
    figure.add_scatter(
        x=found.stated[there],
        y=found.observed[there],
        mode="lines+markers",
        marker={"color": OWN, "size": 9},
        line={"color": OWN, "width": 2},
        error_y={"array": np.nan_to_num(up), "arrayminus": np.nan_to_num(down), "color": OWN},
        customdata=found.cases[there],
        hovertemplate="stated %{x:.2f}, came true %{y:.2f}, %{customdata} cases<extra></extra>",
        name="you",
    )
    said = zip(found.stated[there], found.observed[there], found.cases[there], strict=True)
    told = "; ".join(f"stated {s:.2f}, came true {o:.2f} ({n} cases)" for s, o, n in said)
    return Chart("learner-calibration", "Calibration", figure, f"Calibration of your confidence: {told}")


def localisation(found: FreeResponse) -> Chart:
    """Free-response curve."""
    figure = blank("Where you marked (free response)", "False marks for each case", "Findings hit", HEIGHT)
    figure.update_yaxes(range=[-0.02, 1.02])
    figure.add_scatter(
        x=found.false_marks,
        y=found.found,
        mode="lines+markers",
        line={"color": OWN, "width": 3, "shape": "hv"},
        name="you",
    )
    hit, false = float(found.found[-1]), float(found.false_marks[-1])
    told = f"{hit:.0%} of {found.findings} findings hit, {false:.2f} false marks for each of {found.cases} cases"
    return Chart("learner-froc", "Free-response curve", figure, told)
