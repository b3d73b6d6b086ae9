"""Fewer bits for weights: symmetric integers with a scale, per channel or per group.

- :func:`by_channel`: 8 bits, one float32 scale per output channel.
- :func:`by_group`: 6 or 5 bits, one float16 scale for every 64 neighbouring weights. The largest of 64 weights is much
  nearer to the others than the largest of a channel's thousands, so the steps are finer where it matters. The integers
  are close to normally distributed, so Huffman coding takes off most of a further bit: :mod:`core.weights.coding` in
  files written today, :func:`inflated` for those of the first form.
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
        The integers, int8 ``(N,)``; float16 scales ``(groups,)``.
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
    return _integers(groups, scale, top).flatten()[: len(flat)].to(torch.int8), scale.flatten().half()


def _integers(groups: torch.Tensor, scale: torch.Tensor, top: int) -> torch.Tensor:
    divisor = torch.where(scale > 0, scale, torch.ones_like(scale))
    return (groups / divisor).round().clamp(-top, top)


def from_groups(integers: torch.Tensor, scale: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The float32 weight of a shape, from what :func:`by_group` gave.

    Raises:
        ValueError: another number of weights or groups.
    """
    count = shape.numel()
    if len(integers) != count or len(scale) != -(-count // GROUP):
        raise ValueError(f"it holds {len(integers)} weights in {len(scale)} groups, expected {count}")
    factors, whole = scale.float(), count // GROUP
    out, end = torch.empty(count), whole * GROUP
    torch.mul(integers[:end].view(-1, GROUP), factors[:whole].unsqueeze(1), out=out[:end].view(-1, GROUP))
    out[end:] = integers[end:] * factors[whole:]  # of the last group, where there are fewer
    return out.view(shape)


def inflated(coded: torch.Tensor, count: int) -> torch.Tensor:
    """Integers ``(count,)`` of a file of the first form, where each tensor of them is a deflated stream.

    Args:
        coded: uint8 ``(bytes,)``. count: of the weights that the network holds there: no more is read.

    Raises:
        ValueError: the code is broken, or holds another number of weights.
    """
    reader = zlib.decompressobj(-15)
    try:
        symbols = reader.decompress(coded.numpy().tobytes(), count + 1)
    except zlib.error as error:
        raise ValueError(f"the code cannot be read ({error})") from error
    if len(symbols) != count:
        raise ValueError(f"it holds {len(symbols)} weights, expected {count}")
    if not reader.eof or reader.unused_data:
        raise ValueError("the code of its weights cannot be read to its end")
    return torch.from_numpy(np.frombuffer(symbols, np.int8).copy())


def steps(scale: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What one unit of each integer is worth, float64 ``(N,)``.

    Args:
        scale: float16 by groups of 64, or float32 by output channel. shape: of the integers.

    Raises:
        ValueError: another number of scales than the integers need.
    """
    count = int(np.prod(shape, dtype=np.int64))
    each = GROUP if scale.dtype == np.float16 else count // max(shape[0], 1)
    if len(scale) != (-(-count // GROUP) if scale.dtype == np.float16 else shape[0]):
        raise ValueError(f"there are {len(scale)} scales for {count} integers")
    return np.repeat(scale.astype(np.float64), each)[:count]
