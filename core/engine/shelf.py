"""The installed models: which there are, whether they may answer, and the loaded ones, each once per process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.engine.kept import Kept
from core.engine.results import ModelState, ModelStatus
from core.errors import ModelUnavailableError
from core.models.net import OverreadNet
from core.preprocessing.planes import Planes
from core.systems import ModelSlot
from core.weights import compiled
from core.weights.card import ModelCard
from core.weights.exported.chain import WATCHED, Answerer, answerer, load_link
from core.weights.exported.manifest import Link
from core.weights.folder import ModelMissingError, ModelRefusedError, load_card

Key = tuple[str, str]
Stamp = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model in memory, what it was loaded from, the lock that lets one review at a time use it, and the maps of its
    last answers."""

    net: OverreadNet
    answerer: Answerer
    lock: threading.Lock
    stamp: Stamp
    kept: Kept = field(default_factory=Kept)

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self.answerer.card


class Shelf:
    """Models of one weights folder. A folder whose files change is looked at afresh.

    Args:
        weights: folder with ``<system>/<model>/weights.safetensors`` and ``card.json``; exports beside them stand in
            for weights that are missing or spoilt (:mod:`core.weights.exported.chain`).
        programs: folder with what was compiled for this machine (:mod:`core.weights.compiled`), none by default.

    Attributes:
        planes: slices that were prepared for one of the models, for the others.
    """

    def __init__(self, weights: Path, programs: Path | None = None) -> None:
        self.weights = weights
        self.planes = Planes()
        self._programs = programs
        self._loaded: dict[Key, Loaded] = {}
        self._paths: dict[Key, list[str]] = {}
        self._verdicts: dict[Key, tuple[Stamp, Answerer | ModelUnavailableError]] = {}
        self._turn = threading.Condition()
        self._loading, self._asked = False, 0  # whether a model is being loaded, and how many wait who are asked now
        self._judging = threading.Lock()

    def state(self, system_name: str, slot: ModelSlot) -> ModelState:
        """State of a model; the weights' hash is checked once per version of the files, nothing is loaded."""
        known = ModelState(system_name, slot.name, slot.title, slot.role, ModelStatus.READY)
        verdict = self._verdict((system_name, slot.name))
        if isinstance(verdict, ModelMissingError):
            return replace(known, status=ModelStatus.MISSING, reason=str(verdict))
        if isinstance(verdict, ModelUnavailableError):
            return replace(known, status=ModelStatus.REFUSED, reason=str(verdict))
        return replace(known, card=verdict.card, link=verdict.link, instead=verdict.instead)

    def load(self, system_name: str, slot: ModelSlot) -> Loaded:
        """Load a model once; later calls get the same object.

        Raises:
            ModelUnavailableError: no weights, or weights that do not match their card.
        """
        return self._load((system_name, slot.name), ahead=False)

    def _load(self, key: Key, *, ahead: bool) -> Loaded:
        if (held := self._held(key)) is not None:
            return held  # while another one is being loaded, too
        with self._turn:
            self._asked += not ahead
            try:
                while (held := self._held(key)) is None and (self._loading or (ahead and self._asked)):
                    self._turn.wait()
            finally:
                self._asked -= not ahead
                self._turn.notify_all()  # what is loaded ahead may have waited for this one
            if held is not None:
                return held
            self._loading = True
        try:
            return self._read(key)
        finally:
            with self._turn:
                self._loading = False
                self._turn.notify_all()

    def _read(self, key: Key) -> Loaded:
        stamp = self._stamp(key)
        self._loaded.pop(key, None)
        verdict = self._verdict(key)
        failed: dict[Link, ModelUnavailableError] = {}
        while not isinstance(verdict, ModelUnavailableError):
            try:
                net = load_link(self._folder(key), verdict)
            except ModelUnavailableError as error:
                failed[verdict.link] = error.alone()
                verdict = _next(self._folder(key), verdict.card, failed)
                self._verdicts[key] = (stamp, verdict)
            else:
                if self._programs is not None:
                    compiled.attach(net, verdict.card, self._programs)
                self._loaded[key] = Loaded(net, verdict, threading.Lock(), stamp)
                return self._loaded[key]
        raise verdict.alone()

    def holds(self, system_name: str, slot: ModelSlot) -> bool:
        """Whether a model is loaded, as its files are now."""
        return self._held((system_name, slot.name)) is not None

    def load_ahead(self, system_name: str, slots: Iterable[ModelSlot]) -> None:
        """Load models in the background, in their order; what cannot be loaded is told to whoever asks for it.

        Whoever asks for one of them meanwhile has it as soon as it is there, and one out of that order next.
        """
        wanted = [slot for slot in slots if (system_name, slot.name) not in self._loaded]

        def work() -> None:
            for slot in wanted:
                with suppress(ModelUnavailableError):
                    self._load((system_name, slot.name), ahead=True)

        if wanted:
            threading.Thread(target=work, name="overread-loading", daemon=True).start()

    def _held(self, key: Key) -> Loaded | None:
        held = self._loaded.get(key)
        return held if held is not None and held.stamp == self._stamp(key) else None

    def _folder(self, key: Key) -> Path:
        return self.weights / key[0] / key[1]

    def _stamp(self, key: Key) -> Stamp:
        """Sizes and times of the files: what tells that they are other ones now."""
        found: list[int] = []
        for path in self._watched(key):
            try:
                facts = os.stat(path)
                found += [facts.st_size, facts.st_mtime_ns, facts.st_ino]
            except OSError:
                found += [-1]
        return tuple(found)

    def _watched(self, key: Key) -> list[str]:
        if key not in self._paths:  # put together once: every answer asks
            watched = [self._folder(key) / name for name in WATCHED]
            if self._programs is not None:
                watched.append(self._programs.joinpath(*key, compiled.MADE))  # one that is made meanwhile is taken up
            self._paths[key] = [str(path) for path in watched]
        return self._paths[key]

    def _verdict(self, key: Key) -> Answerer | ModelUnavailableError:
        stamp = self._stamp(key)
        known = self._verdicts.get(key)
        if known is None or known[0] != stamp:
            with self._judging:  # many ask at the start: the files are hashed once, not once for each of them
                known = self._verdicts.get(key)
                if known is None or known[0] != stamp:
                    known = self._verdicts[key] = (stamp, self._judge(key))
        return known[1]

    def _judge(self, key: Key) -> Answerer | ModelUnavailableError:
        folder = self._folder(key)
        try:
            card = load_card(folder)
        except ModelUnavailableError as error:
            return error.alone()
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
        return _next(folder, card, {})


def _next(folder: Path, card: ModelCard, failed: dict[Link, ModelUnavailableError]) -> Answerer | ModelUnavailableError:
    try:
        return answerer(folder, card, failed=failed)
    except ModelUnavailableError as error:
        return error.alone()
