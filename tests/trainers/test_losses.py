"""Losses against torch, torchvision and hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

from trainers.fitting.losses import cross_entropy, focal, mask_loss, tversky_index

LOGITS = torch.tensor([[-3.0], [-0.4], [0.0], [1.5], [6.0]])
LABELS = torch.tensor([0, 1, 1, 0, 1])
TARGET = F.one_hot(LABELS, 2).float()


def test_binary_cross_entropy_is_torchs_per_image() -> None:
    ours = cross_entropy(LOGITS, TARGET)
    assert ours.shape == (5,)
    theirs = F.binary_cross_entropy_with_logits(LOGITS[:, 0], LABELS.float(), reduction="none")
    torch.testing.assert_close(ours, theirs)


def test_focal_with_gamma_0_and_alpha_half_is_half_the_bce_per_image() -> None:
    ours = focal(LOGITS, TARGET, alpha=torch.tensor([0.5, 0.5]), gamma=0.0)
    assert ours.shape == (5,)
    theirs = F.binary_cross_entropy_with_logits(LOGITS[:, 0], LABELS.float(), reduction="none") / 2
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_is_torchvisions(gamma: float) -> None:
    # its alpha belongs to the positive class
    ours = focal(LOGITS, TARGET, alpha=torch.tensor([0.75, 0.25]), gamma=gamma)
    theirs = sigmoid_focal_loss(LOGITS[:, 0], LABELS.float(), alpha=0.25, gamma=gamma)
    torch.testing.assert_close(ours, theirs)


def test_focal_with_three_classes_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2]]))
    ours = focal(logits, torch.tensor([[0.0, 1.0, 0.0]]), alpha=torch.tensor([0.5, 0.3, 0.2]), gamma=2.0)
    assert ours.item() == pytest.approx(-0.3 * 0.7**2 * np.log(0.3), rel=1e-5)


def test_cross_entropy_with_soft_targets_weights_and_smoothing_is_torchs() -> None:
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 3, generator=rng)
    soft = torch.softmax(torch.randn(6, 3, generator=rng), 1)
    weights = torch.tensor([0.5, 2.0, 1.0])
    for kwargs in ({}, {"weights": weights}, {"smoothing": 0.1}, {"weights": weights, "smoothing": 0.1}):
        theirs = F.cross_entropy(
            logits, soft, weight=kwargs.get("weights"), label_smoothing=kwargs.get("smoothing", 0.0), reduction="none"
        )
        torch.testing.assert_close(cross_entropy(logits, soft, **kwargs), theirs)


def test_extreme_logits_stay_finite_and_differentiable() -> None:
    logits = torch.tensor([[80.0], [-80.0]], requires_grad=True)
    loss = focal(logits, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), alpha=torch.tensor([0.5, 0.5]), gamma=2.0)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def masks() -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities 0.8, 0.6, 0.3, 0.1 over two tumour and two clear pixels."""
    p = torch.tensor([0.8, 0.6, 0.3, 0.1]).view(1, 1, 2, 2)
    return torch.logit(p), torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 1, 2, 2)


def test_tversky_by_hand() -> None:
    logits, target = masks()
    # TP 1.4, FN 0.6, FP 0.4
    expected = (1.4 + 1) / (1.4 + 0.7 * 0.6 + 0.3 * 0.4 + 1)
    assert tversky_index(logits, target, miss=0.7).item() == pytest.approx(expected, rel=1e-5)
    missing = tversky_index(logits, target, miss=0.9)
    assert missing < tversky_index(logits, target, miss=0.1)  # misses weigh more than false pixels here


def test_tversky_by_image_is_the_mean_over_those_with_a_tumour() -> None:
    large = torch.full((1, 1, 8, 8), 4.0)  # drawn well, all of it tumour
    small, corner = torch.full((1, 1, 8, 8), -4.0), torch.zeros(1, 1, 8, 8)
    corner[0, 0, 0, 0] = 1.0  # one pixel, missed
    none = torch.zeros(1, 1, 8, 8)
    logits, target = torch.cat([large, small, none]), torch.cat([torch.ones(1, 1, 8, 8), corner, none])
    alone = [tversky_index(logits[i : i + 1], target[i : i + 1], miss=0.6).item() for i in (0, 1)]
    assert tversky_index(logits, target, miss=0.6, per_image=True).item() == pytest.approx(np.mean(alone), rel=1e-5)
    assert tversky_index(logits[:2], target[:2], miss=0.6) > np.mean(
        alone
    )  # the batch as a whole forgets the small one
    assert tversky_index(none, none, miss=0.6, per_image=True).item() == 1


def test_mask_losses_by_hand() -> None:
    logits, target = masks()
    index = (1.4 + 1) / (1.4 + 0.7 * 0.6 + 0.3 * 0.4 + 1)
    bce = -np.log([0.8, 0.6, 0.7, 0.9]).mean()

    def of(kind: str) -> float:
        return mask_loss(kind, logits, target, miss=0.7, exponent=0.75).item()

    assert of("tversky+bce") == pytest.approx(1 - index + bce, rel=1e-5)
    assert of("focal-tversky") == pytest.approx((1 - index) ** 0.75, rel=1e-5)
    assert of("dice") == pytest.approx(1 - (2 * 1.4 + 2) / (2 * 1.4 + 0.6 + 0.4 + 2), rel=1e-5)
    with pytest.raises(ValueError, match="unknown"):
        of("hinge")


def test_an_empty_batch_of_masks_has_a_finite_gradient() -> None:
    logits = torch.full((2, 1, 8, 8), -20.0, requires_grad=True)
    loss = mask_loss("focal-tversky", logits, torch.zeros(2, 1, 8, 8), miss=0.7, exponent=0.75)
    loss.backward()
    assert loss.item() < 1e-3
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
