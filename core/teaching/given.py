"""What a learner says of a case: checked before it is kept, and held against the truth of where it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.review.opinions import checked_marks
from core.review.store import Store
from core.review.tables import QuizItem
from core.systems import SYSTEMS
from core.teaching.material import material
from core.teaching.rules import TeachingError
from core.teaching.scoring import Place, place

MOST_MARKS, MOST_CORNERS = 40, 2000


@dataclass(frozen=True)
class Given:
    """What a learner says of a case. ``finding`` and ``confidence`` are ``None`` where time ran out before."""

    finding: bool | None
    label: str | None
    confidence: int | None
    marks: Sequence[Mapping[str, Any]] = ()
    outline: Sequence[Mapping[str, Any]] = ()
    hinted: bool = False


def checked(item: QuizItem, given: Given) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Marks and outline as they are kept, once everything that was said can be."""
    system = SYSTEMS[item.system]
    if given.confidence is not None and not 0 <= given.confidence <= 100:
        raise TeachingError(f"Confidence is 0 to 100 %, not {given.confidence}.", "Choose one of those offered.")
    if (given.finding is None) != (given.confidence is None):
        raise TeachingError("An answer says what is seen and how sure.", "Say both.")
    if given.label is not None and given.label not in system.classes:
        raise TeachingError(f"{system.title} has no class {given.label!r}.", f"Known: {', '.join(system.classes)}.")
    if given.label is not None and (given.finding is None or given.label not in system.classes_of(given.finding)):
        raise TeachingError(f"The class {given.label!r} contradicts what is seen.", "Say what you see once more.")
    outline = []
    for one in given.outline:
        corners = [[float(x), float(y)] for x, y in one["points"]]
        fine = 3 <= len(corners) <= MOST_CORNERS and all(math.isfinite(v) for corner in corners for v in corner)
        if not fine or int(one["slice"]) < 0:
            raise TeachingError("An outline is a closed line on one slice.", "Draw it again.")
        outline.append({"slice": int(one["slice"]), "points": corners})
    return checked_marks(list(given.marks)[:MOST_MARKS]), outline[:MOST_MARKS]


def located(
    store: Store, item: QuizItem, given: Given, marks: list[dict[str, Any]], outline: list[dict[str, Any]]
) -> Place:
    """Where marks and outline lie against the truth of a case."""
    if not marks and not outline:
        return Place()
    found = material(store, item.source, item.place)
    slices = found.series.slices
    on_marks, on_lines = ([one for one in drawn if one["slice"] < slices] for drawn in (marks, outline))
    return place(on_marks, on_lines, found.truth, found.series.spacing)
