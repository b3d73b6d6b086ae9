"""The training loop: Fabric for devices and precision, resumable after every epoch, bounded in time."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from core.errors import OverreadError, RecipeError
from core.models.auxiliary import EvidenceHead, MaskHead, brightest_place
from core.models.net import OverreadNet
from core.models.registry import create
from trainers.data.tensors import Cases
from trainers.fitting.augment import geometric, mixup, photometric
from trainers.fitting.depthwise import quicken
from trainers.fitting.initial import PRETRAINED, library_weights, load_backbone, set_dropout, start_from_model
from trainers.fitting.judge import validate
from trainers.fitting.layout import channels_last
from trainers.fitting.logs import Teller, console, write_curve, write_scalars
from trainers.fitting.losses import image_loss, mask_loss
from trainers.fitting.precision import device_name
from trainers.fitting.processes import first_says, own_rows, share_gradients
from trainers.fitting.recipe import MONITORS, Recipe
from trainers.fitting.sampling import epoch_rows
from trainers.fitting.schedule import frozen_stages, plateaus, rate
from trainers.fitting.teacher import Teachers

__all__ = ["DivergedError", "Progress", "Run", "console", "plateaus", "validate"]


class DivergedError(OverreadError):
    """The loss is not a finite number any more."""


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    epoch: int = 0
    best: float = -math.inf
    best_epoch: int = -1
    minutes: float = 0.0
    devices: list[str] = field(default_factory=list)  # what has trained it so far
    curve: list[dict[str, float]] = field(default_factory=list)


class Run:
    """One training run of one recipe.

    Args:
        recipe: what to train.
        train, validation: prepared cases.
        folder: checkpoints and logs.
        fabric: device, precision and processes.
        resume: go on from ``last.pt`` when it is there.
        pretrained: folder with our own pretrained backbones, for recipes that start from ``ours``.

    Raises:
        RecipeError: the checkpoint belongs to another recipe.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Cases,
        validation: Cases,
        folder: Path,
        fabric: Fabric,
        *,
        resume: bool,
        pretrained: Path | None = None,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.train_cases, self.validation, self.folder = recipe, train, validation, folder
        self.fabric = fabric
        folder.mkdir(parents=True, exist_ok=True)
        net = create(
            recipe.architecture,
            classes=len(recipe.classes),
            channels=recipe.contract.channels,
            size=(recipe.contract.height, recipe.contract.width),
            pretrained=library_weights(recipe.initial_weights),
        )
        if recipe.initial_weights == "ours":
            load_backbone(net, pretrained or PRETRAINED)
        elif recipe.initial_weights.startswith("model:"):
            start_from_model(net, (pretrained or PRETRAINED).parent / recipe.initial_weights.removeprefix("model:"))
        self.teachers = Teachers(recipe, (pretrained or PRETRAINED).parent, fabric.device) if recipe.teacher else None
        if recipe.dropout is not None:
            set_dropout(net, recipe.dropout)
        if fabric.device.type == "cpu":
            quicken(net)
        self.net: OverreadNet = net
        parts = torch.nn.ModuleDict({"net": net})
        if recipe.auxiliary_mask:
            parts["mask"] = EvidenceHead(net) if recipe.mask_from == "evidence" else MaskHead(net)
        self.parts = parts
        channels_last(self.parts)
        kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
        self.optimizer = kind(self._groups(), lr=recipe.lr, weight_decay=recipe.weight_decay, eps=recipe.epsilon)
        self.parts.to(fabric.device)
        self.average = copy.deepcopy(self.net).eval() if recipe.average else None
        self.steps_per_epoch = max(1, len(self._rows(0)) // recipe.batch)
        self.progress = Progress()
        self.best_state: dict[str, torch.Tensor] = {}
        if resume and (folder / "last.pt").is_file():
            self._restore(folder / "last.pt")

    # one epoch and its parts

    def _rows(self, epoch: int) -> torch.Tensor:
        rng = torch.Generator().manual_seed(self.recipe.seed * 100_003 + epoch)
        cases = self.train_cases
        usable = torch.arange(len(cases))
        if self.recipe.positives_only:
            usable = torch.nonzero(cases.labels > 0).flatten()
        how, images = self.recipe.sampling, self.recipe.epoch_images
        within = (cases.sources if how == "balanced-sets" else cases.group_numbers)[usable]
        rows = epoch_rows(cases.labels[usable], how=how, images=images, rng=rng, within=within)
        return usable[rows]

    def _rate(self, step: int) -> float:
        return rate(self.recipe, step, self.steps_per_epoch, self.progress.curve)

    def _groups(self) -> Any:
        """Parameters for the optimiser; the head apart where it has its own L2."""
        if self.recipe.head_weight_decay is None:
            return self.parts.parameters()
        head = {id(p) for p in self.net.head_parameters()}
        rest = [p for p in self.parts.parameters() if id(p) not in head]
        own = {"params": list(self.net.head_parameters()), "weight_decay": self.recipe.head_weight_decay}
        return [{"params": rest}, own]

    def _image_loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return image_loss(logits, target, self.recipe.loss, self.train_cases.labels).mean()

    def _step(self, rows: torch.Tensor, rng: torch.Generator) -> float:
        recipe, cases = self.recipe, self.train_cases
        alone = torch.rand(len(rows), generator=rng) < recipe.augment.single_slice
        coverage = None if recipe.loss.mask == "none" else cases.coverage(rows)
        images, masks = geometric(cases.images(rows, alone), coverage, recipe.augment, rng)
        images = photometric(images, recipe.augment, rng)
        target = torch.nn.functional.one_hot(cases.labels[rows], len(recipe.classes)).float()
        if recipe.augment.mixup_alpha:
            images, target = mixup(images, target, recipe.augment.mixup_alpha, rng)
        device = self.fabric.device
        images = images.to(device, memory_format=torch.channels_last)
        with self.fabric.autocast():
            if recipe.auxiliary_mask:
                out, stages = self.net.run_with_stages(images)
                mask_logits = self.parts["mask"](stages)
            else:
                out = self.net.run(images)
                mask_logits = out.mask_logits
        loss = recipe.loss.image_weight * self._image_loss(out.logits.float(), target.to(device))
        if self.teachers is not None:
            loss = loss + self.teachers.loss(images, out.logits, out.mask_logits)
        known = cases.has_mask[rows]
        if mask_logits is not None and masks is not None and bool(known.any()):
            goal = torch.nn.functional.interpolate(masks, mask_logits.shape[-2:], mode="area").to(device)
            goal = brightest_place(goal) if recipe.mask_from == "evidence" else goal
            part = mask_loss(
                recipe.loss.mask,
                mask_logits[known],
                goal[known],
                miss=recipe.loss.tversky_miss,
                exponent=recipe.loss.tversky_exponent,
                per_image=recipe.loss.per_image,
            )
            loss = loss + recipe.loss.mask_weight * part
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        share_gradients(self.parts.parameters(), self.fabric)
        torch.nn.utils.clip_grad_norm_(self.parts.parameters(), 5.0)
        self.optimizer.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DivergedError(
                f"The training of {recipe.source} has diverged: its loss is {value}.",
                "Lower the learning rate in the recipe; the last checkpoint is from before.",
            )
        return value

    def _update_average(self, step: int) -> None:
        if self.average is None:
            return
        decay = min(self.recipe.average, (1 + step) / (10 + step))  # follow quickly at first
        pairs = list(zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True))
        real = [(old, new) for old, new in pairs if old.dtype.is_floating_point]
        # one call over all of them: a GPU would spend longer on starting hundreds than on the work
        torch._foreach_lerp_([old for old, _ in real], [new for _, new in real], 1 - decay)
        for old, new in pairs:
            if not old.dtype.is_floating_point:
                old.copy_(new)

    @property
    def judged(self) -> OverreadNet:
        """The network that is validated and shipped: the averaged one when the recipe averages."""
        return self.average if self.average is not None else self.net

    def fit(self, *, minutes: float | None = None) -> Progress:
        """Train until the recipe's epochs, its patience or the time is used up.

        Time may run out within an epoch: then that epoch leaves no trace on disk and is repeated on resume.
        """
        deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
        while not self.finished:
            if not self._epoch(deadline) or self._late(deadline):
                break
        return self.progress

    @property
    def finished(self) -> bool:
        """Whether its epochs or its patience are used up."""
        return self.progress.epoch >= self.recipe.epochs or self._out_of_patience()

    def _late(self, deadline: float) -> bool:
        return math.isfinite(deadline) and bool(first_says(time.monotonic() > deadline, self.fabric))

    def _out_of_patience(self) -> bool:
        waited = self.progress.epoch - 1 - self.progress.best_epoch
        return bool(self.recipe.patience and self.progress.curve and waited >= self.recipe.patience)

    def _epoch(self, deadline: float) -> bool:
        """Train one epoch, judge it and save; false when the time ran out before its end."""
        recipe, progress = self.recipe, self.progress
        epoch, begun = progress.epoch, time.monotonic()
        self.net.freeze_stages(frozen_stages(recipe, epoch, len(self.net.stages())))
        self.parts.train()
        # every epoch has its own seeds, so that a repeated one draws the same rows, changes and dropout
        torch.manual_seed(recipe.seed * 15_485_863 + epoch + 1)
        rng = torch.Generator().manual_seed(recipe.seed * 7_919 + epoch + 1 + 104_729 * self.fabric.global_rank)
        rows = self._rows(epoch)
        with Teller(f"{recipe.source} epoch {epoch + 1}/{recipe.epochs}", self.steps_per_epoch) as teller:
            for start in range(self.steps_per_epoch):
                step = epoch * self.steps_per_epoch + start
                for group in self.optimizer.param_groups:
                    group["lr"] = self._rate(step)
                batch = rows[start * recipe.batch : (start + 1) * recipe.batch]
                teller.step(self._step(own_rows(batch, self.fabric), rng))
                self._update_average(step)
                if start + 1 < self.steps_per_epoch and self._late(deadline):
                    console.print(f"{recipe.source}: the time is up within epoch {epoch + 1}; a resumed run repeats it")
                    return False
        figures = self._judge()
        monitored = figures[recipe.monitor]
        if MONITORS[recipe.monitor] == "lower":
            monitored = -monitored
        progress.epoch += 1
        if (device := device_name(self.fabric.device)) not in progress.devices:
            progress.devices.append(device)
        progress.minutes += (time.monotonic() - begun) / 60
        row = {"epoch": progress.epoch, "loss": float(np.mean(teller.losses)), **figures}
        progress.curve.append(row)
        # a figure that is not defined (one class only) is never better than one that is
        if recipe.keep == "last" or monitored > progress.best or not self.best_state:
            progress.best = monitored if math.isfinite(monitored) else -math.inf
            progress.best_epoch = epoch
            self.best_state = {k: v.detach().cpu().clone() for k, v in self.judged.state_dict().items()}
        if self.fabric.is_global_zero:
            self._save()
        self.fabric.barrier()  # nobody resumes from a checkpoint that is still being written
        if self.fabric.is_global_zero:
            write_scalars(self.folder / "tensorboard", row, self._rate(epoch * self.steps_per_epoch))
            shown = "  ".join(f"{k} {v:.4f}" for k, v in row.items() if k != "epoch")
            console.print(
                f"{recipe.source} epoch {progress.epoch}/{recipe.epochs}  {shown}  {progress.minutes:.1f} min"
            )
        return True

    def _judge(self) -> dict[str, float]:
        recipe = self.recipe
        watched = {recipe.monitor, recipe.plateau_monitor or recipe.monitor}
        found = validate(self.judged, self.validation, self.fabric.device, loss=recipe.loss, wanted=watched)
        return first_says(found, self.fabric)  # type: ignore[return-value]

    # checkpoints

    def _save(self) -> None:
        state: dict[str, Any] = {
            "recipe": self.recipe.sha256,
            "best": self.best_state,
            "progress": vars(self.progress),
        }
        if not self.finished:  # nobody goes on from its end: what ships is a fifth of the whole
            state |= {
                "parts": self.parts.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "average": self.average.state_dict() if self.average is not None else None,
            }
        partial = self.folder / "last.pt.partial"
        torch.save(state, partial)
        partial.replace(self.folder / "last.pt")  # a kill while writing leaves the previous checkpoint whole
        write_curve(self.folder / "curve.csv", self.progress.curve)

    def _restore(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["recipe"] != self.recipe.sha256:
            raise RecipeError(
                f"The checkpoint {path} was made with another version of this recipe.",
                "Remove its folder, or start without --resume.",
            )
        if "parts" in state:  # a finished run has none
            self.parts.load_state_dict(state["parts"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.average is not None:
                self.average.load_state_dict(state["average"])
        self.best_state = state["best"]
        self.progress = Progress(**state["progress"])
