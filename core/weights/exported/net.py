"""An exported file in the place of a network: it answers, but carries no gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from core.errors import ContractError
from core.models.net import OverreadNet
from core.models.output import Output
from core.weights.card import ModelCard
from core.weights.exported.manifest import Exports
from core.weights.exported.runtimes import Answers

_SURE = 1e-7  # a mask's probability nearer to 0 or 1 has no logit that float32 could hold


class ExportedNet(OverreadNet):
    """See the module docstring.

    Test-time flips are in the file already; averaging its answer over them once more changes nothing.

    Args:
        answers: the opened file. card, exports: what it is of, and what it gives.
    """

    differentiable = False

    def __init__(self, answers: Answers, card: ModelCard, exports: Exports) -> None:
        size = (card.contract.height, card.contract.width)
        super().__init__(card.architecture, classes=len(card.classes), channels=card.contract.channels, size=size)
        self.backbone = nn.Identity()
        self.draws_masks = "mask" in exports.names
        self._answers, self._names = answers, exports.names
        rows = exports.linear_weight
        self._linear = None if rows is None else torch.tensor(rows, dtype=torch.float32)

    @property
    def linear_weight(self) -> torch.Tensor | None:
        """See :class:`OverreadNet`."""
        return self._linear

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """Not known: a file tells what it answers, not how."""
        return ()

    @property
    def tap_module(self) -> nn.Module:
        """A stand-in: there is no layer to hook."""
        return self.backbone

    def stages(self) -> tuple[tuple[nn.Module, ...], ...]:
        """None: nothing here can be trained."""
        return ()

    def feature_stages(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Everything that the file answers, the tap last.

        Raises:
            ContractError: another size than the contract's, at which its pooling was fixed.
        """
        if tuple(x.shape[2:]) != self.size:
            raise ContractError(f"The exported file takes {self.size}, got {tuple(x.shape[2:])}.", "Resize the image.")
        said = dict(zip(self._names, self._answers(np.ascontiguousarray(x.numpy(force=True))), strict=True))
        wanted = ["logits", "features", *(["mask"] if self.draws_masks else []), "tap"]
        return [torch.from_numpy(said[name]) for name in wanted]

    def output_from_stages(self, stages: Sequence[torch.Tensor]) -> Output:
        """See :class:`OverreadNet`."""
        logits, features, *mask, tap = stages
        return Output(
            logits=logits,
            tap=tap,
            features=features,
            mask_logits=torch.logit(mask[0], eps=_SURE) if mask else None,
        )
