"""LayerCAM (Jiang et al., 2021) and EigenCAM (Muhammad and Yeasin, 2020) from what an answer left.

EigenCAM asks the tap alone for the direction in which its positions differ most; LayerCAM weighs every channel at every
position by the gradient there, as far as it is positive. So neither needs a pass where the image was just answered:
behind a linear head that gradient is its weight, the gradient of an outline is walked back through the decoder
(:mod:`core.models.way_back`), and any other is followed from the answer to the tap and no further. By pytorch-grad-cam
each map costs a pass of the whole network, all singular vectors where one is asked for, and once in a process the
import of the library with all that it brings, a second in which a fresh server's first review waits. What is computed
is the library's, step by step, so that maps compare with those of the field.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from core.explain.gradcam import Target, explain, linear_means, scale_maps, target_score
from core.models.heads import gradient, weighted
from core.models.net import OverreadNet
from core.models.output import Trace

METHODS = ("layercam", "eigencam")


def needs_gradients(net: OverreadNet, target: Target, method: str) -> bool:
    """Whether a map can only be drawn by a network whose answer can be followed back."""
    linear = method in ("grad-cam", "layercam") and target != "mask" and net.linear_weight is not None
    return method != "eigencam" and not linear


def tap_map(
    net: OverreadNet, x: torch.Tensor, target: Target, method: str, trace: Trace | None = None
) -> NDArray[np.float32]:
    """Heat maps at the input's size by one of :data:`METHODS`.

    Args:
        net: the network, in evaluation mode.
        x: ``(B, C, H, W)``.
        target: as for :func:`core.explain.gradcam.grad_cam`; ``eigencam`` knows none.
        trace: what an answer about these very images left; without one there is a pass.

    Returns:
        float32 ``(B, H, W)`` in [0, 1], each map scaled by itself; not finite where the tap is not.

    Raises:
        ValueError: no such class or mask.
    """
    size = (int(x.shape[2]), int(x.shape[3]))
    if method == "eigencam":
        return scale_maps(eigen_cam(_tap(net, x, trace)), size)
    return scale_maps(_layer_cam(net, x, target, trace), size)


def eigen_cam(tap: torch.Tensor) -> torch.Tensor:
    """Raw EigenCAM ``(B, h, w)`` of a tap ``(B, C, h, w)``, not below 0, not scaled.

    Every image's positions are projected on the first right singular vector of its centred tap. That vector's sign is
    free, and LAPACK's: the map marks one side of the direction, which of both follows from the steps of the
    decomposition. They are the library's, in the same order and on the same numbers; only the vectors that belong to
    no singular value, of which it asks for all, are left out.
    """
    return torch.from_numpy(np.stack([_projection(one) for one in tap.detach().float().numpy(force=True)])).relu()


def _projection(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    positions = channels.reshape(len(channels), -1).T
    if not np.isfinite(positions).all():  # there is no decomposition, and no map to make up
        return np.full(channels.shape[1:], np.nan, np.float32)
    positions = positions - positions.mean(axis=0)
    direction = np.linalg.svd(positions, full_matrices=False)[2][0]
    return (positions @ direction).reshape(channels.shape[1:])


def _layer_cam(net: OverreadNet, x: torch.Tensor, target: Target, trace: Trace | None) -> torch.Tensor:
    """Raw LayerCAM ``(B, h, w)``, not below 0, not scaled."""
    if target == "mask":
        trace = net.trace(x) if trace is None else trace
        return _layered(net.outline_gradient(trace), trace.stages[-1])
    if net.linear_weight is not None:
        tap = _tap(net, x, trace)
        return weighted(linear_means(tap, target, net.linear_weight).relu(), tap)
    output = explain(net, x, trace)
    return _layered(gradient(target_score(output, target), output.tap), output.tap)


def _layered(gradients: torch.Tensor, tap: torch.Tensor) -> torch.Tensor:
    return torch.einsum("bchw,bchw->bhw", gradients.relu(), tap.detach().float()).relu()


def _tap(net: OverreadNet, x: torch.Tensor, trace: Trace | None) -> torch.Tensor:
    return net.maps(x)[-1] if trace is None else trace.stages[-1]
