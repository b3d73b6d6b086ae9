"""Heat maps of an outline from the answer that drew it: only the way back through the decoder, where it leads.

Grad-CAM weighs the tap's channels by the mean gradient of the mask's explained pixels. A decoder is linear once it is
known which of its ReLUs let through, and an answer leaves that behind (:class:`Trace`); so nothing of the decoder is
computed forward again. The gradient is nothing outside the explained pixels and what the convolutions spread them to:
fine levels are walked within that rectangle alone. Of the last step, onto the tap, only the sum over all positions is
wanted, which needs no convolution. LayerCAM weighs every position by its own gradient: for it that step is walked like
the others. The results are autograd's (:meth:`OverreadNet.outline_gradient`) up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self, cast

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from core.models.heads import explained_pixels, weighted
from core.models.output import Trace

_RELUS = (torch.relu, torch.relu_, functional.relu)


class Gates(TorchFunctionMode):
    """While it is entered, notes what every ReLU gives, in order; also while a network is traced."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[torch.Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """See :class:`torch.overrides.TorchFunctionMode`."""
        found = func(*args, **(kwargs or {}))
        if func in _RELUS:
            self.given.append(found)
        return found

    @property
    def open(self) -> tuple[torch.Tensor, ...]:
        """Where each let through in the first image of the batch, bool: more would cost every answer, and who asks
        about heat maps asks about one image, whose mirrored one may be in the batch."""
        return tuple(one[:1] > 0 for one in self.given)


@dataclass(frozen=True, eq=False)
class Step:
    """A convolution and the norm behind it, for the way back, without what belongs to finer maps.

    Attributes:
        weight: ``(out, in, k, k)``, of stride 1 and padded by ``k // 2``.
        factor: of the norm, ``(out, 1, 1)``; ``None`` where there is none.
    """

    weight: torch.Tensor
    factor: torch.Tensor | None = None

    @classmethod
    def of(cls, convolution: nn.Conv2d, norm: nn.Module | None = None, channels: int | None = None) -> Self:
        """Of a network's layers, whose weights it shares.

        Args:
            channels: how many of the first channels that go in are asked about; all by default.

        Raises:
            ValueError: a convolution or norm of another kind.
        """
        side = convolution.kernel_size[0]
        plain = convolution.groups == 1 and {*convolution.stride, *convolution.dilation} == {1}
        padding = cast("tuple[int, ...]", convolution.padding)
        if not plain or {*convolution.kernel_size} != {side} or {*padding} != {side // 2}:
            raise ValueError(f"no way back through {convolution}")
        weight = convolution.weight.detach()[:, :channels]
        if norm is None:
            return cls(weight)
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_var is None:
            raise ValueError(f"no way back through {norm}")
        factor = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
        return cls(weight, factor[:, None, None])


@dataclass(frozen=True, eq=False)
class Block:
    """One level of a decoder: twice the size, joined with the finer map, ``first``, ReLU, ``second``, ReLU.

    Attributes:
        shortcut: of a residual block: what is added before the last ReLU.
    """

    first: Step
    second: Step
    shortcut: Step | None = None


@dataclass(frozen=True, eq=False)
class Decoder:
    """A decoder for the way back.

    Attributes:
        blocks: from the tap on. mask: the convolution that draws the logits. enlarged: whether these are then enlarged
            to twice their size linearly.
    """

    blocks: tuple[Block, ...]
    mask: Step
    enlarged: bool = False


@dataclass(frozen=True)
class _Part:
    """A gradient ``(1, C, h, w)`` that is nothing elsewhere on its level, which is ``height`` by ``width`` large."""

    values: torch.Tensor
    top: int
    left: int
    height: int
    width: int

    def through(self, gate: torch.Tensor) -> _Part:
        """Behind a ReLU, to before it."""
        rows = slice(self.top, self.top + self.values.shape[2])
        columns = slice(self.left, self.left + self.values.shape[3])
        return self._with(self.values * gate[:, :, rows, columns])

    def before(self, step: Step) -> _Part:
        """To before a convolution: as much wider on each side as it reaches, within the level."""
        reach = step.weight.shape[-1] // 2
        values = functional.conv_transpose2d(self._scaled(step), step.weight)
        top, left = self.top - reach, self.left - reach
        above, beside = max(-top, 0), max(-left, 0)
        values = values[:, :, above : self.height - top, beside : self.width - left]
        return _Part(values, top + above, left + beside, self.height, self.width)

    def halved(self) -> _Part:
        """To before an enlargement that repeats every pixel."""
        above, beside = self.top % 2, self.left % 2
        below, after = (above + self.values.shape[2]) % 2, (beside + self.values.shape[3]) % 2
        even = functional.pad(self.values, (beside, after, above, below))
        summed = functional.avg_pool2d(even, 2, divisor_override=1)
        return _Part(summed, self.top // 2, self.left // 2, self.height // 2, self.width // 2)

    def total(self, step: Step) -> torch.Tensor:
        """Sum ``(C,)`` over all positions before a convolution."""
        side = step.weight.shape[-1]
        scaled, places = self._scaled(step), range(side)
        sums = torch.stack([self._landing(scaled, row, column, side // 2) for row in places for column in places], 1)
        return torch.einsum("oik,ok->i", step.weight.flatten(2), sums)

    def _landing(self, values: torch.Tensor, row: int, column: int, reach: int) -> torch.Tensor:
        """Sum ``(C,)`` of what an entry of a kernel moves to places within the level."""
        down, right = row - reach, column - reach
        high, wide = values.shape[2:]
        above, below = max(-down - self.top, 0), min(self.height - down - self.top, int(high))
        before, after = max(-right - self.left, 0), min(self.width - right - self.left, int(wide))
        return values[0, :, above : max(below, 0), before : max(after, 0)].sum((1, 2))

    def _scaled(self, step: Step) -> torch.Tensor:
        return self.values if step.factor is None else self.values * step.factor

    def plus(self, other: _Part) -> _Part:
        """The sum of two parts, of which this one holds the other's place."""
        values = self.values.clone()
        rows = slice(other.top - self.top, other.top - self.top + other.values.shape[2])
        columns = slice(other.left - self.left, other.left - self.left + other.values.shape[3])
        values[:, :, rows, columns] += other.values
        return self._with(values)

    def whole(self) -> torch.Tensor:
        """The gradient ``(1, C, height, width)`` of the whole level."""
        right, below = self.left + self.values.shape[3], self.top + self.values.shape[2]
        return functional.pad(self.values, (self.left, self.width - right, self.top, self.height - below))

    def _with(self, values: torch.Tensor) -> _Part:
        return _Part(values, self.top, self.left, self.height, self.width)


def outline_map(decoder: Decoder, trace: Trace) -> torch.Tensor:
    """Raw Grad-CAM of a segmenter's outline.

    Args:
        trace: of one image, with gates.

    Returns:
        ``(1, h, w)`` at the tap's size, not below 0, not scaled.
    """
    tap, gates = trace.stages[-1], list(trace.gates)
    with torch.no_grad():
        part = _beside_tap(decoder, trace, gates)
        if part is None:
            return tap.new_zeros((1, *tap.shape[2:]))
        return weighted(_sums(part, decoder.blocks[0], gates)[None] / (tap.shape[2] * tap.shape[3]), tap)


def outline_gradient(decoder: Decoder, trace: Trace) -> torch.Tensor:
    """Gradient of a segmenter's outline at every position of the tap.

    Args:
        trace: of one image, with gates.

    Returns:
        float32 ``(1, C, h, w)``, of the tap's shape.
    """
    gates = list(trace.gates)
    with torch.no_grad():
        part = _beside_tap(decoder, trace, gates)
        if part is None:
            return torch.zeros_like(trace.stages[-1], dtype=torch.float32)
        return _through(part, decoder.blocks[0], gates).halved().whole()


def _beside_tap(decoder: Decoder, trace: Trace, gates: list[torch.Tensor]) -> _Part | None:
    """From the explained pixels to behind the block beside the tap; takes the other blocks' gates off the end."""
    assert trace.mask_logits is not None
    part = _explained(decoder, trace.mask_logits)
    if part is None:
        return None
    part = part.before(decoder.mask)
    for block in reversed(decoder.blocks[1:]):
        part = _through(part, block, gates).halved()
    return part


def _explained(decoder: Decoder, mask: torch.Tensor) -> _Part | None:
    """The explained pixels at the size at which they were drawn; ``None`` where there is none."""
    seed = explained_pixels(mask).reshape(mask.shape).float()
    if decoder.enlarged:
        size = [int(mask.shape[2]), int(mask.shape[3])]
        drawn = [1, 1, size[0] // 2, size[1] // 2]
        seed = torch.ops.aten.upsample_bilinear2d_backward(seed, size, drawn, False, None, None)
    lit = seed[0, 0] != 0
    rows, columns = lit.any(1).nonzero().flatten().tolist(), lit.any(0).nonzero().flatten().tolist()
    if not rows:
        return None
    held = seed[:, :, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _Part(held, rows[0], columns[0], int(seed.shape[2]), int(seed.shape[3]))


def _through(part: _Part, block: Block, gates: list[torch.Tensor]) -> _Part:
    """To before a block's first convolution; takes its two gates off the end."""
    part = part.through(gates.pop())
    found = part.before(block.second).through(gates.pop()).before(block.first)
    return found if block.shortcut is None else found.plus(part.before(block.shortcut))


def _sums(part: _Part, block: Block, gates: list[torch.Tensor]) -> torch.Tensor:
    """The same for the block beside the tap, summed over all positions."""
    part = part.through(gates.pop())
    found = part.before(block.second).through(gates.pop()).total(block.first)
    return found if block.shortcut is None else found + part.total(block.shortcut)
