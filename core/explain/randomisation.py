"""Does a heat map depend on the network? Cascading randomisation (Adebayo et al., 2018, arXiv:1810.03292).

The network is spoilt from the answer backwards: first the head, then the head and the last stage, then everything. A
map that shows what the network learnt must change; one that stays shows the picture, whatever the network knows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are first used
import torch
from numpy.typing import NDArray
from torch import nn

from core.models.net import OverreadNet

Draw = Callable[[OverreadNet], NDArray[np.float32]]

STEPS = ("the head", "the head and the last stage", "the whole network")
JUDGED = 1  # by the second step, as both are what a map at the tap is made of
SAME = 0.5  # a rank correlation above this is the same map for a reader
REPEATS = 2


@dataclass(frozen=True, eq=False)
class Randomisation:
    """Likeness of a heat map and the maps of ever more spoilt networks, mean over repeats.

    Attributes:
        steps: what was spoilt, from :data:`STEPS`; fewer when time was up.
        correlation: Spearman's rank correlation by step, -1 to 1; 0 where the spoilt network's map is empty.
        similarity: structural similarity by step.
    """

    steps: tuple[str, ...]
    correlation: tuple[float, ...]
    similarity: tuple[float, ...]

    @property
    def passed(self) -> bool | None:
        """True when the map has changed by step :data:`JUDGED`; ``None`` when that step was not reached."""
        return self.correlation[JUDGED] < SAME if len(self.correlation) > JUDGED else None


def randomise(
    net: OverreadNet,
    draw: Draw,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> Randomisation:
    """Compare a network's heat map with those of spoilt copies.

    Args:
        net: left as it is.
        draw: gives a heat map ``(H, W)`` of a network.
        stop: asked before every map; when it returns true the steps that are whole are returned.
    """
    original = draw(net)
    correlations: list[list[float]] = [[] for _ in STEPS]
    similarities: list[list[float]] = [[] for _ in STEPS]
    for step in range(len(STEPS)):
        for repeat in range(repeats):
            if stop():
                break
            changed = draw(spoilt(net, step, seed=seed + repeat))
            correlations[step].append(rank_correlation(original, changed))
            similarities[step].append(likeness(original, changed))
    done = [step for step in range(len(STEPS)) if len(correlations[step]) == repeats]
    return Randomisation(
        tuple(STEPS[step] for step in done),
        tuple(float(np.mean(correlations[step])) for step in done),
        tuple(float(np.mean(similarities[step])) for step in done),
    )


def spoilt(net: OverreadNet, step: int, *, seed: int) -> OverreadNet:
    """A copy of the network with random weights in a step of :data:`STEPS`.

    Weights are drawn from a normal distribution with the mean and spread of the tensor they replace, so that what comes
    out stays finite and in range; biases and norms are shuffled, running statistics stay. All other tensors are shared
    with the original: a copy costs what it changes.
    """
    shared: dict[int, object] = {id(t): t for t in (*net.parameters(), *net.buffers())}
    twin = copy.deepcopy(net, shared)
    generator = torch.Generator().manual_seed(seed)
    modules = [module for name, module in twin.named_modules() if ".backbone." not in f".{name}."]
    stages = twin.stages()
    for group in stages[-1:] if step == 1 else stages if step >= 2 else ():
        modules += [inner for module in group for inner in module.modules()]
    for module in dict.fromkeys(modules):
        for name, weight in list(module.named_parameters(recurse=False)):
            values = _redrawn(weight.detach(), generator)
            module.register_parameter(name, nn.Parameter(values, requires_grad=weight.requires_grad))
    return twin.eval()


def _redrawn(weight: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if weight.numel() == 1:
        return weight.clone()  # a scale: without it nothing would come through, or far too much
    if weight.dim() < 2:
        return weight[torch.randperm(len(weight), generator=generator)]
    return torch.empty_like(weight).normal_(float(weight.mean()), float(weight.std()), generator=generator)


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Spearman's correlation of two maps; 0 when either is constant, since it then says nothing."""
    if np.ptp(first) <= 0 or np.ptp(second) <= 0:
        return 0.0
    return float(scipy.stats.spearmanr(first.ravel(), second.ravel()).statistic)


def likeness(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Structural similarity (Wang et al., 2004) of two maps in [0, 1]."""
    from skimage.metrics import structural_similarity  # here: a second of a start that asks no model

    smallest = min(first.shape)
    window = min(7, smallest if smallest % 2 else smallest - 1)
    return float(structural_similarity(first, second, data_range=1.0, win_size=window))
