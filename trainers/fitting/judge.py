"""How a network does on validation while it is trained."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch

from core.models.net import OverreadNet
from core.statistics.multiclass import multiclass
from core.statistics.ranking import roc_auc
from trainers.data.tensors import Cases
from trainers.fitting.losses import image_loss
from trainers.fitting.precision import autocast
from trainers.fitting.recipe import Loss


def validate(
    net: OverreadNet, cases: Cases, device: torch.device, *, loss: Loss | None = None, wanted: Collection[str] = ()
) -> dict[str, float]:
    """AUC of a finding on real cases, and the mean Dice at 0.5 of the volumes with tumour, where masks exist.

    Args:
        loss: for ``val_loss``, the image loss without class weights.
        wanted: further figures: ``val_loss``, ``accuracy`` and ``macro_recall`` (by the largest probability).
    """
    net.eval()
    answers: list[torch.Tensor] = []
    overlap: dict[str, list[int]] = {}  # by volume: twice the shared pixels, drawn pixels, true pixels
    with torch.inference_mode(), autocast(device):
        for start in range(0, len(cases), 32):
            rows = torch.arange(start, min(start + 32, len(cases)))
            out = net.run(cases.images(rows).to(device, memory_format=torch.channels_last))
            answers.append(out.logits.float().cpu())
            if out.mask_logits is None or cases.masks is None:
                continue
            drawn, truth = out.mask_logits[:, 0].float().cpu() > 0, cases.masks[rows] > 127
            for place, row in enumerate(rows.tolist()):
                counts = overlap.setdefault(cases.groups[row], [0, 0, 0])
                counts[0] += 2 * int((drawn[place] & truth[place]).sum())
                counts[1] += int(drawn[place].sum())
                counts[2] += int(truth[place].sum())
    logits = torch.cat(answers)
    scores = logits[:, 0] if logits.shape[1] == 1 else -logits.log_softmax(1)[:, 0]
    figures = {"auc": roc_auc((cases.labels > 0).numpy(), scores.double().numpy())}
    if overlap:
        found = [shared / (own + real) for shared, own, real in overlap.values() if real]
        figures["dice"] = float(np.mean(found)) if found else float("nan")
    classes = max(2, logits.shape[1])
    if "val_loss" in wanted and loss is not None:
        target = torch.nn.functional.one_hot(cases.labels, classes).float()
        plain = loss.model_copy(update={"class_weights": "none", "label_smoothing": 0.0})
        figures["val_loss"] = float(image_loss(logits, target, plain, cases.labels).mean())
    if {"accuracy", "macro_recall"} & set(wanted):
        p = torch.cat([-logits, logits], 1).mul(0.5).softmax(1) if logits.shape[1] == 1 else logits.softmax(1)
        rates = multiclass(cases.labels.numpy(), p.double().numpy())
        figures |= {k: getattr(rates, k) for k in ("accuracy", "macro_recall") if k in wanted}
    return figures
