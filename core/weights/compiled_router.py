"""The router's compiled program: made, kept and believed as the models' are (:mod:`core.weights.compiled`).

It takes one plane at a time with every thread there is. A batch of several is hardly faster a plane, and a graph that
takes any number prepares itself anew for each, which costs ten answers; this way an answer depends on no batch at all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from core.models.graph import Graph, compiled_graph, write_graph
from core.models.router_net import RouterNet
from core.weights.compiled import MADE, Made, Side, found_in, in_turns, make_of, sound_in
from core.weights.exported.manifest import probe

PLACE = ("router", "gate")  # in the folder of programs


class RouterProgram(Graph):
    """The network's whole pass. One thread at a time; others wait."""

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """Logits ``(N, kinds)``, float32, of planes ``(N, height, width)`` in [0, 1]."""
        images = np.ascontiguousarray(planes, np.float32)[:, None, None]  # each a batch of one, of one channel
        found = []
        with self._turn:
            for image in images:
                (request,) = self._computed([image])
                found.append(np.array(request.output_tensors[0].data))
        return np.concatenate(found)


class _Router(Side[RouterProgram]):
    def __init__(self, net: RouterNet, digest: str, size: tuple[int, int]) -> None:
        super().__init__(*PLACE, digest)
        self._net, self._size = net, size

    def write(self, folder: Path) -> None:
        write_graph(self._net, torch.zeros(1, 1, *self._size), folder, batch=1, name="the router")

    def read(self, folder: Path) -> RouterProgram:
        return RouterProgram(compiled_graph(folder, lanes=1))

    def apart(self, program: RouterProgram) -> float:
        planes = self._planes()
        with torch.inference_mode():
            wanted = self._net(torch.from_numpy(planes)[:, None]).double().numpy()
        return float(np.nan_to_num(np.abs(program(planes) - wanted), nan=np.inf).max())

    def times(self, program: RouterProgram) -> tuple[float, float]:
        """One plane is asked about: most verdicts are on a single image."""
        plane = self._planes()[:1]
        x = torch.from_numpy(plane)[:, None]
        return in_turns(lambda: self._net(x), lambda: program(plane), 1)

    def _planes(self) -> np.ndarray:
        return (probe(1, *self._size)[:, 0] + 2) / 4  # its waves are in [-2, 2]


def watched(folder: Path) -> Path:
    """The file whose change tells that another program was made."""
    return folder.joinpath(*PLACE, MADE)


def made(digest: str, folder: Path) -> Made | None:
    """What was made for the router of this card with the OpenVINO that is installed; ``None`` where nothing was.

    Args:
        digest: of the router's card. folder: of all programs.
    """
    return found_in(folder.joinpath(*PLACE), digest)


def make(net: RouterNet, digest: str, size: tuple[int, int], folder: Path) -> Made:
    """Compile the router, measure it, and write both down; see :func:`core.weights.compiled.make_of`.

    Args:
        size: height and width of its planes.
    """
    return make_of(_Router(net, digest, size), folder)


def sound(net: RouterNet, digest: str, size: tuple[int, int], folder: Path) -> RouterProgram | None:
    """The program that may answer for the router; see :func:`core.weights.compiled.sound_in`."""
    return sound_in(_Router(net, digest, size), folder)
