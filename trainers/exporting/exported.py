"""What an exported file answers: one module from the contract's tensor to everything that this code says of it."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import nn

from core.explain.gradcam import class_score, scaled
from core.models.net import OverreadNet
from core.weights.card import ModelCard

NO_MAP = "needs gradients, which these formats do not carry"


class Exported(nn.Module):
    """A model with calibration and heat map in it.

    ``forward`` takes ``(B, channels, height, width)``, prepared as the card's contract says, and returns, in the order
    of ``names``:

    - ``logits`` ``(B, K)``, averaged over the card's test-time flips;
    - ``probability`` ``(B, classes)``, calibrated, and ``finding`` ``(B,)``, its sum over the positive classes: what
      the card's threshold is for;
    - ``features`` ``(B, F)``, pooled, of the image as it is;
    - ``tap`` ``(B, C, h, w)``, the feature map that heat maps are made of;
    - ``heat_map`` ``(B, height, width)`` in [0, 1], Grad-CAM of the first positive class, where the class's gradient is
      known without differentiating (a linear head on the mean of the tap), and ``heat_peak`` ``(B,)``, its largest
      value before scaling: 0 where nothing speaks for the class;
    - ``mask`` ``(B, 1, height, width)``, probability of the outline, of a model that outlines.
    """

    def __init__(self, net: OverreadNet, card: ModelCard) -> None:
        super().__init__()
        self.net, self.flips = net.eval(), "horizontal" in card.test_time_flips
        self.temperature = float(card.temperature)
        self.positive = [card.classes.index(name) for name in card.positive]
        self.size = (card.contract.height, card.contract.width)
        weight = None if net.draws_masks else net.linear_weight
        rows = None if weight is None else class_score(weight.detach().float().T, self.positive[0])
        self.register_buffer("rows", rows, persistent=False)
        self.names = ["logits", "probability", "finding", "features", "tap"]
        self.names += (["heat_map", "heat_peak"] if rows is not None else []) + (["mask"] if net.draws_masks else [])

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """See the class."""
        out, stages = self.net.run_with_stages(x)
        logits, mask, tap = out.logits, out.mask_logits, stages[-1]
        if self.flips:
            mirrored = self.net.run(x.flip(-1))
            logits = (logits + mirrored.logits) / 2
            if mask is not None and mirrored.mask_logits is not None:
                mask = (mask + mirrored.mask_logits.flip(-1)) / 2
        probability = self._calibrated(logits)
        found = [logits, probability, probability[:, self.positive].sum(1), out.features, tap]
        rows = self.rows
        if isinstance(rows, torch.Tensor):
            raw = torch.einsum("c,bchw->bhw", rows / (tap.shape[2] * tap.shape[3]), tap).relu()
            found += [scaled(raw, self.size), raw.amax((1, 2))]
        if mask is not None:
            found.append(torch.sigmoid(mask))
        return tuple(found)

    def _calibrated(self, logits: torch.Tensor) -> torch.Tensor:
        even = logits / self.temperature
        if logits.shape[1] == 1:
            p = torch.sigmoid(even)
            return torch.cat([1 - p, p], 1)
        return torch.softmax(even, 1)


def facts(card: ModelCard, names: list[str]) -> dict[str, str]:
    """What a file must say of itself, as text by name."""
    told: dict[str, Any] = {
        "overread_model": f"{card.system}/{card.name}",
        "overread_version": card.version,
        "overread_weights_sha256": card.weights_sha256,
        "classes": list(card.classes),
        "positive": list(card.positive),
        "threshold": card.threshold.value,
        "temperature": card.temperature,
        "mask_threshold": card.mask_threshold,
        "contract": card.contract.model_dump(mode="json"),
        "heat_map": "Grad-CAM of the first positive class" if "heat_map" in names else NO_MAP,
        "notice": "Research and teaching only. Not a medical device.",
    }
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()}
