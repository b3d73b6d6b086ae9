"""Depthwise convolutions whose gradients do not take ten times as long as their answers.

On a processor, PyTorch's oneDNN computes two of these gradients by slow general code: that of the input of a strided
depthwise convolution, and that of a 5x5 depthwise kernel. Both are sums that its fast code can do when asked
otherwise: the first as an unstrided convolution of the gradient with zeros between its values, the second as four 3x3
kernels that overlap in the middle. EfficientNet-Lite trains twice as fast so. Numbers are the same up to rounding.
"""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import Conv2dSame
from timm.layers.padding import pad_same
from torch import nn
from torch.nn import functional

_BACKWARD = torch.ops.aten.convolution_backward
_FIVE = 5


class _Depthwise(torch.autograd.Function):
    """Unpadded depthwise convolution of ``(B, C, H, W)`` with ``(C, 1, k, k)``, k 3 or 5, one stride both ways."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, stride: int) -> torch.Tensor:
        """The convolution."""
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return functional.conv2d(x, weight, stride=stride, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None, None]:
        """Gradients of the input and of the kernel."""
        x, weight = ctx.saved_tensors
        of_x = _of_input(x, weight, grads[0], ctx.stride) if ctx.needs_input_grad[0] else None
        of_weight = _of_kernel(x, weight, grads[0], ctx.stride) if ctx.needs_input_grad[1] else None
        return of_x, of_weight, None


def _of_input(x: torch.Tensor, weight: torch.Tensor, grad: torch.Tensor, stride: int) -> torch.Tensor:
    batch, channels, height, width = x.shape
    k = weight.shape[-1]
    spread = grad
    if stride > 1:
        size = [(side - 1) * stride + 1 for side in grad.shape[-2:]]
        spread = torch.zeros(batch, channels, *size, dtype=grad.dtype).to(memory_format=torch.channels_last)
        spread[:, :, ::stride, ::stride] = grad
    out = functional.conv2d(spread, weight.flip(2, 3), padding=k - 1, groups=channels)
    # rows that no window reached
    below, right = height - out.shape[2], width - out.shape[3]
    return functional.pad(out, (0, right, 0, below)) if below or right else out


def _of_kernel(x: torch.Tensor, weight: torch.Tensor, grad: torch.Tensor, stride: int) -> torch.Tensor:
    if weight.shape[-1] != _FIVE:
        return _kernel_gradient(x, weight, grad, stride)
    rows, columns = ((side - 1) * stride + 3 for side in grad.shape[-2:])
    out = torch.empty_like(weight)
    for down in (0, 2):
        for across in (0, 2):
            part = x[:, :, down : down + rows, across : across + columns].contiguous(memory_format=torch.channels_last)
            small = weight[:, :, down : down + 3, across : across + 3].contiguous()
            out[:, :, down : down + 3, across : across + 3] = _kernel_gradient(part, small, grad, stride)
    return out


def _kernel_gradient(x: torch.Tensor, weight: torch.Tensor, grad: torch.Tensor, stride: int) -> torch.Tensor:
    channels, mask = x.shape[1], (False, True, False)
    args = (None, (stride, stride), (0, 0), (1, 1), False, (0, 0), channels, mask)
    found: torch.Tensor = _BACKWARD(grad, x, weight, *args)[1]
    return found


class QuickDepthwise(nn.Conv2d):
    """A depthwise convolution with quick gradients; made of a plain one by :func:`quicken`."""

    same: bool

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """As the convolution it replaces."""
        pad = int(self.padding[0])
        if self.same:
            x = pad_same(input, list(self.kernel_size), list(self.stride))  # type: ignore[arg-type]
        else:
            x = functional.pad(input, (pad, pad, pad, pad))
        weight = self.weight
        if torch.is_autocast_enabled("cpu"):
            kind = torch.get_autocast_dtype("cpu")
            x, weight = x.to(kind), weight.to(kind)
        out: torch.Tensor = _Depthwise.apply(x, weight, self.stride[0])
        return out


def quicken(net: nn.Module) -> int:
    """Give a network's depthwise convolutions quick gradients on a processor, in place; weights and names stay.

    Returns:
        how many were changed.
    """
    changed = 0
    for module in net.modules():
        plain = type(module) in (nn.Conv2d, Conv2dSame)
        if not plain or not isinstance(module, nn.Conv2d) or module.bias is not None or isinstance(module.padding, str):
            continue
        deep = 1 < module.groups == module.in_channels == module.out_channels
        if deep and module.kernel_size in ((3, 3), (5, 5)) and module.dilation == (1, 1):
            same = type(module) is Conv2dSame
            module.__class__ = QuickDepthwise
            module.same = same  # type: ignore[assignment]
            changed += 1
    return changed
