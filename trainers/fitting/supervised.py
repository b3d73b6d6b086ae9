"""One pooled pretraining over all sets: a shared encoder, a head and a mask decoder for each task."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from core.models.auxiliary import MaskHead
from core.models.heads import pool
from core.statistics.ranking import roc_auc
from trainers.fitting.augment import geometric, photometric
from trainers.fitting.losses import cross_entropy, mask_loss
from trainers.fitting.pooled import SEED, Pooled, Task
from trainers.fitting.precision import autocast
from trainers.fitting.sampling import epoch_rows

RECIPES = ("brain-unet", "chest-densenet", "breast-resnet18", "pet-unet", "mr-pet-pet", "mr-pet-mr")
SEEN = 128  # training images from which a task's own normalisation is taken before it is judged


class Pretraining(Pooled):
    """See the module docstring."""

    lr = 6e-4
    labels = True

    def beside(self) -> dict[str, nn.Module]:
        """A head for each task, and a mask decoder where it has masks."""
        width = self.net.stage_channels[-1]
        found: dict[str, nn.Module] = {}
        for task in self.tasks:
            found[f"head-{task.name}"] = nn.Linear(width, task.outputs)
            if bool(task.train.has_mask.any()):
                found[f"mask-{task.name}"] = MaskHead(self.net)
        return found

    def _answers(self, task: Task, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        stages = self.net.feature_stages(images.to(self.fabric.device, memory_format=torch.channels_last))
        logits = self.parts[f"head-{task.name}"](pool(stages[-1]))
        masks = self.parts[f"mask-{task.name}"](stages) if f"mask-{task.name}" in self.parts else None
        return logits.float(), masks

    def loss(self, task: Task, rng: torch.Generator) -> torch.Tensor:
        """Cross-entropy of the task's classes, and the loss of its masks."""
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
        return loss

    def judge(self) -> dict[str, float]:
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
