"""One pooled pretraining over all sets: a shared encoder, a head and a mask decoder for each task.

Only the training parts of the recipes' own splits are seen, so that a model that starts from it is still measured on
patients it has never met.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from core.errors import RecipeError
from core.models.auxiliary import MaskHead
from core.models.heads import pool
from core.models.registry import create
from core.preprocessing.contract import InputContract
from core.statistics.ranking import roc_auc
from trainers.data.parts import read_parts
from trainers.data.tensors import Cases, to_cases
from trainers.fitting.augment import geometric, photometric
from trainers.fitting.initial import BACKBONE, encoder_of, library_weights
from trainers.fitting.logs import Teller, console, write_curve
from trainers.fitting.losses import cross_entropy, mask_loss
from trainers.fitting.precision import autocast
from trainers.fitting.recipe import Recipe, load_recipe
from trainers.fitting.sampling import epoch_rows

RECIPES = ("brain-unet", "chest-densenet", "breast-resnet18", "pet-unet", "mr-pet-pet", "mr-pet-mr")
LR, WEIGHT_DECAY, WARM = 6e-4, 0.05, 0.1
ENOUGH = 2500  # images: a set of more, such as near-alike crops, takes no more steps than that
SEEN = 128  # training images from which a task's own normalisation is taken before it is judged
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


class Pretraining:
    """A resumable run; see the module docstring.

    Args:
        architecture: a classifier of the registry.
        tasks: what it learns from.
        epochs, steps, batch: length; each step belongs to one task, larger sets taking more steps.
        folder: checkpoints and log. out: folder of the pretrained backbones.
        start: initial weights, as in a recipe. resume: go on from the last checkpoint.
    """

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
        size = (tasks[0].recipe.contract.height, tasks[0].recipe.contract.width)
        self.net = create(architecture, classes=2, channels=3, size=size, pretrained=library_weights(start))
        width = self.net.stage_channels[-1]
        self.parts = nn.ModuleDict({"backbone": self.net.backbone})
        for task in tasks:
            self.parts[f"head-{task.name}"] = nn.Linear(width, task.outputs)
            if bool(task.train.has_mask.any()):
                self.parts[f"mask-{task.name}"] = MaskHead(self.net)
        self.parts.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(self.parts.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
        self.epoch, self.minutes, self.curve = 0, 0.0, list[dict[str, float]]()
        self.key = f"{architecture} {start} {epochs} {steps} {batch} {sorted(self.splits.items())}"
        folder.mkdir(parents=True, exist_ok=True)
        if resume and (folder / "last.pt").is_file():
            self._restore()

    def _rate(self, step: int) -> float:
        at = step / max(self.epochs * self.steps, 1)
        if at < WARM:
            return LR * (0.05 + 0.95 * at / WARM)
        return LR * max(1e-3, 0.5 * (1 + math.cos(math.pi * (at - WARM) / (1 - WARM))))

    def _answers(self, task: Task, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        stages = self.net.feature_stages(images.to(self.fabric.device, memory_format=torch.channels_last))
        logits = self.parts[f"head-{task.name}"](pool(stages[-1]))
        masks = self.parts[f"mask-{task.name}"](stages) if f"mask-{task.name}" in self.parts else None
        return logits.float(), masks

    def _step(self, task: Task, rng: torch.Generator) -> float:
        cases, recipe = task.train, task.recipe
        rows = epoch_rows(cases.labels, how="balanced", images=self.batch, rng=rng)
        alone = torch.rand(len(rows), generator=rng) < recipe.augment.single_slice
        images, masks = geometric(cases.images(rows, alone), cases.coverage(rows), recipe.augment, rng)
        images = photometric(images, recipe.augment, rng)
        target = nn.functional.one_hot(cases.labels[rows], len(recipe.classes)).float()
        with self.fabric.autocast():
            logits, drawn = self._answers(task, images)
        loss = cross_entropy(logits, target.to(logits.device)).mean()
        known = cases.has_mask[rows]
        if drawn is not None and masks is not None and bool(known.any()):
            goal = nn.functional.interpolate(masks, drawn.shape[-2:], mode="area").to(drawn.device)
            loss = loss + mask_loss("tversky+bce", drawn[known], goal[known], miss=0.6, exponent=0.75)
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
            self.curve.append({"epoch": self.epoch, "loss": float(np.mean(teller.losses)), **self._judge()})
            self._save()
            console.print("  ".join(f"{k} {v:.3f}" for k, v in self.curve[-1].items()))
        if self.epoch:
            self._write()
        return self.curve

    def _judge(self) -> dict[str, float]:
        """Validation AUC of every task, each with its own normalisation.

        The running statistics mix crops, bodies and heads, which no task looks like: a network is right in training,
        where every batch has its own, and worse than chance with the mixture.
        """
        norms = [m for m in self.parts.modules() if isinstance(m, _BatchNorm)]
        mixed = [{k: v.clone() for k, v in norm.state_dict().items()} for norm in norms]
        momenta = [norm.momentum for norm in norms]
        found = {}
        with torch.inference_mode(), autocast(self.fabric.device):
            for task in self.tasks:
                for norm in norms:
                    norm.reset_running_stats()
                    norm.momentum = None  # the plain mean over the batches that follow
                self.parts.train()
                drawn = torch.randperm(len(task.train), generator=torch.Generator().manual_seed(SEED))[:SEEN]
                for rows in drawn.split(self.batch):
                    if len(rows) > 1:
                        self._answers(task, task.train.images(rows))
                self.parts.eval()
                scores = []
                for start in range(0, len(task.validation), 32):
                    rows = torch.arange(start, min(start + 32, len(task.validation)))
                    logits, _ = self._answers(task, task.validation.images(rows))
                    scores.append((logits[:, 0] if task.outputs == 1 else -logits.log_softmax(1)[:, 0]).cpu())
                truth = (task.validation.labels > 0).numpy()
                found[f"auc {task.name}"] = roc_auc(truth, torch.cat(scores).double().numpy())
        for norm, momentum, state in zip(norms, momenta, mixed, strict=True):
            norm.momentum = momentum
            norm.load_state_dict(state)
        return found

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
            "recipes": [task.recipe.source for task in self.tasks],
            "training_slices": {task.name: len(task.train) for task in self.tasks},
            "splits": self.splits,
            "epochs": self.epoch,
            "minutes": round(self.minutes, 1),
            "sha256": hashlib.sha256((folder / BACKBONE).read_bytes()).hexdigest(),
            "curve": self.curve,
        }
        (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
