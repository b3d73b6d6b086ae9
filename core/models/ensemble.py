"""Mean of several classifiers' probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from core.models.net import OverreadNet


def mean_probability(members: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """Unweighted mean of calibrated probabilities.

    Args:
        members: one array ``(N, K)`` per classifier, classes in the same order, each row summing to one.

    Raises:
        ValueError: no member, different shapes, or rows that are no probabilities.

    >>> mean_probability([[[0.9, 0.1]], [[0.5, 0.5]]])
    array([[0.7, 0.3]])
    """
    arrays = [np.asarray(member, dtype=np.float64) for member in members]
    if not arrays or any(a.ndim != 2 or a.shape != arrays[0].shape for a in arrays):
        raise ValueError(f"members need one common shape (N, K), got {[a.shape for a in arrays]}")
    stack = np.stack(arrays)
    if not (np.all(stack >= 0) and np.allclose(stack.sum(-1), 1, atol=1e-4)):
        raise ValueError("every row must hold probabilities that sum to one")
    mean: NDArray[np.float64] = stack.mean(0)
    return mean


def probabilities(logits: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """Calibrated probabilities ``(B, classes)`` from logits ``(B, K)``; ``K = 1`` gives two columns."""
    scaled = logits.float() / temperature
    if scaled.shape[1] == 1:
        return torch.cat([torch.sigmoid(-scaled), torch.sigmoid(scaled)], dim=1)
    return scaled.softmax(1)


class Ensemble(nn.Module):
    """Several classifiers of the same classes as one module, for export.

    Args:
        members: the classifiers; all see the same tensor, so their input contracts must be equal.
        temperatures: each member's calibration temperature.

    Raises:
        ValueError: no members, different class or channel counts, or not one temperature per member.
    """

    def __init__(self, members: Sequence[OverreadNet], temperatures: Sequence[float]) -> None:
        super().__init__()
        if len({(member.classes, member.channels) for member in members}) != 1:
            raise ValueError("an ensemble needs members of the same class and channel counts")
        if len(temperatures) != len(members):
            raise ValueError(f"{len(members)} members need as many temperatures, got {len(temperatures)}")
        self.members = nn.ModuleList(members)
        self.temperatures = tuple(temperatures)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Mean calibrated probabilities ``(B, classes)``."""
        pairs = zip(self.members, self.temperatures, strict=True)
        return torch.stack([probabilities(member(x), t) for member, t in pairs]).mean(0)
