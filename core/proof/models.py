"""The models of an installation with their cards, their weights held against the hash on the card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core import places
from core.errors import ProofError
from core.systems.router import FOLDER, RouterCard
from core.weights.card import DataUse, ModelCard
from core.weights.folder import CARD, WEIGHTS, load_card, refused


@dataclass(frozen=True)
class Model:
    """One model with its card.

    Attributes:
        name: ``brain-mr/unet``; the wrong-image gate is ``router``.
        file: of the card.
        installed: its weights are here; a card alone tells what was measured once.
    """

    name: str
    card: ModelCard | RouterCard
    file: Path
    installed: bool

    @property
    def licence(self) -> str:
        """What the card states: the licences of the data it learnt from, and the weights it started from."""
        data = "; ".join(f"trained on {name}: {licence}" for name, licence in sorted(licences(self.card.data)))
        return f"{data}; initial weights: {self.card.training.origin}"


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
    return sorted(found, key=lambda model: model.name)


def _model(name: str, card: ModelCard | RouterCard, file: Path) -> Model:
    weights = file.parent / WEIGHTS
    if weights.is_file() and places.sha256_of(weights) != card.weights_sha256:
        raise refused(file.parent, "the weights are not those the card was written for (SHA-256 differs)")
    return Model(name, card, file, weights.is_file())
