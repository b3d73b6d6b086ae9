"""Losses. Image losses return one value per image, so that weights act on images and not on batches."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from trainers.fitting.recipe import Loss


def cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """Cross-entropy per image.

    Args:
        logits: ``(B, 1)`` for two classes (logit of class 1), else ``(B, K)``.
        target: class probabilities ``(B, K)``, K = 2 for a binary model; soft targets (MixUp) are fine.
        weights: ``(K,)`` class weights.
        smoothing: share of the target spread evenly over the classes.

    Returns:
        ``(B,)``.
    """
    target = target * (1 - smoothing) + smoothing / target.shape[1]
    log_p = log_probabilities(logits)
    if weights is not None:
        target = target * weights
    return -(target * log_p).sum(1)


def balanced_weights(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """``(classes,)`` weights inverse to how often each class occurs in ``labels``; their mean over cases is 1."""
    counts = torch.bincount(labels, minlength=classes).float()
    return counts.sum() / (classes * counts.clamp_min(1))


def image_loss(logits: torch.Tensor, target: torch.Tensor, how: Loss, labels: torch.Tensor) -> torch.Tensor:
    """The recipe's image loss, one value per image, so that class weights act on images and never on a whole batch.

    Args:
        logits: ``(B, K)``. target: class probabilities. labels: class index of all training cases, for the weights.
    """
    weights = None
    if how.class_weights == "balanced":
        weights = balanced_weights(labels, target.shape[1]).to(logits.device)
    if how.image == "focal":
        alpha = torch.tensor(how.focal_alpha, device=logits.device)
        return focal(logits, target, alpha=alpha if weights is None else alpha * weights, gamma=how.focal_gamma)
    return cross_entropy(logits, target, weights=weights, smoothing=how.label_smoothing)


def focal(logits: torch.Tensor, target: torch.Tensor, *, alpha: torch.Tensor, gamma: float) -> torch.Tensor:
    """Focal loss per image, ``-alpha_t (1 - p_t)^gamma log p_t`` (Lin et al., ICCV 2017).

    ``alpha`` ``(K,)`` weighs the classes; with gamma 0 and alpha 0.5 for both of two classes it is half the
    cross-entropy. Arguments otherwise as for :func:`cross_entropy`.
    """
    log_p = log_probabilities(logits)
    return -(target * alpha * (1 - log_p.exp()).pow(gamma) * log_p).sum(1)


def log_probabilities(logits: torch.Tensor) -> torch.Tensor:
    """``(B, K)`` log-probabilities of logits ``(B, K)``, or of ``(B, 1)`` that tell class 1 from class 0."""
    logits = logits.float()
    if logits.shape[1] == 1:
        return torch.cat([F.logsigmoid(-logits), F.logsigmoid(logits)], 1)
    return F.log_softmax(logits, 1)


def tversky_index(
    mask_logits: torch.Tensor, target: torch.Tensor, *, miss: float, smooth: float = 1.0, per_image: bool = False
) -> torch.Tensor:
    """Tversky index over the whole batch, ``TP / (TP + miss FN + (1 - miss) FP)`` (Salehi et al., MLMI 2017).

    Args:
        mask_logits, target: ``(B, 1, H, W)``; the target in [0, 1].
        miss: weight of a missed pixel.
        smooth: added to numerator and denominator, so that empty masks score 1.
        per_image: the mean of the images' own indices, of those with something to find; 1 where there is none.

    Returns:
        scalar in (0, 1].
    """
    p = torch.sigmoid(mask_logits.float())
    over = (1, 2, 3) if per_image else (0, 1, 2, 3)
    tp = (p * target).sum(over)
    fn = ((1 - p) * target).sum(over)
    fp = (p * (1 - target)).sum(over)
    index = (tp + smooth) / (tp + miss * fn + (1 - miss) * fp + smooth)
    if not per_image:
        return index
    found = target.sum(over) > 0
    return index[found].mean() if found.any() else index.new_ones(())


def mask_loss(
    kind: str,
    mask_logits: torch.Tensor,
    target: torch.Tensor,
    *,
    miss: float,
    exponent: float,
    per_image: bool = False,
) -> torch.Tensor:
    """Mask loss by name: ``tversky+bce``, ``focal-tversky`` (Abraham & Khan, ISBI 2019) or ``dice`` (miss 0.5)."""
    if kind not in ("tversky+bce", "focal-tversky", "dice"):
        raise ValueError(f"unknown mask loss {kind!r}")
    index = tversky_index(mask_logits, target, miss=0.5 if kind == "dice" else miss, per_image=per_image)
    if kind == "tversky+bce":
        return 1 - index + F.binary_cross_entropy_with_logits(mask_logits.float(), target)
    return (1 - index).pow(exponent) if kind == "focal-tversky" else 1 - index
