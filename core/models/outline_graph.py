"""The heat map of an outline as one graph: decoder, and the way back to the tap, in forward operations only.

A compiler for a processor knows no gradients. Here autograd is asked once, while the network is traced, and what it
does is written down in operations that such a compiler holds: the gradient of a convolution is a convolution, that of
an enlargement a shrinking. The graph computes what :meth:`OverreadNet.outline_map` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx
from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional

from core.models.net import OverreadNet

aten = torch.ops.aten
Rule = Callable[..., Any]


def outline_graph(net: OverreadNet, stages: Sequence[torch.Tensor]) -> fx.GraphModule:
    """Trace the map of a network's mask.

    Args:
        net: a segmenter in evaluation mode, its parameters without gradients.
        stages: float32 maps of one image, as :meth:`OverreadNet.feature_stages` gives them; their sizes are fixed.

    Returns:
        A module that takes the maps, finest first, and returns the raw map ``(1, h, w)`` at the tap's size, not below 0
        and not scaled.

    Raises:
        ValueError: the decoder does something on the way back that is not written down here.
    """

    def drawn(*maps: torch.Tensor) -> torch.Tensor:
        return net.outline_map(maps)

    with torch.inference_mode(False):
        graph = make_fx(drawn, decomposition_table=_rules(stages))(*(one.clone() for one in stages))
    _only_the_wanted_channels(graph)
    return graph


def _rules(stages: Sequence[torch.Tensor]) -> dict[Any, Rule]:
    """How each operation is written down."""
    # Rows of linear enlargement to twice the size, made before the tracing so that they are constants of the graph.
    sides = {int(side) for one in stages for side in one.shape[2:]}
    rows = {side: _enlarging(side) for side in sides}
    table: dict[Any, Rule] = dict(get_decompositions([aten.threshold_backward, aten.hardtanh_backward]))

    def linear_back(grad: Any, output: Any, size: Any, aligned: bool, *_: Any) -> Any:
        if aligned or any(out != 2 * into for out, into in zip(output, size[2:], strict=True)):
            raise ValueError(f"a linear enlargement from {size} to {output}")
        return aten.matmul(aten.matmul(rows[size[2]], grad), rows[size[3]].t())

    table |= {
        aten.convolution_backward.default: _convolution_back,
        aten.upsample_nearest2d_backward.default: _nearest_back,
        aten.upsample_bilinear2d_backward.default: linear_back,
        aten.native_batch_norm.default: _norm,
        aten._native_batch_norm_legit_no_training.default: lambda x, w, b, m, v, _, e: _norm(
            x, w, b, m, v, False, 0, e
        ),
        aten.native_batch_norm_backward.default: _norm_back,
        aten._unsafe_view.default: lambda x, size: aten.view(x, size),
    }
    return table


def _enlarging(side: int) -> torch.Tensor:
    """Row ``i`` holds how much pixel ``i`` of a line gives to each of twice as many."""
    lines = torch.eye(side)[:, None]
    return functional.interpolate(lines, size=2 * side, mode="linear", align_corners=False)[:, 0]


def _convolution_back(
    grad: Any, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
    output_padding: Any, groups: int, mask: Any,
) -> Any:  # fmt: skip
    if transposed or groups != 1 or {*stride, *dilation} != {1}:
        raise ValueError("a convolution with a stride, dilation or groups in the decoder")
    around = [int(side) - 1 - pad for side, pad in zip(weight.shape[2:], padding, strict=True)]
    turned = weight.transpose(0, 1).flip(2, 3)
    return aten.convolution(grad, turned, None, [1, 1], around, [1, 1], False, [0, 0], 1), None, None


def _nearest_back(grad: Any, output: Any, size: Any, *_: Any) -> Any:
    times = output[0] // size[2]
    if [times * side for side in size[2:]] != list(output):
        raise ValueError(f"an enlargement from {size} to {output}")
    return aten.avg_pool2d(grad, [times, times], [times, times]) * times**2


def _norm(x: Any, weight: Any, bias: Any, mean: Any, var: Any, training: bool, _: float, eps: float) -> Any:
    assert not training
    factor, unused = weight * aten.rsqrt(var + eps), x.new_empty(0)
    return x * factor[:, None, None] + (bias - mean * factor)[:, None, None], unused, unused


def _norm_without_training(x: Any, weight: Any, bias: Any, mean: Any, var: Any, momentum: float, eps: float) -> Any:
    return _norm(x, weight, bias, mean, var, False, momentum, eps)


def _norm_back(
    grad: Any, x: Any, weight: Any, mean: Any, var: Any, saved: Any, inverse: Any, training: bool, eps: float, _: Any
) -> Any:
    assert not training
    return grad * (weight * aten.rsqrt(var + eps))[:, None, None], None, None


def _only_the_wanted_channels(graph: fx.GraphModule) -> None:
    """Where a convolution's first channels alone are read (the others belong to finer maps), compute no others."""
    for node in graph.graph.nodes:
        if node.target is not aten.slice.Tensor or not isinstance(node.args[0], fx.Node):
            continue
        made, axis, start, end = (*node.args, *(0, 0, None)[len(node.args) - 1 :])[:4]
        if made.target is not aten.convolution.default or len(made.users) != 1 or axis != 1 or start != 0:
            continue
        weight = made.args[1]
        with graph.graph.inserting_before(made):
            few = graph.graph.call_function(aten.slice.Tensor, (weight, 0, 0, end))
        made.args = (made.args[0], few, *made.args[2:])
        node.replace_all_uses_with(made)
        graph.graph.erase_node(node)
    graph.recompile()
