"""One model being asked about a series slice by slice: what it has said so far, and in the end its whole result."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from core import memory
from core.engine.predict import Reading, SlicePrediction, masks_from
from core.engine.results import ModelResult, ModelState, ModelStatus
from core.engine.shelf import Loaded, Shelf
from core.errors import ContractError, ModelUnavailableError, OverreadError
from core.imaging.study import Series
from core.memory import GiveWay
from core.systems import ModelSlot
from core.weights.answers import finding_probability, probabilities

MASK_BYTES = 3  # a pixel of a mask: its probability (float16), and whether it belongs (bool)
NOT_FINITE = "It answered without a finite number. Export the images again, or install its weights anew."


class Asking:
    """One model over one series. Asked by one thread at a time; read by any.

    Args:
        shelf: the installed models. system_name, slot: which model. series: as the system adapts it.
        give_way: lets go one thing of who asks, where the process's memory is full.

    Raises:
        LimitExceededError: there is no memory for the masks it will draw (``MemoryFullError``: now).
    """

    def __init__(
        self, shelf: Shelf, system_name: str, slot: ModelSlot, series: Series, give_way: GiveWay | None = None
    ) -> None:
        self.title = slot.title
        self._shelf, self._system, self._slot, self._series = shelf, system_name, slot, series
        self._state = shelf.state(system_name, slot)
        self._ended = None if self._state.status is ModelStatus.READY else ModelResult(self._state)
        self._loaded: Loaded | None = None
        self._reading: Reading | None = None
        self._said: list[SlicePrediction | None] = [None] * series.slices
        self._masks: tuple[np.ndarray, np.ndarray] | None = None
        self._seconds = 0.0
        self._room = memory.of_process().reserve(self, self._masks_take, give_way)

    @property
    def _masks_take(self) -> int:
        """Bytes of the masks it will draw on the image's grid; twice where another model's "clear" withholds some."""
        card = self._state.card
        if self._ended is not None or card is None or card.role != "segmenter":
            return 0
        return self._series.pixels.size * MASK_BYTES * (2 if card.gate is not None else 1)

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to ask: it is not installed, does not fit, or has answered every slice."""
        return self._ended is not None or self.answered == self._series.slices

    @property
    def failed(self) -> bool:
        """Whether it cannot answer at all."""
        return self._ended is not None

    @property
    def compiled(self) -> bool:
        """Whether a program for this processor answers for it, once it has been asked."""
        return self._loaded is not None and self._loaded.net.program is not None

    @property
    def answered(self) -> int:
        """Slices about which it has been asked."""
        return sum(one is not None for one in self._said)

    def ask(self, index: int) -> bool:
        """Ask about one slice; false where nothing was to be asked. A model that cannot answer ends, and says why."""
        if self._ended is not None or self._said[index] is not None:
            return False
        try:
            if self._loaded is None or self._reading is None:
                self._loaded = self._shelf.load(self._system, self._slot)
                loaded, answers = self._loaded, self._loaded.answerer
                self._reading = Reading(loaded.net, loaded.card, self._series, loaded.kept.keep, self._shelf.planes)
                self._state = replace(
                    self._state,
                    link=answers.link,
                    instead=answers.instead,
                    compiled=self._loaded.net.program is not None,
                )
            with self._loaded.lock:
                started = time.perf_counter()
                said = self._reading.at(index)
                self._seconds += time.perf_counter() - started
        except ModelUnavailableError:
            self._end(self._shelf.state(self._system, self._slot))
        except ContractError as error:
            self._end(replace(self._state, status=ModelStatus.UNFIT, reason=str(error)))
        except OverreadError as error:
            self._end(replace(self._state, status=ModelStatus.FAILED, reason=str(error)))
        else:
            self._keep(index, said)
        return True

    def _end(self, state: ModelState) -> None:
        self._ended = ModelResult(state)
        self._room.release()

    def _keep(self, index: int, said: SlicePrediction) -> None:
        assert self._loaded is not None
        if said.mask_probability is not None:
            if self._masks is None:
                shape = (self._series.slices, *said.mask_probability.shape)
                self._masks = np.zeros(shape, np.float16), np.zeros(shape, bool)
                size = sum(mask.nbytes for mask in self._masks)
                memory.of_process().keep(self._masks, extra=size if self._loaded.card.gate is not None else 0)
                self._room.release()  # counted as what they are, from now until they are gone
            self._masks[0][index] = said.mask_probability
            self._masks[1][index] = masks_from(self._loaded.card, said.mask_probability[None])[0]
        self._said[index] = replace(said, mask_probability=None)  # last: who sees it finds its mask too

    def so_far(self) -> ModelResult:
        """What it has said: NaN, and no mask, on slices that wait (:attr:`ModelResult.waiting`)."""
        said = list(self._said)
        waiting = np.array([one is None for one in said])
        if self._ended is not None:
            return self._ended
        if self._loaded is None or waiting.all():
            return ModelResult(self._state, waiting=waiting)
        card = self._loaded.card
        width = next(len(one.logits) for one in said if one is not None)
        blank = np.full(width, np.nan, np.float32)
        logits = np.stack([blank if one is None else one.logits for one in said])
        calibrated = probabilities(logits, card.temperature)
        state = replace(self._state, card=card)
        if not waiting.any() and not np.isfinite(calibrated).all(1).any():
            return ModelResult(replace(state, status=ModelStatus.FAILED, reason=NOT_FINITE))
        return ModelResult(
            state=state,
            raw=probabilities(logits),
            calibrated=calibrated,
            finding=finding_probability(calibrated, card),
            mask=None if self._masks is None else self._masks[1],
            mask_probability=None if self._masks is None else self._masks[0],
            seconds=self._seconds / int((~waiting).sum()),
            waiting=waiting if waiting.any() else None,
        )
