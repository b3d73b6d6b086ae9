"""What every network here returns, classifier or segmenter."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class Output:
    """Result of one forward pass over a batch of ``B`` images.

    Attributes:
        logits: ``(B, K)`` class logits; ``K = 1`` for a binary model (logit of the positive class).
        tap: ``(B, C, h, w)`` feature map that heat maps are drawn from.
        features: ``(B, F)`` pooled features (out-of-distribution scores, duplicates).
        mask_logits: ``(B, 1, H, W)`` logits of the tumour mask at input size; ``None`` for classifiers.
        attention: named attention maps ``(B, 1, h, w)`` or vectors ``(B, C)``, in [0, 1].
    """

    logits: torch.Tensor
    tap: torch.Tensor
    features: torch.Tensor
    mask_logits: torch.Tensor | None = None
    attention: dict[str, torch.Tensor] | None = None
