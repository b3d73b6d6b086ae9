"""The score histogram beside the slider, drawn as text: the browser moves the threshold in it by itself."""

from __future__ import annotations

import numpy as np

from core.evidence import Part
from dashboard.kit import words
from dashboard.kit.charts import CLASS_LOOK, SCORE_EDGES

INK = "#9a9a9a"  # legible on a dark and on a light page
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 560, 190, 40, 34, 12


def counts(part: Part) -> np.ndarray:
    """``(classes, bins)`` images of each class in each bin of the probability of a finding."""
    return np.stack(
        [np.histogram(part.finding[part.classes == k], SCORE_EDGES)[0] for k in range(len(part.card.classes))]
    )


def scores(part: Part, bars: np.ndarray) -> tuple[str, str]:
    """The histogram as an SVG drawing whose line and text of class ``mark`` wait for a threshold, and its legend.

    The drawing says where that is: ``data-left + data-across * threshold``.

    Args:
        bars: from :func:`counts`.
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
    drawing = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' fill='{INK}' font-size='12' "
        f"font-family='sans-serif' data-left='{LEFT}' data-across='{across}' role='img' "
        f"aria-label='Scores of {words.cell(part.card.title)} by true class, with the threshold'>"
        f"<line x1='{LEFT}' y1='{TOP + up}' x2='{WIDTH - 8}' y2='{TOP + up}' stroke='{INK}' opacity='0.6'/>"
        f"<text x='{LEFT - 6}' y='{TOP + 9}' text-anchor='end'>{top:,}</text>"
        f"<text x='{LEFT - 6}' y='{TOP + up}' text-anchor='end'>0</text>{ticks}"
        f"<text x='{x(0.5):.0f}' y='{HEIGHT - 3}' text-anchor='middle'>Probability of a finding (height: images)</text>"
        f"{''.join(drawn)}<line class='mark' y1='{TOP - 6}' y2='{TOP + up}' stroke='{INK}' stroke-width='2' "
        f"stroke-dasharray='5 3'/><text class='mark' y='{TOP + 4}' font-weight='bold'/></svg>"
    )
    return drawing, "".join(legend)
