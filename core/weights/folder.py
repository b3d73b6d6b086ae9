"""A model's folder, ``weights/<system>/<name>``: what its files are called, and its card, read without any network."""

from __future__ import annotations

from pathlib import Path

from core.errors import ModelUnavailableError
from core.weights.card import ModelCard

WEIGHTS = "weights.safetensors"
CARD = "card.json"


class ModelMissingError(ModelUnavailableError):
    """The model is declared, but its weights or card are not installed."""


class ModelRefusedError(ModelUnavailableError):
    """Weights and card are there, but do not belong together or cannot be read."""


def load_card(folder: Path) -> ModelCard:
    """Read a model's card alone.

    Raises:
        ModelMissingError: there is none.
        ModelRefusedError: it is no valid card.
    """
    try:
        return ModelCard.load(folder / CARD)
    except FileNotFoundError as error:
        raise ModelMissingError(
            f"There is no model card in {folder.parent.name}/{folder.name}.", "Train the model with its recipe."
        ) from error
    except (ValueError, OSError) as error:
        raise refused(folder, f"its card cannot be read ({error})") from error


def refused(folder: Path, reason: str) -> ModelRefusedError:
    """The error for a folder whose files do not fit."""
    return ModelRefusedError(
        f"The model {folder.parent.name}/{folder.name} is refused: {reason}.",
        "Restore the folder as it was exported, or train the model again.",
    )
