"""Random display changes of a batch: window, contrast, sharpness, CLAHE; each keeps the image's own scale."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from core.preprocessing.enhance import clahe
from trainers.fitting.recipe import Augment

CLIP_LIMIT = 2.0


def enhanced(images: torch.Tensor, how: Augment, rng: torch.Generator) -> torch.Tensor:
    """Images ``(B, C, H, W)`` after the recipe's display changes; each is drawn for each image, with its own chance."""
    batch = images.shape[0]

    def uniform(low: float, high: float) -> torch.Tensor:
        return (torch.rand(batch, generator=rng) * (high - low) + low).view(-1, 1, 1, 1)

    def chosen(chance: float) -> torch.Tensor:
        return (torch.rand(batch, generator=rng) < chance).view(-1, 1, 1, 1)

    if how.window_width or how.window_centre:
        width, centre = 1 + uniform(-how.window_width, how.window_width), uniform(-how.window_centre, how.window_centre)
        images = torch.where(chosen(how.enhance), windowed(images, width, centre), images)
    if how.contrast != (1.0, 1.0):
        mean = images.mean((1, 2, 3), keepdim=True)
        images = torch.where(chosen(how.enhance), (images - mean) * uniform(*how.contrast) + mean, images)
    if how.sharpness != (1.0, 1.0):
        smooth = _smoothed(images)
        images = torch.where(chosen(how.enhance), smooth + uniform(*how.sharpness) * (images - smooth), images)
    if how.clahe:
        rows = chosen(how.clahe).flatten()
        if rows.any():
            images = images.clone()
            images[rows] = torch.stack([_equalised(image) for image in images[rows]])
    return images


def windowed(images: torch.Tensor, width: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    """Look at images through another window and bring the result back to the image's own range.

    The image's own range stands for the window it was made with. A wider window cannot bring back what that one
    clipped, so it only lowers the contrast.

    Args:
        images: ``(B, C, H, W)``.
        width: ``(B, 1, 1, 1)`` new width, in old widths.
        centre: ``(B, 1, 1, 1)`` shift of the centre, in old widths.
    """
    low = images.amin((1, 2, 3), keepdim=True)
    span = (images.amax((1, 2, 3), keepdim=True) - low).clamp_min(1e-6)
    seen = ((images - low) / span - 0.5 - centre) / width + 0.5
    return seen.clamp(0, 1) * span + low


def _smoothed(images: torch.Tensor) -> torch.Tensor:
    """Gaussian of one pixel, as :func:`core.preprocessing.enhance.sharpness` uses."""
    x = torch.arange(-4, 5, dtype=images.dtype)
    kernel = torch.exp(-(x**2) / 2)
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    padded = F.pad(images, (4, 4, 4, 4), mode="replicate")
    across = F.conv2d(padded, kernel, groups=images.shape[1])
    return F.conv2d(across, kernel.transpose(2, 3), groups=images.shape[1])


def _equalised(image: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.stack([clahe(plane, clip_limit=CLIP_LIMIT) for plane in image.numpy()]))
