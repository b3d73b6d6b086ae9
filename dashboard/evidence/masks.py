"""Figures and worst cases of the segmenters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.evidence import Evidence
from core.evidence.masks import masks
from core.systems import SYSTEMS
from dashboard.kit import tables, words
from dashboard.kit.charts import GREY, Chart
from dashboard.kit.slice_strip import COLOURS


def dice(models: Sequence[Evidence], split: str) -> Chart:
    """Every slice's and every volume's Dice, as boxes with all points."""
    figure = go.Figure()
    said = []
    short = words.short_titles([m.card.title for m in models])
    for number, model in enumerate(models):
        part = model.part(split)
        found = masks(part) if part is not None else None
        if part is None or found is None:
            continue
        name, colour = short[model.card.title], COLOURS[number % len(COLOURS)]
        for label, values, names in (
            ("slices with tumour", found.slice_dice, part.ids[found.slices]),
            ("volumes", found.volume_dice, found.volumes),
        ):
            figure.add_box(
                y=values,
                text=names,
                name=f"{name}:<br>{label} ({len(values)})",
                boxpoints="all",
                jitter=0.5,
                pointpos=0,
                marker={"color": colour, "size": 4, "opacity": 0.6},
                line={"color": colour},
                fillcolor="rgba(0,0,0,0)",
                hovertemplate="%{text}<br>Dice %{y:.3f}<extra></extra>",
                showlegend=False,
            )
            if len(values):
                said.append(f"{name}, {label}: median {np.median(values):.3f}, n = {len(values)}")
    figure.update_layout(height=420, margin={"l": 56, "r": 12, "t": 40, "b": 60}, title={"text": "Dice", "x": 0})
    figure.update_yaxes(range=[-0.02, 1.02], title="Dice")
    alt = f"Distribution of Dice on the {split} part. " + "; ".join(said)
    return Chart("dice", "Dice by slice and by volume", figure, alt)


def bland_altman(models: Sequence[Evidence], model: Evidence, split: str) -> Chart | None:
    """Difference of tumour pixels against their mean, a point per group; ``None`` with too few groups."""
    part = model.part(split)
    found = masks(part) if part is not None else None
    if part is None or found is None or found.size is None:
        return None
    size, unit, digits = (found.size, "pixels", 0) if found.size_ml is None else (found.size_ml, "ml", 1)
    colour = COLOURS[list(models).index(model) % len(COLOURS)]
    figure = go.Figure()
    figure.add_scatter(
        x=size.mean,
        y=size.difference,
        mode="markers",
        text=found.groups,
        marker={"color": colour, "size": 8},
        name=f"a {SYSTEMS[model.card.system].counted}",
        hovertemplate=f"%{{text}}<br>mean %{{x:,.{digits}f}}, difference %{{y:,.{digits}f}} {unit}<extra></extra>",
        showlegend=False,
    )
    lines = (("bias", size.bias, "solid"), ("limit", size.lower, "dash"), ("limit", size.upper, "dash"))
    for name, figure_of, dash in lines:
        label = f"{name} {tables.number(figure_of.value, digits)} ({tables.interval(figure_of, digits)})"
        figure.add_hline(y=figure_of.value, line={"color": GREY, "dash": dash}, annotation_text=label)
    short = words.short_titles([m.card.title for m in models])[model.card.title]
    figure.update_layout(
        height=420, margin={"l": 64, "r": 12, "t": 40, "b": 48}, title={"text": f"Bland-Altman, {short}", "x": 0}
    )
    figure.update_xaxes(title=f"Mean of mask and truth ({unit})", rangemode="tozero")
    figure.update_yaxes(title=f"Mask − truth ({unit})")
    alt = (
        f"Bland-Altman of tumour size in {unit} of {model.card.title}: bias {size.bias.value:,.{digits}f}, limits of "
        f"agreement {size.lower.value:,.{digits}f} to {size.upper.value:,.{digits}f}, "
        f"{words.counted(len(size.mean), model.card.system)} of the {split} part"
    )
    return Chart(f"bland-altman-{model.card.name}", f"Bland-Altman, {short}", figure, alt)
