"""One recipe trained several times on the same data: what another seed or another start changes, written as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from core.errors import RecipeError
from core.models.net import OverreadNet
from trainers.data.parts import Parts, read_parts
from trainers.data.tensors import Cases, to_cases
from trainers.fitting.fit import labels_of, network_of
from trainers.fitting.loop import Run
from trainers.fitting.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Setting:
    """Where the trainings of a recipe are repeated.

    Attributes:
        data: folder of the data sets; ``None`` for where they are looked for.
        runs: folder of the checkpoints. weights: folder of the weights, where results go.
        fabric: what trains.
        limit: images of each part at most, for a trial.
    """

    data: Path | None
    runs: Path
    weights: Path
    fabric: Fabric
    limit: int | None = None

    @property
    def pretrained(self) -> Path:
        """Folder of the pretrained backbones."""
        return self.weights / "pretrained"


@dataclass(frozen=True, eq=False)
class Bench:
    """The data of a recipe, read and prepared once for all its trainings."""

    setting: Setting
    parts: Parts
    train: Cases
    validation: Cases

    @classmethod
    def of(cls, recipe: Recipe, setting: Setting) -> Bench:
        """Read by the recipe's own split and seed, whatever the trainings vary."""
        parts = read_parts(recipe, setting.data, limit=setting.limit)
        train, validation = (to_cases(p, recipe.contract, labels_of(recipe)) for p in (parts.train, parts.validation))
        return cls(setting, parts, train, validation)

    def run(self, recipe: Recipe) -> Run:
        """A training of a variant of the recipe, gone on with where it has been begun."""
        where = self.setting
        folder = where.runs / recipe.source
        return Run(recipe, self.train, self.validation, folder, where.fabric, resume=True, pretrained=where.pretrained)


def fitted(run: Run, minutes: float | None) -> OverreadNet:
    """Train to the end, or until all sittings together have taken so many minutes; the network of the best epoch.

    Raises:
        RecipeError: the time was too short for a single epoch.
    """
    left = None if minutes is None else minutes - run.progress.minutes
    if left is None or left > 0:
        run.fit(minutes=left)
    if not run.best_state:
        raise RecipeError(f"{run.recipe.source}: no epoch was completed.", "Give more --minutes, or shorter epochs.")
    return network_of(run.recipe, run.best_state)


def kept(path: Path, key: str) -> dict[str, Any] | None:
    """The figures of a training that was measured before under the same key; ``None`` otherwise."""
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found["figures"] if found["key"] == key else None
    except (ValueError, KeyError, TypeError):
        return None  # cut off by a kill: measured again


def keep(path: Path, key: str, figures: dict[str, Any]) -> None:
    """Keep the figures of a training beside its checkpoint, for :func:`kept`."""
    path.write_text(json.dumps({"key": key, "figures": figures}, indent=1) + "\n", encoding="utf-8")


def counted(epochs: int) -> str:
    """A number of epochs in words."""
    return f"{epochs} epoch" if epochs == 1 else f"{epochs} epochs"
