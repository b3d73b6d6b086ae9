"""Numbers and names as every surface writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from core.imaging.series_names import SHORT
from core.imaging.study import Modality
from core.statistics.intervals import Interval
from core.systems import SYSTEMS
from core.weights.card import DataUse, Metric


def probability(value: float) -> str:
    """A probability in [0, 1] with two digits; never a rounded 0 or 1."""
    return "<0.01" if value < 0.005 else ">0.99" if value > 0.995 else f"{value:.2f}"


def short(title: str) -> str:
    """A model's title up to the first comma, "ResNet-50" for "ResNet-50, 2.5-D"; whole where that is another's too.

    Another's: of a model declared by the same system, whether it is installed or not, so that a name means one model.
    """
    head = title.split(",")[0]
    for system in SYSTEMS.values():
        declared = [slot.title for slot in system.models]
        if title in declared and sum(one.split(",")[0] == head for one in declared) > 1:
            return title
    return head


def short_titles(titles: Sequence[str]) -> dict[str, str]:
    """Titles up to the first comma where that still tells these apart, else whole."""
    heads = [title.split(",")[0] for title in titles]
    return {t: h if heads.count(h) == 1 else t for t, h in zip(titles, heads, strict=True)}


def count(number: int, one: str, several: str = "") -> str:
    """``1 slice``, ``2 slices``, ``3 studies``; ``several`` where the plural is no regular one."""
    return f"{number:,} {one if number == 1 else several or many(one)}"


def many(one: str) -> str:
    """The plural: ``patients``, ``studies``, ``days``."""
    return f"{one[:-1]}ies" if one.endswith("y") and one[-2] not in "aeiou" else f"{one}s"


def counted(number: int, system: str) -> str:
    """``13 patients``: how many a system's figures rest on, in what it counts."""
    return count(number, SYSTEMS[system].counted if system in SYSTEMS else "group")


def in_terms(text: str, one: str) -> str:
    """A text about groups, told in what a system counts: ``whole patients drawn``; "Per group" too."""
    for word, own in (("groups", many(one)), ("group", one)):
        text = re.sub(rf"\b{word}\b", own, text)
        text = re.sub(rf"\b{word.capitalize()}\b", own.capitalize(), text)
    return text


def metric(figure: Metric, system: str) -> str:
    """Value, interval and what it rests on: ``0.981 (0.966 to 0.993), n = 410, 10 patients``."""
    interval = f" ({figure.low:.3f} to {figure.high:.3f})" if figure.low is not None and figure.high is not None else ""
    groups = f", {counted(figure.groups, system)}" if figure.groups else ""
    return f"{figure.value:.3f}{interval or ' (no interval)'}, n = {figure.n}{groups}"


def rests_on(system: str, data: Sequence[DataUse]) -> str:
    """What else a reader must know of a test figure; empty where it is of patients' findings in one modality.

    A figure of PET and MR slices together is neither's, and one of inserted lesions stands beside no other model's.

    Args:
        system: whose model it is.
        data: the sets that the figure is from, as its card names them.
    """
    declared = {one.name: one for one in SYSTEMS[system].sets} if system in SYSTEMS else {}
    used = [declared[one.name] for one in data if one.test and one.name in declared]
    made = dict.fromkeys(one.made for one in used if one.made)
    several = dict.fromkeys(SHORT.get(Modality(one.modality), one.modality) for one in used if one.modality)
    told = [f"on {', '.join(made)}"] if made else []
    if len(several) > 1:
        told.append(f"{' and '.join(several)} slices together")
    return "; ".join(told)


def no_error(figure: Metric | Interval, system: str) -> str:
    """What a ranking without an error is worth; empty for any other. Read with two digits it says 1.00."""
    if figure.value < 0.995:
        return ""
    on = f" of {counted(figure.groups, system)}" if figure.groups else ""
    return f"reads as perfect: {figure.n} images{on} cannot promise that"


def caveats(figure: Metric, system: str, data: Sequence[DataUse]) -> list[str]:
    """All that a reader must know of a model's test figure beside its interval, in the order in which it is told."""
    return [told for told in (rests_on(system, data), no_error(figure, system)) if told]


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
