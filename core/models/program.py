"""A network's whole pass, compiled for this processor by OpenVINO: the answer and the maps it rests on, no gradients.

Everything is computed in float32, as the network itself does; an answer does not depend on the batch it was in beyond
1e-5. A batch is computed in two halves side by side, each on half of the threads: a slice and its mirrored one wait for
each other once, at the end, and not after every layer. A segmenter's program also tells which of its decoder's ReLUs
let through, from which the heat map of its outline is drawn (:mod:`core.models.way_back`). The network stays beside it
for whatever else needs gradients, which begin at the tap.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from core.models.graph import Graph, compiled_graph, write_graph
from core.models.output import Output
from core.models.way_back import Gates

if TYPE_CHECKING:
    from core.models.net import OverreadNet

Pass = tuple[Output, list[torch.Tensor]]
LANES = 2  # halves of a batch: nearly all models are asked about an image and its mirrored one


class Program(Graph):
    """See the module docstring. One thread at a time; others wait.

    Args:
        compiled: OpenVINO's compiled model of :class:`_Whole`.
        stages: how many maps of the backbone it gives. draws_masks: whether it gives a mask, and gates behind the maps.
        lanes: into how many parts a batch is divided, which are computed side by side.
    """

    def __init__(self, compiled: Any, stages: int, *, draws_masks: bool, lanes: int = 1) -> None:
        super().__init__(compiled, lanes=lanes)
        self._stages, self._draws_masks = stages, draws_masks

    def __call__(self, x: torch.Tensor) -> Pass:
        """Answer to ``x`` ``(B, C, H, W)`` and the maps that :meth:`OverreadNet.output_from_stages` needs, tap last."""
        images = np.ascontiguousarray(x.numpy(force=True), np.float32)
        count = 2 + self._draws_masks + self._stages  # outputs that are of every image
        with self._turn:
            used = self._computed(np.array_split(images, min(len(self._requests), len(images))))
            outputs = [request.output_tensors for request in used]
            found = [torch.from_numpy(np.concatenate([one[n].data for one in outputs])) for n in range(count)]
            gates = [torch.from_numpy(np.array(one.data)) for one in outputs[0][count:]]  # of the first image
        spoilt = torch.from_numpy(~np.isfinite(images).all((1, 2, 3)))
        if bool(spoilt.any()):  # where there is no number OpenVINO's ReLU gives 0, and the answer would look like one
            for one in found:
                one[spoilt] = torch.nan
        logits, features, *stages = found
        mask = stages.pop(0) if self._draws_masks else None
        return Output(logits, stages[-1], features, mask_logits=mask, gates=tuple(gates)), stages


class _Whole(nn.Module):
    """What a program holds: logits, features, tap; of a segmenter logits, features, mask, all maps, all gates."""

    def __init__(self, net: OverreadNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        stages = self.net.feature_stages(x)
        with Gates() as relus:
            out = self.net.output_from_stages(stages)
        if out.mask_logits is None:
            return out.logits.float(), out.features.float(), stages[-1]
        gates = relus.open if self.net.walks_back else ()
        return out.logits.float(), out.features.float(), out.mask_logits.float(), *stages, *gates


def write(net: OverreadNet, folder: Path) -> None:
    """Write a network's program into a folder, as :data:`core.models.graph.FILES`.

    Raises:
        ModelUnavailableError: OpenVINO is not installed, or cannot hold this network.
    """
    example = torch.zeros(2, net.channels, *net.size)
    write_graph(_Whole(net).eval(), example, folder, batch=-1, name=net.architecture)


def read(net: OverreadNet, folder: Path) -> Program:
    """Compile a network's program for this processor, for as many threads as PyTorch uses in all lanes together.

    Raises:
        ModelUnavailableError: OpenVINO is not installed, or the files are damaged.
    """
    lanes = min(LANES, torch.get_num_threads())
    stages = len(net.stage_channels) if net.draws_masks else 1
    return Program(compiled_graph(folder, lanes=lanes), stages, draws_masks=net.draws_masks, lanes=lanes)
