"""The tables of a system's evidence by key, and what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.evidence import breakdown, compare, masks, per_class, summary
from core.evidence.tables import Table
from core.weights.predictions import Evidence

TABLES: dict[str, Callable[[Sequence[Evidence], str], Table | None]] = {
    "performance": summary.performance,
    "classes": per_class.table,
    "calibration": summary.calibration,
    "by-group": breakdown.by_group,
    "one-vs-rest": breakdown.one_vs_rest,
    "masks": masks.table,
    "mask-sizes": masks.sizes,
    "pairs": compare.pairs,
}
