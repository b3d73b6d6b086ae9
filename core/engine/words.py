"""Numbers and names as every surface writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.statistics.intervals import Interval
from core.systems import SYSTEMS


def probability(value: float) -> str:
    """A probability in [0, 1] with two digits; never a rounded 0 or 1."""
    return "<0.01" if value < 0.005 else ">0.99" if value > 0.995 else f"{value:.2f}"


def short(title: str) -> str:
    """A model's title up to the first comma: "U-Net, ResNet-18 encoder" is "U-Net" in a sentence."""
    return title.split(",")[0]


def short_titles(titles: Sequence[str]) -> dict[str, str]:
    """Titles up to the first comma where that still tells them apart, else whole."""
    heads = [short(title) for title in titles]
    return {t: h if heads.count(h) == 1 else t for t, h in zip(titles, heads, strict=True)}


def count(number: int, one: str, many: str = "") -> str:
    """``1 slice``, ``2 slices``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def many(one: str) -> str:
    """The plural: ``patients``, ``studies``."""
    return f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"


def counted(number: int, system: str) -> str:
    """``13 patients``: how many a system's figures rest on, in what it counts."""
    one = SYSTEMS[system].counted if system in SYSTEMS else "group"
    return count(number, one, many(one))


def share(found: Interval) -> str:
    """A proportion in percent; a dash where there is none."""
    return "–" if math.isnan(found.value) else f"{found.value:.0%}"


def p_value(p: float) -> str:
    """A p-value with three digits; never a rounded 0."""
    return "–" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def interval(found: Interval | None, form: str = "{:.0%}") -> str:
    """An interval in words, with the cases it rests on: ``40% to 89%, n = 10``.

    Args:
        form: of its ends.
    """
    if found is None or math.isnan(found.low):
        return "needs more cases"
    if found.low == found.high:  # perfect data prove no certainty
        return f"no spread, n = {found.n}"
    return f"{form.format(found.low)} to {form.format(found.high)}, n = {found.n}"
