"""Distillation: what stronger shipped models say of the very picture of a training step is a second target.

Hinton et al. 2015 (arXiv:1503.02531). The teachers see each picture as it was turned, moved and noised for the student
(Beyer et al., CVPR 2022: a good teacher is patient and consistent), so they must read the student's own contract. Only
its size may be another: such a teacher is shown the step's pictures resized.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F

from core.errors import RecipeError
from core.models.net import OverreadNet
from core.preprocessing.contract import InputContract
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
            if card.classes != recipe.classes or not _alike(card.contract, recipe.contract):
                raise RecipeError(
                    f"{recipe.source} cannot learn from {name}: it tells other classes or reads another input.",
                    "Give the recipe the classes and the contract of its teacher, or take another one.",
                )
            if self.how.outlines and not net.draws_masks:
                raise RecipeError(f"{name} draws no outline that {recipe.source} could learn.", "Leave outlines out.")
            self.taught.append((net.to(device).eval().requires_grad_(False), card))

    def target(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What the teachers say of pictures ``(B, C, H, W)``.

        Returns:
            softened mean of their calibrated log-probabilities, as probabilities ``(B, K)``, and the mean of their mask
            probabilities ``(B, 1, H, W)``, where outlines are taught.
        """
        with torch.no_grad():
            said = [(net.run(_resized(images, net.size)), card.temperature) for net, card in self.taught]
        answers = torch.stack([log_probabilities(one.logits.float() / warmth) for one, warmth in said]).mean(0)
        masks = [torch.sigmoid(one.mask_logits.float()) for one, _ in said if one.mask_logits is not None]
        sized = [_resized(mask, (images.shape[-2], images.shape[-1])) for mask in masks]
        outlines = torch.stack(sized).mean(0) if self.how.outlines else None
        return F.softmax(answers / self.how.temperature, 1), outlines

    def loss(self, images: torch.Tensor, logits: torch.Tensor, mask_logits: torch.Tensor | None = None) -> torch.Tensor:
        """Weighted cross-entropy of the softened student to the softened teachers, times the temperature squared.

        The square keeps the size of the gradients as the temperature changes (Hinton et al., section 2). Outlines are
        taught pixel by pixel, by the cross-entropy to the teachers' unsoftened probabilities: at the edge, where
        experts differ, they are between 0 and 1 and tell more than the expert's line.

        Args:
            images: the step's pictures ``(B, C, H, W)``. logits: the student's ``(B, 1)`` or ``(B, K)``.
            mask_logits: the student's ``(B, 1, H, W)``; needed where outlines are taught.

        Returns:
            scalar.
        """
        answers, outlines = self.target(images)
        soft = log_probabilities(logits.float() / self.how.temperature)
        loss = -self.how.weight * self.how.temperature**2 * (answers * soft).sum(1).mean()
        if outlines is None or mask_logits is None:
            return loss
        return loss + self.how.outlines * F.binary_cross_entropy_with_logits(mask_logits.float(), outlines)


def _alike(one: InputContract, other: InputContract) -> bool:
    """Whether two contracts differ in nothing but their size, at one aspect."""
    same = one.model_copy(update={"height": other.height, "width": other.width}) == other
    return same and one.height * other.width == one.width * other.height


def _resized(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Images ``(B, C, H, W)`` at another size; as they are where it is theirs."""
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


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
