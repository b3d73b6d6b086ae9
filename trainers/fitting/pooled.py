"""What every pretraining over all sets shares: tasks, an encoder, checkpoints, and the backbone it leaves.

Only the training parts of the recipes' own splits are seen, so that a model that starts from it is still measured on
patients it has never met.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from torch import nn

from core.errors import RecipeError
from core.models.net import OverreadNet
from core.models.registry import create
from core.preprocessing.contract import InputContract
from trainers.data.parts import read_parts
from trainers.data.tensors import Cases, to_cases
from trainers.fitting.initial import BACKBONE, encoder_of, library_weights
from trainers.fitting.layout import channels_last
from trainers.fitting.logs import Teller, console, write_curve
from trainers.fitting.recipe import Recipe, load_recipe

WARM = 0.1
ENOUGH = 2500  # images: a set of more, such as near-alike crops, takes no more steps than that
SEED = 0


@dataclass(frozen=True, eq=False)
class Task:
    """One recipe's question, put to the shared encoder."""

    recipe: Recipe
    train: Cases
    validation: Cases

    @property
    def name(self) -> str:
        """Name usable as a module's key."""
        return self.recipe.source.replace(".", "-")

    @property
    def outputs(self) -> int:
        """Logits of its head."""
        return 1 if len(self.recipe.classes) == 2 else len(self.recipe.classes)


def read_tasks(
    names: tuple[str, ...], folder: Path | None, *, limit: int | None = None, size: int | None = None
) -> tuple[list[Task], dict[str, str]]:
    """Read the tasks and the fingerprints of their splits.

    Args:
        names: recipes. folder: data root. limit: groups of each set. size: another height and width, for a trial.
    """
    tasks: list[Task] = []
    splits: dict[str, str] = {}
    for name in names:
        recipe = load_recipe(name)
        changes = {"channels": 3} | ({"height": size, "width": size} if size else {})
        contract = InputContract.model_validate({**recipe.contract.model_dump(), **changes})
        labels = {label: index for part in recipe.data for label, index in part.labels.items()}
        parts = read_parts(recipe, folder, limit=limit)
        tasks.append(
            Task(recipe, to_cases(parts.train, contract, labels), to_cases(parts.validation, contract, labels))
        )
        splits |= {f"{name}: {use.name}": use.split_fingerprint for use in parts.use}
        console.print(f"{name}: {len(tasks[-1].train)} training slices")
    return tasks, splits


class Pooled(ABC):
    """A resumable run over all tasks.

    Args:
        architecture: a classifier of the registry.
        tasks: what it learns from.
        epochs, steps, batch: length; each step belongs to one task, larger sets taking more steps.
        folder: checkpoints and log. out: folder of the pretrained backbones.
        start: initial weights, as in a recipe. resume: go on from the last checkpoint.

    Attributes:
        lr, weight_decay, betas: of AdamW. labels: whether the labels and masks of the images are seen.

    Raises:
        RecipeError: it would start from its own result, or the checkpoint is another run's.
    """

    lr: float
    weight_decay = 0.05
    betas = (0.9, 0.999)
    labels: bool

    def __init__(
        self,
        architecture: str,
        tasks: list[Task],
        *,
        epochs: int,
        steps: int,
        batch: int,
        folder: Path,
        out: Path,
        fabric: Fabric,
        start: str = "scratch",
        resume: bool = False,
        splits: dict[str, str] | None = None,
    ) -> None:
        if start == "ours":
            raise RecipeError("A pretraining cannot start from its own result.", "Use scratch, imagenet or a file.")
        torch.manual_seed(SEED)
        self.architecture, self.tasks, self.fabric = architecture, tasks, fabric
        self.epochs, self.steps, self.batch = epochs, steps, batch
        self.folder, self.out, self.splits, self.start = folder, out, splits or {}, start
        contract = tasks[0].train.contract
        size = (contract.height, contract.width)
        self.net: OverreadNet = create(
            architecture, classes=2, channels=3, size=size, pretrained=library_weights(start)
        )
        self.parts = nn.ModuleDict({"backbone": self.net.backbone, **self.beside()})
        channels_last(self.parts.to(fabric.device))
        self.optimizer = torch.optim.AdamW(
            self.parts.parameters(), lr=self.lr, weight_decay=self.weight_decay, betas=self.betas
        )
        self.epoch, self.minutes, self.curve = 0, 0.0, list[dict[str, float]]()
        self.key = f"{architecture} {start} {epochs} {steps} {batch} {sorted(self.splits.items())}"
        folder.mkdir(parents=True, exist_ok=True)
        if resume and (folder / "last.pt").is_file():
            self._restore()

    @abstractmethod
    def beside(self) -> dict[str, nn.Module]:
        """What is trained with the backbone and thrown away."""

    @abstractmethod
    def loss(self, task: Task, rng: torch.Generator) -> torch.Tensor:
        """Loss of one step, a scalar."""

    @abstractmethod
    def judge(self) -> dict[str, float]:
        """Figures on the validation parts, for the curve."""

    def _rate(self, step: int) -> float:
        at = step / max(self.epochs * self.steps, 1)
        if at < WARM:
            return self.lr * (0.05 + 0.95 * at / WARM)
        return self.lr * max(1e-3, 0.5 * (1 + math.cos(math.pi * (at - WARM) / (1 - WARM))))

    def _step(self, task: Task, rng: torch.Generator) -> float:
        loss = self.loss(task, rng)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        nn.utils.clip_grad_norm_(self.parts.parameters(), 5.0)
        self.optimizer.step()
        return float(loss.detach())

    def fit(self, *, minutes: float | None = None) -> list[dict[str, float]]:
        """Train to the last epoch or until the time is up, then write the backbone; returns the curve."""
        deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
        share = np.sqrt([min(len(task.train), ENOUGH) for task in self.tasks])
        while self.epoch < self.epochs and time.monotonic() < deadline:
            begun = time.monotonic()
            self.parts.train()
            torch.manual_seed(SEED + 1 + self.epoch)
            rng = torch.Generator().manual_seed(SEED * 7_919 + self.epoch + 1)
            order = np.random.default_rng([SEED, self.epoch]).choice(len(self.tasks), self.steps, p=share / share.sum())
            with Teller(f"pretraining {self.architecture} {self.epoch + 1}/{self.epochs}", self.steps) as teller:
                for number, which in enumerate(order):
                    for group in self.optimizer.param_groups:
                        group["lr"] = self._rate(self.epoch * self.steps + number)
                    teller.step(self._step(self.tasks[which], rng))
            self.epoch += 1
            self.minutes += (time.monotonic() - begun) / 60
            self.curve.append({"epoch": self.epoch, "loss": float(np.mean(teller.losses)), **self.judge()})
            self._save()
            console.print("  ".join(f"{k} {v:.3f}" for k, v in self.curve[-1].items()))
        if self.epoch:
            self._write()
        return self.curve

    def _save(self) -> None:
        state: dict[str, Any] = {
            "key": self.key,
            "parts": self.parts.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        state |= {"epoch": self.epoch, "minutes": self.minutes, "curve": self.curve}
        partial = self.folder / "last.pt.partial"
        torch.save(state, partial)
        partial.replace(self.folder / "last.pt")
        write_curve(self.folder / "curve.csv", self.curve)

    def _restore(self) -> None:
        state = torch.load(self.folder / "last.pt", map_location="cpu", weights_only=True)
        if state["key"] != self.key:
            raise RecipeError(
                f"The checkpoint in {self.folder} belongs to another pretraining.",
                "Remove its folder, or start without --resume.",
            )
        self.parts.load_state_dict(state["parts"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.minutes, self.curve = state["epoch"], state["minutes"], state["curve"]

    def _write(self) -> None:
        folder = self.out / encoder_of(self.architecture)
        folder.mkdir(parents=True, exist_ok=True)
        backbone = {k: v.detach().cpu().contiguous() for k, v in self.net.backbone.state_dict().items()}
        save_file(backbone, folder / BACKBONE)
        about = {
            "architecture": self.architecture,
            "initial_weights": self.start,
            "labels_seen": self.labels,
            "recipes": [task.recipe.source for task in self.tasks],
            "training_slices": {task.name: len(task.train) for task in self.tasks},
            "splits": self.splits,
            "epochs": self.epoch,
            "minutes": round(self.minutes, 1),
            "sha256": hashlib.sha256((folder / BACKBONE).read_bytes()).hexdigest(),
            "curve": self.curve,
        }
        (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
