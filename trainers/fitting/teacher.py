"""Distillation: what stronger shipped models say of the very picture of a training step is a second target.

Hinton et al. 2015 (arXiv:1503.02531). The teachers see each picture as it was turned, moved and noised for the student
(Beyer et al., CVPR 2022: a good teacher is patient and consistent), so they must read the student's own contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F

from core.errors import RecipeError
from core.models.net import OverreadNet
from core.weights.card import DataUse, ModelCard
from core.weights.store import load_model
from trainers.fitting.losses import log_probabilities
from trainers.fitting.recipe import Recipe


class Teachers:
    """The recipe's teachers, frozen.

    Args:
        recipe: with a ``teacher``.
        weights: folder with the models.
        device: where they answer.

    Raises:
        RecipeError: a teacher with other classes or another contract than the recipe.
        ModelUnavailableError: one is not installed.
    """

    def __init__(self, recipe: Recipe, weights: Path, device: torch.device) -> None:
        if recipe.teacher is None:
            raise ValueError(f"{recipe.source} has no teacher")
        self.how = recipe.teacher
        self.taught: list[tuple[OverreadNet, ModelCard]] = []
        for name in self.how.models:
            net, card = load_model(weights / name)
            if card.classes != recipe.classes or card.contract != recipe.contract:
                raise RecipeError(
                    f"{recipe.source} cannot learn from {name}: it tells other classes or reads another input.",
                    "Give the recipe the classes and the contract of its teacher, or take another one.",
                )
            self.taught.append((net.to(device).eval().requires_grad_(False), card))

    def target(self, images: torch.Tensor) -> torch.Tensor:
        """Softened mean of the teachers' calibrated log-probabilities, as probabilities ``(B, K)``."""
        with torch.no_grad():
            said = [log_probabilities(net.run(images).logits.float() / card.temperature) for net, card in self.taught]
        return F.softmax(torch.stack(said).mean(0) / self.how.temperature, 1)

    def loss(self, images: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """Weighted cross-entropy of the softened student to the softened teachers, times the temperature squared.

        The square keeps the size of the gradients as the temperature changes (Hinton et al., section 2).

        Args:
            images: the step's pictures ``(B, C, H, W)``. logits: the student's ``(B, 1)`` or ``(B, K)``.

        Returns:
            scalar.
        """
        soft = log_probabilities(logits.float() / self.how.temperature)
        return -self.how.weight * self.how.temperature**2 * (self.target(images) * soft).sum(1).mean()


def check_teachers(recipe: Recipe, use: Sequence[DataUse], weights: Path) -> None:
    """Refuse a teacher that has learnt from what the student is to be judged by.

    Args:
        use: the recipe's sets as they were split.

    Raises:
        RecipeError: a teacher's card tells another split of a set, or none.
    """
    if recipe.teacher is None:
        return
    ours = {part.name: part.split_fingerprint for part in use}
    for name in recipe.teacher.models:
        theirs = {part.name: part.split_fingerprint for part in ModelCard.load(weights / name / "card.json").data}
        other = [part for part, mark in ours.items() if theirs.get(part) != mark]
        if other:
            raise RecipeError(
                f"{name} was trained on another split of {', '.join(other)} than {recipe.source} holds back.",
                "Give both recipes the same split, or take another teacher.",
            )
