"""What lies beside the weights of a system: spread over seeds, cross-validation, gain from pretraining, measured times.

All optional.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from core.errors import OverreadError

SEEDS, FOLDS, PRETRAINING, BENCHMARK = "seeds.json", "folds.json", "pretraining.json", "benchmark.json"
T = TypeVar("T")


class BesideError(OverreadError):
    """A file beside the weights that is not what it should be."""


@dataclass(frozen=True)
class SeedSpread:
    """Test AUC of one recipe trained from several seeds."""

    model: str
    seeds: tuple[int, ...]
    auc: tuple[float, ...]
    note: str = ""

    @property
    def mean(self) -> float:
        """Mean AUC."""
        return statistics.fmean(self.auc)

    @property
    def deviation(self) -> float:
        """Sample standard deviation; 0 for one seed."""
        return statistics.stdev(self.auc) if len(self.auc) > 1 else 0.0


@dataclass(frozen=True)
class CrossValidation:
    """AUC of one recipe on the patients of every fold, by networks trained on the others.

    Attributes:
        model: name. auc: of every fold.
        pooled: AUC over the answers of all folds, and the ends of its 95 % interval by patient.
        patient_auc: as ``auc``, of the patients' means; empty where patients have slices of both classes.
    """

    model: str
    auc: tuple[float, ...]
    pooled: tuple[float, float, float]
    patient_auc: tuple[float, ...] = ()
    note: str = ""

    @property
    def mean(self) -> float:
        """Mean AUC of the folds."""
        return statistics.fmean(self.auc)

    @property
    def patient_mean(self) -> float | None:
        """Mean of ``patient_auc``; ``None`` without any."""
        return statistics.fmean(self.patient_auc) if self.patient_auc else None


@dataclass(frozen=True)
class Pretraining:
    """The monitored figure of a recipe from two starts: random or ImageNet weights, and ours."""

    recipe: str
    scratch: float
    ours: float
    monitor: str
    note: str = ""

    @property
    def gain(self) -> float:
        """Ours less scratch."""
        return self.ours - self.scratch


@dataclass(frozen=True)
class Measured:
    """Times of a machine: milliseconds an image by ``system/model``.

    Attributes:
        machine: in words, with what was counted where it was not plain time.
        processor, processors: its name, how many. clock: ``time``, or what was counted instead.
    """

    machine: str
    processor: str
    processors: int
    clock: str
    milliseconds: dict[str, tuple[float, float, float]]  # median, shortest, longest


def seed_spread(system_folder: Path) -> tuple[SeedSpread, ...]:
    """``seeds.json`` of a system: one object or a list of them; empty without the file.

    Raises:
        BesideError: it is something else.
    """

    def one(entry: dict[str, Any]) -> SeedSpread:
        found = SeedSpread(
            str(entry["model"]),
            tuple(int(s) for s in entry["seeds"]),
            tuple(float(a) for a in entry["auc"]),
            str(entry.get("note", "")),
        )
        if not found.auc or len(found.auc) != len(found.seeds) or not all(0 <= a <= 1 for a in found.auc):
            raise ValueError("a seed needs one AUC between 0 and 1")
        return found

    return _read(system_folder / SEEDS, lambda content: tuple(one(e) for e in _listed(content)), ())


def cross_validation(system_folder: Path) -> tuple[CrossValidation, ...]:
    """``folds.json`` of a system; empty without the file.

    Raises:
        BesideError: it is something else.
    """

    def one(entry: dict[str, Any]) -> CrossValidation:
        pooled = entry["pooled"]
        found = CrossValidation(
            str(entry["model"]),
            tuple(float(a) for a in entry["auc"]),
            (float(pooled["value"]), float(pooled["low"]), float(pooled["high"])),
            tuple(float(a) for a in entry.get("patient_auc", ())),
            str(entry.get("note", "")),
        )
        if len(found.auc) < 2 or not all(0 <= a <= 1 for a in (*found.auc, *found.pooled, *found.patient_auc)):
            raise ValueError("two folds or more, each with an AUC between 0 and 1")
        return found

    return _read(system_folder / FOLDS, lambda content: tuple(one(e) for e in _listed(content)), ())


def pretraining(weights: Path) -> tuple[Pretraining, ...]:
    """``pretraining.json`` of the weights folder; empty without the file.

    Raises:
        BesideError: it is something else.
    """

    def one(entry: dict[str, Any]) -> Pretraining:
        ours, scratch = float(entry["ours"]), float(entry["scratch"])
        if not math.isfinite(ours) or not math.isfinite(scratch):
            raise ValueError("a figure that is not finite")
        return Pretraining(str(entry["recipe"]), scratch, ours, str(entry["monitor"]), str(entry.get("note", "")))

    return _read(weights / PRETRAINING, lambda content: tuple(one(e) for e in _listed(content)), ())


def measured(weights: Path) -> Measured | None:
    """``benchmark.json`` as ``python -m trainers benchmark`` writes it; ``None`` without the file.

    Raises:
        BesideError: it is something else.
    """

    def whole(content: dict[str, Any]) -> Measured:
        machine = f"{content['machine']}, {content['threads']} of {content['processors']} processors"
        clock = str(content.get("clock", "time"))
        if clock != "time":
            machine += f", {clock}"
        names = ("median_ms", "shortest_ms", "longest_ms")
        times = {n: (float(m[names[0]]), float(m[names[1]]), float(m[names[2]])) for n, m in content["models"].items()}
        if not all(math.isfinite(each) and each >= 0 for three in times.values() for each in three):
            raise ValueError("a time that is negative or not finite")
        return Measured(machine, str(content["machine"]), int(content["processors"]), clock, times)

    return _read(weights / BENCHMARK, whole, None)


def add_entry(path: Path, entry: dict[str, Any], by: str) -> None:
    """Put an entry into a JSON list in place of the one with the same value under ``by``; the file is made if needed.

    Raises:
        BesideError: the file holds something else.
    """
    entries: list[dict[str, Any]] = []
    if path.is_file():
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            entries = [dict(e) for e in (content if isinstance(content, list) else [content])]
        except (ValueError, TypeError) as error:
            raise BesideError(f"{path} cannot be read ({error}).", "Restore or remove it.") from error
    entries = [e for e in entries if e.get(by) != entry[by]] + [entry]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sorted(entries, key=lambda e: str(e.get(by))), indent=1) + "\n", encoding="utf-8")


def _listed(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else [content]


def _read(path: Path, make: Callable[[Any], T], missing: T) -> T:
    if not path.is_file():
        return missing
    try:
        return make(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BesideError(
            f"{path.parent.name}/{path.name} is not what it should be ({error!r}).", "Write it again, or remove it."
        ) from error
