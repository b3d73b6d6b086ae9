"""How steady an answer is: the same slice changed a little in ways that change nothing for a reader, asked again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F

from core.engine.predict import answered, around, mean_along
from core.errors import OverreadError
from core.imaging.study import Series
from core.imaging.turning import Side
from core.models.members import Members
from core.models.net import OverreadNet
from core.preprocessing.prepare import prepare
from core.weights.answers import finding_probability, probabilities
from core.weights.card import ModelCard

SHIFT, ZOOM, GAIN = 0.03, 0.05, 0.1  # of the side, of the size, of the spread about the mean
WIDE = 0.2  # probabilities further apart than this are called unsteady, whatever the decision


class SpreadError(OverreadError):
    """A spread that cannot be told, since the network answered without a number."""


@dataclass(frozen=True, eq=False)
class Spread:
    """What one model says about small changes of one slice.

    Attributes:
        model, title: which model.
        variants: names of the changes, the unchanged slice first.
        finding: ``(variants,)`` calibrated probability of a finding of each.
        threshold: the model's operating point.
        sides: of a projection made from a volume, names of the views beside it.
        beside: ``(sides,)`` probability of each of those.
    """

    model: str
    title: str
    variants: tuple[str, ...]
    finding: np.ndarray
    threshold: float
    sides: tuple[str, ...] = ()
    beside: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def low(self) -> float:
        """Lowest probability."""
        return float(self.finding.min())

    @property
    def high(self) -> float:
        """Highest probability."""
        return float(self.finding.max())

    @property
    def flips(self) -> bool:
        """Whether a small change moves the answer across the threshold."""
        return self.low < self.threshold <= self.high

    @property
    def steady(self) -> bool:
        """Whether neither the answer nor the probability moves much."""
        return not self.flips and self.high - self.low <= WIDE


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Spread of every model that answered on one slice.

    Attributes:
        spreads: one per model.
        failed: by model title, why there is no spread.
    """

    slice_index: int
    spreads: tuple[Spread, ...]
    failed: tuple[tuple[str, str], ...] = ()


def _moved(x: torch.Tensor, *, across: float = 0.0, down: float = 0.0, size: float = 1.0) -> torch.Tensor:
    """Shift by a share of the side and magnify by ``size``; what comes in from outside repeats the edge."""
    theta = torch.tensor([[[1 / size, 0.0, -2 * across / size], [0.0, 1 / size, -2 * down / size]]], dtype=x.dtype)
    grid = F.affine_grid(theta.repeat(x.shape[0], 1, 1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _gained(x: torch.Tensor, factor: float) -> torch.Tensor:
    mean = x.mean((1, 2, 3), keepdim=True)
    return (x - mean) * factor + mean


VARIANTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "as it is": lambda x: x,
    "mirrored": lambda x: x.flip(-1),
    "shifted right and down": lambda x: _moved(x, across=SHIFT, down=SHIFT),
    "shifted left and up": lambda x: _moved(x, across=-SHIFT, down=-SHIFT),
    "enlarged": lambda x: _moved(x, size=1 + ZOOM),
    "shrunk": lambda x: _moved(x, size=1 - ZOOM),
    "more contrast": lambda x: _gained(x, 1 + GAIN),
    "less contrast": lambda x: _gained(x, 1 - GAIN),
}


def spread(net: OverreadNet, card: ModelCard, series: Series, index: int, sides: Sequence[Side] = ()) -> Spread:
    """Ask a model about every variant of one slice: one pass each, more where mirrored or other slices are averaged.

    A model of several members is also asked member by member, and about the views beside a projection.

    The first probability is the model's answer itself.

    Raises:
        ContractError: the series does not fit the model.
        SpreadError: a probability that is not finite.
    """
    places = around(series, index, card.along)

    def asked(which: OverreadNet, images: list[torch.Tensor], own: int = places.index(index)) -> np.ndarray:
        """The answer to the image in place ``own`` of these, which are a slice and those beside it."""
        return mean_along(np.stack([answered(which, card, image)[0][0].numpy() for image in images]), own)

    logits = []
    with torch.inference_mode():
        images = [prepare(series, card.contract, [near]) for near in places]
        # an examination is turned or brightened as a whole: the slices beside it with it
        logits += [asked(net, [change(image) for image in images]) for change in VARIANTS.values()]
        names = list(VARIANTS)
        for number, member in enumerate(net if isinstance(net, Members) else ()):
            logits.append(asked(member, images))
            names.append(f"network {number + 1} of {card.members} alone")
        for side in sides:
            view = prepare(side.series, card.contract, [side.index])
            logits.append(asked(net, [view.flip(-1) if side.mirrored else view], own=0))
    finding = finding_probability(probabilities(np.stack(logits), card.temperature), card)
    if not np.isfinite(finding).all():
        raise SpreadError("The model answered without a number.", "Look at its answer with care.")
    told, named = len(names), tuple(side.name for side in sides)
    return Spread(
        card.name, card.title, tuple(names), finding[:told], card.threshold.value, sides=named, beside=finding[told:]
    )
