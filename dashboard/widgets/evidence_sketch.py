"""The score histogram that follows the slider: drawn as text, so that a moved threshold costs next to nothing."""

from __future__ import annotations

import base64

import numpy as np

from core.evidence import Part
from dashboard.widgets import words
from dashboard.widgets.evidence_charts import CLASS_LOOK, SCORE_EDGES

INK = "#9a9a9a"  # legible on a dark and on a light page
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 560, 190, 40, 34, 12


def counts(part: Part) -> np.ndarray:
    """``(classes, bins)`` images of each class in each bin of the probability of a finding."""
    return np.stack(
        [np.histogram(part.finding[part.classes == k], SCORE_EDGES)[0] for k in range(len(part.card.classes))]
    )


def scores(part: Part, bars: np.ndarray, threshold: float) -> str:
    """The histogram with the threshold as an SVG picture and its legend.

    Args:
        bars: from :func:`counts`. threshold: in [0, 1].
    """
    top = max(1, int(bars.max()))
    across, up = WIDTH - LEFT - 8, HEIGHT - BOTTOM - TOP

    def x(value: float) -> float:
        return LEFT + across * value

    drawn, legend = [], []
    for k, row in enumerate(bars):
        colour = CLASS_LOOK[k % len(CLASS_LOOK)][0]
        outline = "" if k % 2 == 0 else f" stroke='{INK}' stroke-width='0.8'"
        for count, low, high in zip(row, SCORE_EDGES[:-1], SCORE_EDGES[1:], strict=True):
            if count:
                tall = up * count / top
                drawn.append(
                    f"<rect x='{x(low) + 0.5:.1f}' y='{TOP + up - tall:.1f}' width='{across * (high - low) - 1:.1f}' "
                    f"height='{tall:.1f}' fill='{colour}' fill-opacity='0.7'{outline}/>"
                )
        label = words.cell(f"{part.card.classes[k]} ({int(row.sum()):,})")
        legend.append(f"<span style='margin-right: 14px'><span style='color: {colour}'>■</span> {label}</span>")
    ticks = "".join(
        f"<text x='{x(v):.0f}' y='{HEIGHT - 18}' text-anchor='middle'>{v:g}</text>" for v in (0, 0.25, 0.5, 0.75, 1)
    )
    at = x(threshold)
    side, shift = ("end", -5) if threshold > 0.8 else ("start", 5)
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' fill='{INK}' "
        "font-size='12' font-family='sans-serif'>"
        f"<line x1='{LEFT}' y1='{TOP + up}' x2='{WIDTH - 8}' y2='{TOP + up}' stroke='{INK}' opacity='0.6'/>"
        f"<text x='{LEFT - 6}' y='{TOP + 9}' text-anchor='end'>{top:,}</text>"
        f"<text x='{LEFT - 6}' y='{TOP + up}' text-anchor='end'>0</text>{ticks}"
        f"<text x='{x(0.5):.0f}' y='{HEIGHT - 3}' text-anchor='middle'>Probability of a finding (height: images)</text>"
        f"{''.join(drawn)}<line x1='{at:.1f}' y1='{TOP - 6}' x2='{at:.1f}' y2='{TOP + up}' stroke='{INK}' "
        f"stroke-width='2' stroke-dasharray='5 3'/><text x='{at + shift:.1f}' y='{TOP + 4}' "
        f"text-anchor='{side}' font-weight='bold'>{threshold:.3f}</text></svg>"
    )
    # As a picture: the page takes no drawing in its text.
    address = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")
    alt = f"Scores of {words.cell(part.card.title)} by true class, threshold {threshold:.3f}"
    return (
        f"<img src='{address}' alt='{alt}' style='width: 100%; height: auto; display: block'>"
        f"<div style='font-size: 0.8rem'>{''.join(legend)}</div>"
    )
