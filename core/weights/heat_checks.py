"""How a model's heat maps fared on held-out patients: ``heat_checks.json`` beside its weights."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.weights.card import Metric, ModelCard

HEAT_CHECKS = "heat_checks.json"
FEWEST_NOTICED = 10  # inserted lesions that must turn the answer before their maps tell anything


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MethodChecks(_Part):
    """Figures of one heat-map method; ``None`` where there were no masks or nothing to remove.

    Attributes:
        hit: share of slices with a lesion whose hottest point lies in it or within the tolerance.
        hit_called: the same among the slices that the model calls a finding.
        chance: share of the body that would have been a hit.
        energy: mean share of the map that lies in the lesion. area: mean share of the body that is lesion.
        overlap: mean intersection over union of the lesion and the hottest area of its size.
        marked, random: mean fall of the answer when marked, or random, parts of the body are removed (ROAD).
        ahead: ``marked - random``, slice by slice.
        empty: slices on which the map was empty (they count as misses).
        peak: median of the maps' largest value before scaling, on the slices that the model calls a finding; 1 for
            methods that do not tell it, ``None`` where it was not measured.
        planted: clear slices into which a lesion was inserted, since the sets have no masks; 0 where they have.
        noticed: those on which the answer turned into a finding: what ``hit`` and its like are counted on then.
    """

    hit: Metric | None = None
    hit_called: Metric | None = None
    chance: float | None = None
    energy: Metric | None = None
    area: float | None = None
    overlap: Metric | None = None
    marked: Metric | None = None
    random: Metric | None = None
    ahead: Metric | None = None
    empty: int = 0
    peak: float | None = None
    planted: int = 0
    noticed: int = 0

    @property
    def failings(self) -> tuple[str, ...]:
        """What these maps could not show, in words: an interval that reaches down to chance is no success."""
        out = []
        if self.planted and self.noticed < FEWEST_NOTICED:
            out.append(
                f"of {self.planted} lesions inserted into clear slices only {self.noticed} turn the answer, too few to "
                "tell whether its maps find them"
            )
        if self.hit is not None and self.chance is not None and (self.hit.low is None or self.hit.low <= self.chance):
            out.append("hits the lesion no more often than chance would")
        if self.ahead is not None and (self.ahead.low is None or self.ahead.low <= 0):
            out.append("the answer does not clearly rest on what it marks")
        return tuple(out)

    @property
    def tested(self) -> bool:
        """Whether anything could be held against the maps at all."""
        return (self.hit is not None and self.chance is not None) or self.ahead is not None


class HeatChecks(_Part):
    """Dataset-level checks of a model's heat maps, with their pedigree.

    Attributes:
        weights_sha256: of the weights that drew the maps; with other weights the figures mean nothing. A map is of one
            pass over one slice, so a version that only averages or calibrates otherwise keeps them; which slices were
            called a finding is as ``version`` called them.
        data: names of the sets; ``part`` is never anything but validation.
        slices, groups: slices with a finding that were looked at, and their patients; where no set has masks, lesions
            were inserted into further, clear slices (``planted`` of every method).
        outline: the answer that was watched is the outline's mean probability.
        tolerance: of the pointing game, as a share of the picture's diagonal.
        fractions: shares of the body that were removed. random_maps: per slice.
    """

    system: str
    name: str
    version: str
    weights_sha256: str
    date: str
    code_version: str
    data: tuple[str, ...]
    part: Literal["validation"] = "validation"
    seed: int
    slices: int
    groups: int
    outline: bool
    tolerance: float
    fractions: tuple[float, ...]
    random_maps: int
    methods: dict[str, MethodChecks]

    @property
    def best(self) -> str | None:
        """The method that passed its test and hits most often (of equal ones the first); ``None`` where none passed."""
        passed = {name: one for name, one in self.methods.items() if one.tested and not one.failings}

        def rank(name: str) -> tuple[float, float]:
            one = passed[name]
            return (one.hit.value if one.hit else 0.0, one.ahead.value if one.ahead else 0.0)

        return max(passed, key=rank, default=None)

    def save(self, folder: Path) -> None:
        """Write ``heat_checks.json`` into a model's folder."""
        (folder / HEAT_CHECKS).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def load_checks(folder: Path, card: ModelCard) -> HeatChecks | None:
    """The checks of a model, or ``None`` when there are none, or they were made with other weights."""
    path = folder / HEAT_CHECKS
    try:
        facts = path.stat()
        found = _read(path, (facts.st_size, facts.st_mtime_ns, facts.st_ino))
    except (OSError, ValidationError):
        return None
    mine = (found.system, found.name, found.weights_sha256) == (card.system, card.name, card.weights_sha256)
    return found if mine else None


@lru_cache(maxsize=64)
def _read(path: Path, version: tuple[int, ...]) -> HeatChecks:
    """The file as it is in this version: a page asks for every model's, each time it is drawn."""
    return HeatChecks.model_validate_json(path.read_text(encoding="utf-8"))
