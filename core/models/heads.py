"""From the tap to the logits. Every head computes in float32, whatever precision the backbone ran in."""

from __future__ import annotations

import torch
from torch import nn

from core.models.output import Output


def pool(tap: torch.Tensor) -> torch.Tensor:
    """Global average of ``(B, C, h, w)`` as float32 ``(B, C)``."""
    return tap.mean((2, 3), dtype=torch.float32)


class LinearHead(nn.Module):
    """Global average pooling and one linear layer."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, outputs)

    def forward(self, tap: torch.Tensor) -> Output:
        """Answer for a tap ``(B, C, h, w)``."""
        with torch.autocast(tap.device.type, enabled=False):
            features = pool(tap)
            return Output(self.linear(features), tap, features)


class PooledMlpHead(nn.Module):
    """Global average pooling, then hidden layers with ReLU and dropout, then the logits.

    ``(1024,)`` with dropout 0.7 is the head of the PET cancer-type notebook (InceptionResNetV2).
    """

    def __init__(self, channels: int, hidden: tuple[int, ...], dropout: float, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = channels
        for units in hidden:
            layers += [nn.Linear(width, units), nn.ReLU(), nn.Dropout(dropout)]
            width = units
        self.mlp = nn.Sequential(*layers, nn.Linear(width, outputs))

    def forward(self, tap: torch.Tensor) -> Output:
        """Answer for a tap ``(B, C, h, w)``."""
        with torch.autocast(tap.device.type, enabled=False):
            features = pool(tap)
            return Output(self.mlp(features), tap, features)


class ClassicVggHead(nn.Module):
    """VGG's own classifier: max-pool, 7x7 grid, 25088-4096-4096-n with dropout 0.5 (Simonyan and Zisserman, 2015)."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.grid = nn.Sequential(nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(7), nn.Flatten())
        self.mlp = nn.Sequential(
            nn.Linear(channels * 49, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, outputs),
        )

    def forward(self, tap: torch.Tensor) -> Output:
        """Answer for a tap ``(B, 512, h, w)``; the features are the tap's global average."""
        with torch.autocast(tap.device.type, enabled=False):
            return Output(self.mlp(self.grid(tap.float())), tap, pool(tap))


class ChannelAttention(nn.Module):
    """Squeeze and excitation: global average, ``C/ratio`` ReLU, ``C`` sigmoid, both without bias."""

    def __init__(self, channels: int, ratio: int = 8) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // ratio, bias=False)
        self.excite = nn.Linear(channels // ratio, channels, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Weights ``(B, C)`` in [0, 1]."""
        return torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean((2, 3))))))


class SpatialAttention(nn.Module):
    """A 7x7 convolution over the channels' maximum and mean."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Weights ``(B, 1, h, w)`` in [0, 1]."""
        return torch.sigmoid(self.conv(torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], dim=1)))


class AttentionHead(nn.Module):
    """Channel attention, spatial attention, pooling, 512 and 256 units with batch norm and dropout 0.5.

    As in the chest-CT system; its Gaussian noise layer is an augmentation and belongs to training.
    """

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.channel_attention = ChannelAttention(channels)
        self.spatial_attention = SpatialAttention()
        layers: list[nn.Module] = []
        width = channels
        for units in (512, 256):
            layers += [nn.Linear(width, units), nn.ReLU(), nn.BatchNorm1d(units), nn.Dropout(0.5)]
            width = units
        self.mlp = nn.Sequential(*layers, nn.Linear(width, outputs))

    def forward(self, tap: torch.Tensor) -> Output:
        """Answer for a tap ``(B, C, h, w)``; attention ``channel`` is ``(B, C)``, ``spatial`` ``(B, 1, h, w)``."""
        with torch.autocast(tap.device.type, enabled=False):
            x = tap.float()
            channel = self.channel_attention(x)
            x = x * channel[:, :, None, None]
            spatial = self.spatial_attention(x)
            features = (x * spatial).mean((2, 3))
            return Output(self.mlp(features), tap, features, attention={"channel": channel, "spatial": spatial})


def topk_logit(mask_logits: torch.Tensor, pixels: int) -> torch.Tensor:
    """Log-odds of the mean of the ``pixels`` largest mask probabilities, shape ``(B, 1)``.

    A mask's mean says how large a finding is, its maximum hangs on one pixel; the mean over about a small finding's
    area says whether there is one. Computed as ``logsumexp(log p) - logsumexp(log (1 - p))`` over the chosen pixels,
    which is the same number without ever forming ``p``, so it neither saturates nor divides by zero.

    Args:
        mask_logits: ``(B, 1, H, W)``.
        pixels: how many pixels count.
    """
    flat = mask_logits.float().flatten(1)
    top = flat.topk(min(pixels, int(flat.shape[1])), dim=1).values
    # Not logsigmoid: torch 2.15 exports it to ONNX as Log(Sigmoid(x)), which is minus infinity at a saturated pixel.
    softplus = torch.nn.functional.softplus
    return ((-softplus(-top)).logsumexp(1) - (-softplus(top)).logsumexp(1))[:, None]


def topk_pixels(height: int, width: int) -> int:
    """Pixels that :func:`topk_logit` averages: 40 of 160x160, the same share of any other size, at least one."""
    # While a network is traced its sizes are tensors, and a tensor rounded is no number of pixels.
    return max(1, round(40 / 25600 * int(height) * int(width)))


def gradient(score: torch.Tensor, tap: torch.Tensor) -> torch.Tensor:
    """Gradient of ``score`` ``(B,)`` at the tap ``(B, C, h, w)``, float32 of the tap's shape.

    Images of a batch do not mix in evaluation mode, so the sum's gradient holds each image's own. The graph stays,
    because the same output may be asked about several classes.
    """
    (found,) = torch.autograd.grad(score.sum(), tap, retain_graph=True)
    return found.float()


def activation(score: torch.Tensor, tap: torch.Tensor) -> torch.Tensor:
    """Raw Grad-CAM ``(B, h, w)``, not below 0: the tap's channels, weighted by the mean gradient of ``score``."""
    return weighted(gradient(score, tap).mean((2, 3)), tap)


def weighted(weights: torch.Tensor, tap: torch.Tensor) -> torch.Tensor:
    """Channels of ``(B, C, h, w)`` added with weights ``(B, C)``, what is below 0 left out: ``(B, h, w)``."""
    return torch.einsum("bc,bchw->bhw", weights, tap.detach().float()).relu()


def mask_score(mask_logits: torch.Tensor) -> torch.Tensor:
    """What a heat map of the mask explains: the sum ``(B,)`` of the logits of :func:`explained_pixels`."""
    return torch.where(explained_pixels(mask_logits), mask_logits.flatten(1), 0.0).sum(1)


def explained_pixels(mask_logits: torch.Tensor) -> torch.Tensor:
    """The positive pixels of ``(B, 1, H, W)``, or the strongest where there is none, bool ``(B, H * W)``."""
    flat = mask_logits.flatten(1)
    top = flat.topk(min(topk_pixels(*mask_logits.shape[-2:]), flat.shape[1]), dim=1).indices
    # Not scattered in place as truth values: a traced graph cannot hold that.
    strongest = torch.zeros_like(flat).scatter(1, top, torch.ones_like(flat)) > 0
    positive = flat > 0
    return torch.where(positive.any(1, keepdim=True), positive, strongest)
