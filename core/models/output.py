"""What every network here returns, classifier or segmenter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        gates: bool ``(1, C, h, w)`` each, of the first image: where the decoder's ReLUs let through, in the order in
            which they were asked; of a segmenter that was asked without gradients, else none.
        attention: named attention maps ``(B, 1, h, w)`` or vectors ``(B, C)``, in [0, 1].
    """

    logits: torch.Tensor
    tap: torch.Tensor
    features: torch.Tensor
    mask_logits: torch.Tensor | None = None
    attention: dict[str, torch.Tensor] | None = None
    gates: tuple[torch.Tensor, ...] = ()

    def part(self, images: slice) -> Output:
        """The result of some images of the batch; without gates, which are of the first one."""
        mask, attention = self.mask_logits, self.attention
        return Output(
            self.logits[images],
            self.tap[images],
            self.features[images],
            mask_logits=None if mask is None else mask[images],
            attention=None if attention is None else {name: one[images] for name, one in attention.items()},
        )


@dataclass(frozen=True, eq=False)
class Trace:
    """What a pass left behind for the heat maps that are asked for next, of the same images.

    Attributes:
        stages: the backbone's maps, finest first, the tap last; the tap alone where nothing but the outline of one
            image, with its gates, can be asked for without another pass.
        mask_logits, gates: as :class:`Output` has them.
    """

    stages: Sequence[torch.Tensor]
    mask_logits: torch.Tensor | None = None
    gates: tuple[torch.Tensor, ...] = ()

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Trace:
        """The same with every tensor changed."""
        mask = None if self.mask_logits is None else change(self.mask_logits)
        return Trace([change(one) for one in self.stages], mask, tuple(change(one) for one in self.gates))

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        mask = [] if self.mask_logits is None else [self.mask_logits]
        return sum(one.nbytes for one in (*self.stages, *mask, *self.gates))
