"""How weights lie in memory while they are trained."""

from __future__ import annotations

import torch
from torch import nn


def channels_last(parts: nn.Module) -> None:
    """Let a channel's neighbours in memory be the other channels of its place, in place: convolutions run faster so.

    Weights of three-dimensional convolutions have a form of their own, which PyTorch does not choose by itself.
    """
    for parameter in parts.parameters():
        if parameter.dim() in (4, 5):
            form = torch.channels_last if parameter.dim() == 4 else torch.channels_last_3d
            parameter.data = parameter.data.contiguous(memory_format=form)
