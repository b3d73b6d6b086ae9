"""Random changes of a batch, on tensors, after the one preprocessing path."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from trainers.fitting.enhance import enhanced
from trainers.fitting.recipe import Augment


def geometric(
    images: torch.Tensor, masks: torch.Tensor | None, how: Augment, rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Rotate, shift, zoom and flip images ``(B, C, H, W)`` and masks ``(B, 1, H, W)`` together."""
    batch, _, height, width = images.shape

    def draw(span: float) -> torch.Tensor:
        return (torch.rand(batch, generator=rng) * 2 - 1) * span

    def sign(wanted: bool) -> torch.Tensor:
        return torch.where(torch.rand(batch, generator=rng) < 0.5, -1.0, 1.0) if wanted else torch.ones(batch)

    angle = draw(how.rotation * math.pi / 180)
    size = 1 + draw(how.zoom)
    across, down = sign(how.flip_horizontal) / size, sign(how.flip_vertical) / size
    # normalised coordinates are anisotropic on a non-square image: undo the aspect around the rotation
    aspect = height / width
    theta = torch.zeros(batch, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = across * angle.cos(), -across * angle.sin() * aspect
    theta[:, 1, 0], theta[:, 1, 1] = down * angle.sin() / aspect, down * angle.cos()
    theta[:, 0, 2], theta[:, 1, 2] = draw(2 * how.shift), draw(2 * how.shift)
    if how.shear:
        theta[:, :, 1] += draw(how.shear).view(-1, 1) * theta[:, :, 0] * aspect
    if how.crop < 1:
        theta = torch.bmm(theta, _crops(batch, how.crop, rng))
    grid = F.affine_grid(theta, [batch, 1, height, width], align_corners=False)
    images = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if masks is not None:
        masks = F.grid_sample(masks, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return images, masks


def _crops(batch: int, smallest: float, rng: torch.Generator) -> torch.Tensor:
    """Random resized crops as ``(B, 3, 3)`` maps of normalised coordinates: area in [smallest, 1], sides 3:4 to 4:3."""
    area = smallest + torch.rand(batch, generator=rng) * (1 - smallest)
    ratio = torch.exp((torch.rand(batch, generator=rng) * 2 - 1) * math.log(4 / 3))
    maps = torch.eye(3).repeat(batch, 1, 1)
    for axis, side in enumerate(((area * ratio).sqrt().clamp_max(1), (area / ratio).sqrt().clamp_max(1))):
        maps[:, axis, axis] = side
        maps[:, axis, 2] = (torch.rand(batch, generator=rng) * 2 - 1) * (1 - side)
    return maps


def photometric(images: torch.Tensor, how: Augment, rng: torch.Generator) -> torch.Tensor:
    """Gamma, gain, bias, smoothing, display changes and noise, each drawn per image."""
    batch = images.shape[0]

    def draw(span: float) -> torch.Tensor:
        return ((torch.rand(batch, generator=rng) * 2 - 1) * span).view(-1, 1, 1, 1)

    if how.gamma:
        low = images.amin((1, 2, 3), keepdim=True)
        span = (images.amax((1, 2, 3), keepdim=True) - low).clamp_min(1e-6)
        images = ((images - low) / span).clamp(0, 1).pow(1 + draw(how.gamma)) * span + low
    if how.gain or how.bias:
        images = images * (1 + draw(how.gain)) + draw(how.bias)
    if how.blur:
        smooth = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        chosen = (torch.rand(batch, generator=rng) < how.blur).view(-1, 1, 1, 1)
        images = torch.where(chosen, smooth, images)
    images = enhanced(images, how, rng)
    if how.noise:
        level = torch.rand(batch, generator=rng).view(-1, 1, 1, 1) * how.noise
        images = images + level * torch.randn(images.shape, generator=rng)
    return images


def mixup(
    images: torch.Tensor, target: torch.Tensor, alpha: float, rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """MixUp (Zhang et al., ICLR 2018): lambda ~ Beta(alpha, alpha), drawn fresh for every batch.

    Args:
        images: ``(B, C, H, W)``.
        target: class probabilities ``(B, K)``.
    """
    gamma = torch._standard_gamma(torch.full((2,), alpha), generator=rng)
    share = float(gamma[0] / gamma.sum().clamp_min(1e-12))
    order = torch.randperm(images.shape[0], generator=rng)
    return share * images + (1 - share) * images[order], share * target + (1 - share) * target[order]
