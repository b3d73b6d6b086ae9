"""What the heat-map checks found slice by slice, kept on disk, and what it comes to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.explain.pointing import Pointing
from core.statistics.intervals import bootstrap_by_group, wilson
from core.weights.card import Metric
from core.weights.heat_checks import FEWEST_NOTICED, MethodChecks


@dataclass(frozen=True, eq=False)
class Outcome:
    """One method on one slice. ``drops`` is the fall without marked and without random parts, where tested; ``peak``
    the map's largest value before scaling; ``planted``: its lesion was inserted, and ``called`` says whether the answer
    turned."""

    group: str
    called: bool
    masked: bool
    pointing: Pointing | None
    drops: tuple[float, float] | None
    peak: float | None = None
    planted: bool = False


class Kept:
    """Outcomes by slice and method in a JSON file, written after every slice.

    Args:
        path: the file; ``None`` keeps nothing. of: what they belong to; a file of something else is begun afresh.
    """

    def __init__(self, path: Path | None, of: str) -> None:
        self._path, self._of = path, of
        self._slices: dict[str, dict[str, Any]] = {}
        if path is None or not path.is_file():
            return
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["of"] == of:
            self._slices = kept["slices"]

    def get(self, name: str) -> dict[str, Outcome] | None:
        """Outcomes of a slice by method; ``None`` when it is still to be done."""
        found = self._slices.get(name)
        return None if found is None else {method: _outcome(values) for method, values in found.items()}

    def put(self, name: str, outcomes: dict[str, Outcome]) -> None:
        """Keep a slice."""
        self._slices[name] = {method: asdict(outcome) for method, outcome in outcomes.items()}
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(".part")
        aside.write_text(json.dumps({"of": self._of, "slices": self._slices}), encoding="utf-8")
        aside.replace(self._path)


def _outcome(values: dict[str, Any]) -> Outcome:
    pointing, drops = values["pointing"], values["drops"]
    return Outcome(
        **values
        | {
            "pointing": None if pointing is None else Pointing(**pointing),
            "drops": None if drops is None else tuple(drops),
        }
    )


def summed_up(outcomes: Sequence[Outcome]) -> MethodChecks:
    """Figures of one method with 95 % intervals; an empty map on a slice with a mask is a miss.

    Of inserted lesions those count that turn the answer: the map of an answer that never saw a lesion cannot show it.
    """
    planted = [o for o in outcomes if o.planted]
    noticed = sum(o.called for o in planted)
    masked = [o for o in outcomes if o.masked and (o.called or not o.planted)]
    if planted and noticed < FEWEST_NOTICED:
        masked = [o for o in masked if not o.planted]
    pointed = [o for o in masked if o.pointing is not None]
    called = [o for o in masked if o.called]
    tested = [o for o in outcomes if o.drops is not None]

    def of(some: Sequence[Outcome], value: Callable[[Outcome], float]) -> Metric | None:
        return _mean(np.array([value(o) for o in some]), [o.group for o in some]) if some else None

    def point_of(o: Outcome, name: str) -> float:
        return float(getattr(o.pointing, name)) if o.pointing is not None else 0.0

    def drop_of(o: Outcome, which: int) -> float:
        assert o.drops is not None
        return o.drops[which]

    return MethodChecks(
        hit=of(masked, lambda o: point_of(o, "hit")),
        hit_called=of(called, lambda o: point_of(o, "hit")),
        chance=float(np.mean([point_of(o, "chance") for o in pointed])) if pointed else None,
        energy=of(masked, lambda o: point_of(o, "energy")),
        area=float(np.mean([point_of(o, "area") for o in pointed])) if pointed else None,
        overlap=of(masked, lambda o: point_of(o, "overlap")),
        marked=of(tested, lambda o: drop_of(o, 0)),
        random=of(tested, lambda o: drop_of(o, 1)),
        ahead=of(tested, lambda o: drop_of(o, 0) - drop_of(o, 1)),
        empty=len(masked) - len(pointed),
        peak=reference_peak([o for o in outcomes if not o.planted]),
        planted=len(planted),
        noticed=noticed,
    )


def reference_peak(outcomes: Sequence[Outcome]) -> float | None:
    """Median peak on the slices that the model calls a finding, on all where it calls none; ``None`` unmeasured."""
    known = [(o.called, o.peak) for o in outcomes if o.peak is not None and o.peak > 0]
    called = [peak for said, peak in known if said] or [peak for _, peak in known]
    return float(np.median(called)) if called else None


def _mean(values: NDArray[np.float64], groups: Sequence[str]) -> Metric:
    """Mean with a bootstrap interval by patient; for a share of 0 or 1, Wilson's over the patients.

    The bootstrap of slices that all say the same is a point, which claims to know what a dozen patients cannot tell.
    """
    patients = len(set(groups))
    interval = bootstrap_by_group(np.mean, [values], list(groups))
    low, high, method = interval.low, interval.high, interval.method
    if set(np.unique(values)) in ({0.0}, {1.0}):
        edge = wilson(patients if values[0] else 0, patients)
        low, high, method = edge.low, edge.high, f"Wilson score over {patients} groups"
    finite = bool(np.isfinite(low) and np.isfinite(high))
    return Metric(
        value=interval.value,
        low=low if finite else None,
        high=high if finite else None,
        n=len(values),
        groups=patients,
        method=method,
    )
