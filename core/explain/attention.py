"""The network's own spatial attention, where it has one (DenseNet with attention)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from core.models.output import Output


def spatial_attention(output: Output, *, size: tuple[int, int]) -> NDArray[np.float32]:
    """Spatial attention enlarged bilinearly to ``size``.

    It says where the network let features pass, for whichever class, and is not scaled: 0.5 everywhere means that it
    has no preference.

    Returns:
        float32 ``(B, height, width)`` in [0, 1].

    Raises:
        ValueError: the network has no spatial attention.
    """
    attention = (output.attention or {}).get("spatial")
    if attention is None:
        raise ValueError("this network has no spatial attention")
    with torch.no_grad():
        maps = functional.interpolate(attention.float(), size=size, mode="bilinear", align_corners=False)[:, 0]
    return maps.numpy(force=True)
