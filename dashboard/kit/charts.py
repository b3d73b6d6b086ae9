"""Figures of the evidence: curves with bands, calibration, decision curve, scores. Plotly only, no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core.evidence import Evidence, Part
from core.evidence.benefit import net_benefit_band
from core.evidence.per_class import confusion
from core.evidence.summary import parts_of
from core.statistics import binary_rates, brier, ece
from core.statistics.curves import (
    Band,
    Reliability,
    precision_recall_band,
    precision_recall_curve,
    reliability,
    roc_band,
    roc_curve,
)
from core.statistics.decision import decision_curve
from dashboard.kit import words
from dashboard.kit.slice_strip import COLOURS, DASHES

GREY = "#8c8c8c"
CLEAR, FINDING = "#56b4e9", "#d55e00"  # apart for every kind of sight, and in grey
CLASS_LOOK = ((CLEAR, ""), (FINDING, "/"), ("#009e73", "x"), ("#cc79a7", "."), (GREY, "-"))
SCORE_EDGES = np.linspace(0, 1, 26)
MARGIN = {"l": 56, "r": 12, "t": 40, "b": 48}


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure, its title, and what it shows in words."""

    key: str
    title: str
    figure: go.Figure
    alt: str


def _basis(part: Part) -> str:
    return f"{part.split} part, n = {part.n}, {words.counted(part.group_count, part.card.system)}"


def _titles(models: Sequence[Evidence]) -> dict[str, str]:
    return words.short_titles([m.card.title for m in models])


def _look(models: Sequence[Evidence], part: Part) -> tuple[str, str]:
    place = [m.card.name for m in models].index(part.card.name)
    return COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]


def blank(title: str, x: str, y: str, height: int = 420) -> go.Figure:
    """An empty figure with its title and axes."""
    figure = go.Figure()
    figure.update_layout(
        title={"text": title, "font": {"size": 14}, "x": 0, "xref": "paper"},
        height=height,
        margin=MARGIN,
        legend={"orientation": "h", "y": -80 / (height - 88), "yanchor": "top", "x": 0},
        hovermode="closest",
    )
    figure.update_xaxes(title=x, zeroline=False)
    figure.update_yaxes(title=y, zeroline=False)
    return figure


def _faint(colour: str, share: float = 0.18) -> str:
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{share})"


def add_band(figure: go.Figure, band: Band, colour: str) -> None:
    """A curve's interval as a faint area."""
    known = np.isfinite(band.low)
    x = band.x[known]
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([band.high[known], band.low[known][::-1]]),
        fill="toself",
        fillcolor=_faint(colour),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )


def roc(models: Sequence[Evidence], split: str) -> Chart:
    """ROC of every model with bands by group and the stored operating point."""
    figure = blank("ROC", "1 − specificity", "Sensitivity")
    figure.update_xaxes(range=[-0.02, 1.02], constrain="domain")
    figure.update_yaxes(range=[-0.02, 1.02])
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "width": 1}, name="chance")
    said, short = [], _titles(models)
    for part in parts_of(models, split):
        colour, dash = _look(models, part)
        curve = roc_curve(part.truth, part.finding)
        name = short[part.card.title]
        add_band(figure, roc_band(part.truth, part.finding, part.groups), colour)
        figure.add_scatter(
            x=curve.x,
            y=curve.y,
            mode="lines",
            name=f"{name}, AUC {curve.area:.3f}",
            line={"color": colour, "dash": dash, "width": 2},
            hovertemplate="sensitivity %{y:.3f}<br>specificity %{customdata[1]:.3f}<br>threshold %{customdata[0]:.3f}",
            customdata=np.stack([np.where(np.isfinite(curve.threshold), curve.threshold, 1.0), 1 - curve.x], axis=1),
        )
        rates = binary_rates(part.truth, part.finding, part.card.threshold.value)
        _point(figure, 1 - rates.specificity, rates.sensitivity, colour, f"{name}, stored threshold")
        said.append(
            f"{name}: AUC {curve.area:.3f}; at the stored threshold sensitivity {rates.sensitivity:.3f}, "
            f"specificity {rates.specificity:.3f} ({_basis(part)})"
        )
    return Chart("roc", "ROC curves", figure, "ROC curves. " + "; ".join(said))


def _point(figure: go.Figure, x: float, y: float, colour: str, name: str) -> None:
    figure.add_scatter(
        x=[x],
        y=[y],
        mode="markers",
        marker={"color": colour, "size": 12, "symbol": "diamond", "line": {"width": 1.5, "color": "white"}},
        name=name,
        showlegend=False,
        hovertemplate=f"{name}<br>%{{x:.3f}}, %{{y:.3f}}<extra></extra>",
    )


def precision_recall(models: Sequence[Evidence], split: str) -> Chart:
    """Precision against recall with bands, the operating point, and the share of findings as the floor."""
    figure = blank("Precision and recall", "Recall (sensitivity)", "Precision (PPV)")
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_yaxes(range=[-0.02, 1.02])
    said, short = [], _titles(models)
    for number, part in enumerate(parts_of(models, split)):
        colour, dash = _look(models, part)
        share = float(part.truth.mean())
        if not number:
            figure.add_scatter(
                x=[0, 1],
                y=[share, share],
                mode="lines",
                line={"color": GREY, "width": 1},
                name=f"always positive, {share:.2f}",
            )
        curve = precision_recall_curve(part.truth, part.finding)
        name = short[part.card.title]
        add_band(figure, precision_recall_band(part.truth, part.finding, part.groups), colour)
        figure.add_scatter(
            x=curve.x,
            y=curve.y,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2, "shape": "vh"},
            name=f"{name}, average precision {curve.area:.3f}",
        )
        rates = binary_rates(part.truth, part.finding, part.card.threshold.value)
        if np.isfinite(rates.ppv):
            _point(figure, rates.sensitivity, rates.ppv, colour, f"{name}, stored threshold")
        said.append(f"{name}: average precision {curve.area:.3f}, floor {share:.3f} ({_basis(part)})")
    return Chart("precision-recall", "Precision and recall", figure, "Precision-recall curves. " + "; ".join(said))


def one_vs_rest(part: Part) -> Chart:
    """ROC of every class of one model against all others, with bands by group."""
    title = f"One class against the rest, {part.card.title}"
    figure = blank(title, "1 − specificity", "Sensitivity")
    figure.update_xaxes(range=[-0.02, 1.02], constrain="domain")
    figure.update_yaxes(range=[-0.02, 1.02])
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "width": 1}, name="chance")
    said = []
    for k, name in enumerate(part.card.classes):
        mine = part.classes == k
        if mine.all() or not mine.any():
            continue
        colour, dash = COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]
        curve = roc_curve(mine, part.calibrated[:, k])
        add_band(figure, roc_band(mine, part.calibrated[:, k], part.groups), colour)
        figure.add_scatter(
            x=curve.x,
            y=curve.y,
            mode="lines",
            name=f"{name} ({int(mine.sum())}), AUC {curve.area:.3f}",
            line={"color": colour, "dash": dash, "width": 2},
            hovertemplate="sensitivity %{y:.3f}<br>1 − specificity %{x:.3f}",
        )
        said.append(f"{name}: AUC {curve.area:.3f}, {int(mine.sum())} images")
    alt = f"ROC curves of each class against the rest, {part.card.title}. {'; '.join(said)} ({_basis(part)})"
    return Chart(f"one-vs-rest-{part.card.name}", title, figure, alt)


def confusion_matrix(part: Part, height: int = 380) -> Chart:
    """Images by true class and by what the model says, shaded by the share of the true class."""
    table, names = confusion(part), list(part.card.classes)
    of = table.sum(axis=1, keepdims=True)
    share = np.divide(table, of, out=np.zeros(table.shape), where=of > 0)
    title = f"Confusion, {part.card.title}"
    rule = "largest probability" if len(names) > 2 else f"threshold {part.card.threshold.value:.3f}"
    figure = blank(title, f"The model says ({rule})", "Truth", height)
    figure.add_heatmap(
        z=share,
        x=names,
        y=names,
        text=[
            [f"{n:,}<br>{100 * s:.1f} %" for n, s in zip(*row, strict=True)] for row in zip(table, share, strict=True)
        ],
        texttemplate="%{text}",
        colorscale=[[0.0, "#f7fbff"], [1.0, "#2171b5"]],
        zmin=0,
        zmax=1,
        xgap=2,
        ygap=2,
        colorbar={"title": "share of<br>the truth", "thickness": 12},
        hovertemplate="truth %{y}, says %{x}<br>%{text}<extra></extra>",
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="category", autorange="reversed")
    lines = []
    for k, name in enumerate(names):
        called = ", ".join(f"{n} called {x}" for n, x in zip(table[k].tolist(), names, strict=True))
        lines.append(f"truth {name}, {int(of[k, 0])}: {called}")
    alt = f"Confusion matrix of {part.card.title}, {rule}. {'; '.join(lines)} ({_basis(part)})"
    return Chart(f"confusion-{part.card.name}", title, figure, alt)


def calibration(models: Sequence[Evidence], part: Part) -> Chart:
    """Reliability before and after temperature, with bars by group and the number of images below."""
    name = _titles(models)[part.card.title]
    figure = blank(f"Reliability, {name}", "Stated probability of a finding", "Share that had one", 380)
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_yaxes(range=[-0.02, 1.02])
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "width": 1}, name="perfect")
    before = reliability(part.raw_finding, part.truth, part.groups)
    after = reliability(part.finding, part.truth, part.groups)
    colour, _ = _look(models, part)
    _reliable(figure, before, GREY, "circle-open", f"before, ECE {ece(part.raw_finding, part.truth):.3f}", False)
    label = f"after (T = {part.card.temperature:.2f}), ECE {ece(part.finding, part.truth):.3f}"
    _reliable(figure, after, colour, "square", label, True)
    alt = (
        f"Reliability diagram of {part.card.title}: ECE {ece(part.raw_finding, part.truth):.3f} before and "
        f"{ece(part.finding, part.truth):.3f} after temperature scaling, Brier score "
        f"{brier(part.raw_finding, part.truth):.3f} and {brier(part.finding, part.truth):.3f} ({_basis(part)})"
    )
    return Chart(f"reliability-{part.card.name}", f"Reliability, {name}", figure, alt)


def _reliable(figure: go.Figure, bins: Reliability, colour: str, symbol: str, name: str, bars: bool) -> None:
    full = bins.cases > 0
    high = np.nan_to_num(bins.high - bins.observed)[full]
    low = np.nan_to_num(bins.observed - bins.low)[full]
    figure.add_scatter(
        x=bins.stated[full],
        y=bins.observed[full],
        mode="lines+markers",
        line={"color": colour, "width": 1.5, "dash": "solid" if bars else "dot"},
        marker={"symbol": symbol, "size": 5 + 14 * np.sqrt(bins.cases[full] / bins.cases.max()), "color": colour},
        error_y={"type": "data", "array": high, "arrayminus": low, "width": 3, "color": colour} if bars else None,
        name=name,
        customdata=np.stack([bins.cases[full], bins.groups[full]], axis=1),
        hovertemplate="stated %{x:.2f}, observed %{y:.2f}<br>%{customdata[0]} images, %{customdata[1]} groups",
    )


def decision(models: Sequence[Evidence], split: str) -> Chart:
    """Net benefit of every model, with its band by group, against acting on all and on none."""
    figure = blank("Decision curve", "Probability from which on one would act", "Net benefit per image")
    said, short, top = [], _titles(models), 0.05
    for number, part in enumerate(parts_of(models, split)):
        colour, dash = _look(models, part)
        curve = decision_curve(part.truth, part.finding)
        if not number:
            top = curve.prevalence
            grey = {"color": GREY, "width": 1.5}
            figure.add_scatter(x=curve.threshold, y=curve.treat_all, mode="lines", line=grey, name="act on all")
            figure.add_scatter(x=[0, 1], y=[0, 0], mode="lines", line=grey | {"dash": "dot"}, name="act on none")
        name = short[part.card.title]
        add_band(figure, net_benefit_band(part), colour)
        line = {"color": colour, "dash": dash, "width": 2}
        figure.add_scatter(x=curve.threshold, y=curve.model, mode="lines", line=line, name=name)
        best = curve.model > np.maximum(curve.treat_all, 0) + 1e-9
        span = (
            f"from {curve.threshold[best].min():.2f} to {curve.threshold[best].max():.2f}" if best.any() else "nowhere"
        )
        said.append(f"{name}: better than acting on all or none {span} ({_basis(part)})")
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(range=[-0.15 * top, 1.1 * top])
    return Chart("decision", "Decision curve", figure, "Decision curve. " + "; ".join(said))


def scores(models: Sequence[Evidence], part: Part, threshold: float, height: int = 300) -> Chart:
    """Calibrated probabilities of each true class, with the threshold."""
    name = _titles(models)[part.card.title]
    figure = blank(f"Scores, {name}", "Probability of a finding", "Images", height)
    edges = SCORE_EDGES
    for k, label in enumerate(part.card.classes):
        counts, _ = np.histogram(part.finding[part.classes == k], edges)
        colour, pattern = CLASS_LOOK[k % len(CLASS_LOOK)]
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=0.04,
            name=f"{label} ({int((part.classes == k).sum())})",
            marker={"color": colour, "pattern": {"shape": pattern, "solidity": 0.35}, "opacity": 0.75},
        )
    figure.update_layout(barmode="overlay", bargap=0)
    figure.update_xaxes(range=[0, 1])
    figure.add_vline(x=threshold, line={"color": GREY, "width": 2, "dash": "dash"}, annotation_text=f"{threshold:.2f}")
    low = [
        f"{c}: median {np.median(part.finding[part.classes == k]):.2f}"
        for k, c in enumerate(part.card.classes)
        if (part.classes == k).any()
    ]
    alt = f"Histogram of the probabilities of {part.card.title} by true class. {'; '.join(low)} ({_basis(part)})"
    return Chart(f"scores-{part.card.name}", f"Scores, {name}", figure, alt)
