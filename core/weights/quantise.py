"""Fewer bits for weights: symmetric integers with a scale, per channel or per group, and their lossless coding.

- :func:`by_channel`: 8 bits, one float32 scale per output channel.
- :func:`by_group`: 6 or 5 bits, one float16 scale for every 64 neighbouring weights. The largest of 64 weights is much
  nearer to the others than the largest of a channel's thousands, so the steps are finer where it matters. The integers
  are close to normally distributed, so Huffman coding (RFC 1951, by zlib) takes off most of a further bit.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch

GROUP = 64
CLIPS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)  # of the group's largest weight; the one with the least error is taken


def by_channel(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight ``(out, ...)`` as int8 of the same shape and float32 scales ``(out,)``.

    ``w ~ q * s`` with ``s = max |w| / 127`` of the channel; the error of a weight is at most ``s / 2``.
    """
    scale = weight.flatten(1).abs().amax(1) / 127
    divisor = torch.where(scale > 0, scale, torch.ones_like(scale)).view(-1, *[1] * (weight.dim() - 1))
    return (weight / divisor).round().clamp(-127, 127).to(torch.int8), scale


def by_group(weight: torch.Tensor, bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight of any shape as integers of so many bits, by groups of 64 in memory order.

    ``w ~ q * s`` with ``q`` in [-top, top], ``top = 2 ** (bits - 1) - 1``. The scale ``s`` is the one with the least
    squared error among those that clip the group's largest weight by up to 30 %: a weight of at most ``top * s`` is off
    by ``s / 2`` at most, a larger one by what is clipped.

    Args:
        bits: 2 to 8.

    Returns:
        The integers, Huffman-coded, as uint8 ``(bytes,)``; float16 scales ``(groups,)``.
    """
    top = 2 ** (bits - 1) - 1
    flat = weight.detach().float().flatten()
    groups = torch.nn.functional.pad(flat, (0, -len(flat) % GROUP)).view(-1, GROUP)
    largest = groups.abs().amax(1, keepdim=True)
    best = torch.full_like(largest, float("inf"))
    scale = torch.zeros_like(largest)
    for clip in CLIPS:
        tried = (largest * clip / top).half().float()
        error = (_integers(groups, tried, top) * tried - groups).square().sum(1, keepdim=True)
        scale = torch.where(error < best, tried, scale)
        best = torch.minimum(error, best)
    symbols = _integers(groups, scale, top).flatten()[: len(flat)].to(torch.int8).numpy().tobytes()
    coder = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    coded = coder.compress(symbols) + coder.flush()
    return torch.from_numpy(np.frombuffer(coded, np.uint8).copy()), scale.flatten().half()


def _integers(groups: torch.Tensor, scale: torch.Tensor, top: int) -> torch.Tensor:
    divisor = torch.where(scale > 0, scale, torch.ones_like(scale))
    return (groups / divisor).round().clamp(-top, top)


def from_groups(coded: torch.Tensor, scale: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The float32 weight of a shape, from what :func:`by_group` gave.

    Raises:
        ValueError: the code is broken, or holds another number of weights.
    """
    count = shape.numel()
    reader = zlib.decompressobj(-15)
    try:
        symbols = reader.decompress(coded.numpy().tobytes(), count + 1)  # never more than the network can hold
    except zlib.error as error:
        raise ValueError(f"the code cannot be read ({error})") from error
    if len(symbols) != count or len(scale) != -(-count // GROUP):
        raise ValueError(f"it holds {len(symbols)} weights in {len(scale)} groups, expected {count}")
    if not reader.eof or reader.unused_data:
        raise ValueError("the code of its weights cannot be read to its end")
    values = torch.from_numpy(np.frombuffer(symbols, np.int8).copy()).float()
    return (values * scale.float().repeat_interleave(GROUP)[:count]).view(shape)
