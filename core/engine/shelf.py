"""The installed models: which there are, whether they may answer, and the loaded ones, each once per process."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from core.engine.results import ModelState, ModelStatus
from core.errors import ModelUnavailableError
from core.models.net import OverreadNet
from core.systems import ModelSlot
from core.weights.card import ModelCard
from core.weights.store import CARD, WEIGHTS, ModelMissingError, ModelRefusedError, load_card, load_model

Key = tuple[str, str]
Stamp = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model in memory, with the lock that lets one review at a time use it."""

    net: OverreadNet
    card: ModelCard
    lock: threading.Lock
    stamp: Stamp


class Shelf:
    """Models of one weights folder. A folder whose files change is looked at afresh.

    Args:
        weights: folder with ``<system>/<model>/weights.safetensors`` and ``card.json``.
    """

    def __init__(self, weights: Path) -> None:
        self.weights = weights
        self._loaded: dict[Key, Loaded] = {}
        self._verdicts: dict[Key, tuple[Stamp, ModelCard | ModelUnavailableError]] = {}
        self._loading = threading.Lock()

    def state(self, system_name: str, slot: ModelSlot) -> ModelState:
        """State of a model; the weights' hash is checked once per version of the files, nothing is loaded."""
        known = ModelState(system_name, slot.name, slot.title, slot.role, ModelStatus.READY)
        verdict = self._verdict((system_name, slot.name))
        if isinstance(verdict, ModelMissingError):
            return replace(known, status=ModelStatus.MISSING, reason=str(verdict))
        if isinstance(verdict, ModelUnavailableError):
            return replace(known, status=ModelStatus.REFUSED, reason=str(verdict))
        return replace(known, card=verdict)

    def load(self, system_name: str, slot: ModelSlot) -> Loaded:
        """Load a model once; later calls get the same object.

        Raises:
            ModelUnavailableError: no weights, or weights that do not match their card.
        """
        key = (system_name, slot.name)
        with self._loading:
            stamp = self._stamp(key)
            held = self._loaded.get(key)
            if held is not None and held.stamp == stamp:
                return held
            self._loaded.pop(key, None)
            verdict = self._verdict(key)
            if isinstance(verdict, ModelUnavailableError):
                raise verdict
            try:
                net, card = load_model(self._folder(key))
            except ModelMissingError:
                raise
            except ModelUnavailableError as error:
                self._verdicts[key] = (stamp, error)
                raise
            self._loaded[key] = Loaded(net, card, threading.Lock(), stamp)
            return self._loaded[key]

    def _folder(self, key: Key) -> Path:
        return self.weights / key[0] / key[1]

    def _stamp(self, key: Key) -> Stamp:
        """Sizes and times of the two files: what tells that they are other ones now."""
        found: list[int] = []
        for name in (CARD, WEIGHTS):
            try:
                facts = (self._folder(key) / name).stat()
                found += [facts.st_size, facts.st_mtime_ns, facts.st_ino]
            except OSError:
                found += [-1]
        return tuple(found)

    def _verdict(self, key: Key) -> ModelCard | ModelUnavailableError:
        stamp = self._stamp(key)
        known = self._verdicts.get(key)
        if known is None or known[0] != stamp:
            known = self._verdicts[key] = (stamp, self._judge(key))
        return known[1]

    def _judge(self, key: Key) -> ModelCard | ModelUnavailableError:
        folder = self._folder(key)
        try:
            card = load_card(folder)
            if not (folder / WEIGHTS).is_file():
                raise ModelMissingError("The card is there, the weights are not.", "Train the model with its recipe.")
            with (folder / WEIGHTS).open("rb") as handle:
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
        except ModelUnavailableError as error:
            return error
        except OSError as error:
            return ModelRefusedError(f"The weights of {'/'.join(key)} cannot be read ({error}).", "Install them again.")
        if digest != card.weights_sha256:
            return ModelRefusedError(
                f"The model {'/'.join(key)} is refused: the weights are not those the card was written for "
                "(SHA-256 differs).",
                "Restore the folder as it was exported, or train the model again.",
            )
        if (card.system, card.name) != key:
            return ModelRefusedError(
                f"The card in {'/'.join(key)} belongs to {card.system}/{card.name}.", "Restore the right files."
            )
        if (
            len(set(card.classes)) != len(card.classes)
            or not card.positive
            or not set(card.positive) < set(card.classes)
        ):
            return ModelRefusedError(
                f"The card of {'/'.join(key)} contradicts itself: positive {card.positive} of classes {card.classes}.",
                "Restore the folder as it was exported.",
            )
        return card
