"""Single images that will be asked about next, answered together: a network's weights are read once for all of them.

What a model says of an image in such a pass lies within 1e-5 of what it says of it alone, and is taken for it. Where
that could decide (a probability that close to the threshold, or no number at all), it is not: the image is asked alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch

from core.engine.shelf import Loaded
from core.errors import OverreadError
from core.imaging.study import Series
from core.models.foreseen import Foreseen
from core.preprocessing.planes import Planes
from core.preprocessing.prepare import prepare
from core.weights.answers import finding_probability, probabilities
from core.weights.card import ModelCard

NEAR = 1e-4  # of a probability from the threshold: ten times what a pass may change


def alone(series: Series) -> bool:
    """Whether a series is one image, not one of a stack or of a volume's views."""
    return series.slices == 1 and series.turned is None


def foresee(loaded: Loaded, several: Sequence[Series], planes: Planes | None = None) -> None:
    """Have a classifier answer about single images in one pass; its next pass over each of them takes that.

    Args:
        several: as the system adapts them; those that do not fit the model are left out.
        planes: keeps what is prepared for whoever looks at the images next.
    """
    net, card = loaded.net, loaded.card
    if net.draws_masks:  # what its heat map rests on is told for one image at a time
        return
    mirrored = "horizontal" in card.test_time_flips
    inputs: list[torch.Tensor] = []
    for series in several:
        try:
            x = prepare(series, card.contract, [0], planes=planes)
        except OverreadError:
            continue
        if bool(torch.isfinite(x).all()):
            inputs.append(torch.cat([x, x.flip(-1)]) if mirrored else x)
    if len(inputs) < 2:
        return
    # a compiled program has a turn of its own, so that what was foreseen can be taken meanwhile
    with torch.inference_mode(), loaded.lock if net.program is None else nullcontext():
        out, stages = net.run_with_stages(torch.cat(inputs))
    each = len(inputs[0])
    sure = _sure(out.logits.float().reshape(len(inputs), each, -1).mean(1), card)
    if net.foreseen is None:
        net.foreseen = Foreseen()
    for place, x in enumerate(inputs):
        if sure[place]:
            own = slice(place * each, (place + 1) * each)
            net.foreseen.put(x, out.part(own), [one[own] for one in stages])


def _sure(logits: torch.Tensor, card: ModelCard) -> list[bool]:
    finding = finding_probability(probabilities(logits.numpy(), card.temperature), card)
    return [bool(abs(float(one) - card.threshold.value) > NEAR) for one in finding]  # false of what is no number
