"""One review under way: the slice in view first from every model, then the others outwards from it.

The gate is asked before any model. What has been said so far can be read at any time, from any thread; the review at
the end does not depend on the order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

from core.engine.asking import Asking
from core.engine.mask_gate import mask_gated
from core.engine.pair import Pair
from core.engine.pairs import Models, pair_at
from core.engine.results import Flag, GateVerdict, Review, most_suspicious
from core.engine.shelf import Shelf
from core.engine.warn import failures, stand_ins
from core.errors import LimitExceededError
from core.imaging.study import Modality, Series, Study
from core.line import Line, Ticket
from core.memory import GiveWay
from core.systems import adapt, system
from core.systems.declaration import ModelSlot, System
from core.weights.predictions import Stored

Progress = Callable[[str, float], None]
_SEEN_SECONDS = 1.0  # in which a page draws the first answer, where the other models are still to be loaded
_SHOWN_SECONDS = 0.1  # in which a browser then shows it
_LOOK_SECONDS = 0.05  # how often one that waits for its turn looks whether it was stopped, or the reader has moved on


class House(Models, Protocol):
    """What a review needs of :class:`core.engine.engine.Engine`."""

    weights: Path
    shelf: Shelf
    line: Line

    def place(self, stop: Callable[[], bool] | None = None) -> AbstractContextManager[None]:
        """One of the places for work on models; raises when all are taken for long, or when it is stopped."""

    def judged(self, declared: System, series: Series) -> tuple[tuple[Flag, ...], GateVerdict]:
        """What rules and gate say of a series."""


class Course:
    """A review of one series that is made step by step.

    Memory for all masks is taken out before anything is asked; where there is none, the review fails at its beginning
    and not half-way.

    Args:
        first: the slice that every model is asked about first.
        give_way: lets go one thing of who asks, where memory is full.

    Attributes:
        refused: why there is no memory for what the models will draw; :meth:`run` raises it.

    Raises:
        OverreadError: unknown system.
    """

    def __init__(
        self,
        house: House,
        study: Study,
        system_name: str,
        series_index: int,
        first: int = 0,
        give_way: GiveWay | None = None,
    ) -> None:
        self._house, self._study, self._system, self._series_index = house, study, system_name, series_index
        self._declared = system(system_name)
        self._series = adapt(study.series[series_index], self._declared)
        self._asked: list[Asking] = []
        self.refused: LimitExceededError | None = None
        try:
            for slot in self._declared.models:
                self._asked.append(Asking(house.shelf, system_name, slot, self._series, give_way))
        except LimitExceededError as refused:
            self.refused = refused.alone()  # its frames would hold what was taken out
            self._asked.clear()
        self._judged: tuple[tuple[Flag, ...], GateVerdict] | None = None
        self._ticket: Ticket | None = None
        self._pace: tuple[float, int] | None = None  # when the work of this turn began, and how much was done by then
        self._running = threading.Lock()
        self._behind: Callable[[], None] | None = None  # what is done after the first answer
        self._seen = threading.Event()
        self._left = set(range(self._series.slices))
        self._centre = 0
        self.look(first)

    def look(self, index: int) -> None:
        """The reader looks at this slice now: it is the next one to be asked about, then its neighbours."""
        self._centre = min(max(index, 0), self._series.slices - 1)

    def seen(self) -> None:
        """A page has drawn an answer: nothing need be put off any more so that it gets its turn."""
        self._seen.set()

    # how far it is

    @property
    def done(self) -> int:
        """Answers given so far, over all models."""
        return sum(asked.answered for asked in self._asked)

    @property
    def wanted(self) -> int:
        """Answers there will be, over the models that can answer."""
        return sum(asked.answered if asked.ended else self._series.slices for asked in self._asked)

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1."""
        return self.done / self.wanted if self.wanted else 1.0

    @property
    def ahead(self) -> int:
        """How many reviews must end before this one's turn for the slices that nobody looks at."""
        return self._ticket.ahead if self._ticket is not None else 0

    @property
    def seconds_left(self) -> float | None:
        """By the pace so far; ``None`` before there is one, and while others are ahead."""
        if self._pace is None or self.ahead:
            return None
        began, before = self._pace
        made = self.done - before
        return (time.monotonic() - began) / made * (self.wanted - self.done) if made > 0 else None

    # the review

    def run(
        self, *, progress: Progress | None = None, stop: Callable[[], bool] | None = None, shown: bool = False
    ) -> Review:
        """Ask about every slice; one that was stopped goes on where it ended.

        Args:
            progress: called with a model's title and the fraction of its slices done.
            stop: asked between answers; when it returns true the review ends.
            shown: somebody looks meanwhile. Then what the mean rests on is read behind the slice in view, and the
                review does not end before, so that nobody who draws it waits for that.

        Raises:
            EngineBusyError: a full queue, for long, where there is no ``stop``.
            LimitExceededError: :attr:`refused`.
            InterruptedError: stopped.
        """
        if self.refused is not None:
            raise self.refused.alone()
        with self._running:
            with self._house.place(stop):
                if self._judged is None:
                    others = self._load_first()
                    self._judged = self._house.judged(self._declared, self._series)
                    self._behind = partial(self._load_others, others, shown)
                self._pace = time.monotonic(), self.done
                if self._left:
                    self._ask_about(self._next(), progress, stop)
            if shown:
                self._stored.soon()
            with self._house.line.join() as self._ticket, ThreadPoolExecutor(1, "overread-beside") as beside:
                while self._left:
                    index = self._next()
                    if index != self._centre and self._ticket.ahead:
                        self._pace = None
                        if stop is not None and stop():
                            raise InterruptedError
                        self._ticket.wait(_LOOK_SECONDS)
                        continue
                    self._pace = self._pace or (time.monotonic(), self.done)
                    with self._house.place(stop):  # none is held while others have their turn
                        self._ask_about(index, progress, stop, beside if index != self._centre else None)
            if shown:
                self._stored.join()
            return self._review(whole=True)

    def so_far(self) -> Review | None:
        """What has been said so far (:attr:`Review.complete` is false); ``None`` before the gate has spoken."""
        return None if self._judged is None else self._review(whole=False)

    def _load_first(self) -> list[ModelSlot]:
        """The model that answers first is loaded beside the gate. Those behind it, where they are not there yet, would
        take its time, and that of who draws its answer."""
        asked = zip(self._declared.models, self._asked, strict=True)
        able = [slot for slot, one in asked if not one.failed]
        self._house.shelf.load_ahead(self._system, able[:1])
        return [slot for slot in able[1:] if not self._house.shelf.holds(self._system, slot)]

    def _load_others(self, slots: list[ModelSlot], shown: bool) -> None:
        """Load them beside those that answer already; where somebody looks, behind the drawing of the first answer."""
        if slots:
            if shown and self._seen.wait(_SEEN_SECONDS):
                time.sleep(_SHOWN_SECONDS)
            self._house.shelf.load_ahead(self._system, slots)

    def _next(self) -> int:
        """The slice nearest to the one in view; of two as near the later one."""
        return min(self._left, key=lambda index: (abs(index - self._centre), -index))

    def _ask_about(
        self,
        index: int,
        progress: Progress | None,
        stop: Callable[[], bool] | None,
        beside: Executor | None = None,
    ) -> None:
        """Every model about a slice, in their order.

        Args:
            beside: where every other model is asked, beside the one before it: what one does around its pass takes none
                of the time of the other's. Only compiled ones, whose passes share the processors well.
        """
        left = [asked for asked in self._asked if not asked.ended]
        while left:
            if stop is not None and stop():
                raise InterruptedError
            together = left[:2] if beside is not None and all(asked.compiled for asked in left[:2]) else left[:1]
            left = left[len(together) :]
            later = [beside.submit(asked.ask, index) for asked in together[1:]] if beside is not None else []
            made = [together[0].ask(index), *(one.result() for one in later)]
            for asked, new in zip(together, made, strict=True):
                if new and not asked.failed and progress is not None:
                    progress(asked.title, asked.answered / self._series.slices)
            behind, self._behind = self._behind, None
            if behind is not None:
                behind()
        self._left.discard(index)

    def _review(self, *, whole: bool) -> Review:
        assert self._judged is not None
        warnings, gate = self._judged
        results = [asked.so_far() for asked in self._asked]
        by_name = {r.state.name: r for r in results}
        results = [mask_gated(r, by_name) for r in results]
        # of a volume seen from several sides the front answers: the models were trained on that view alone
        peak = 0 if self._series.turned is not None else most_suspicious(results, self._series.slices)
        answered = whole and any(r.finding is not None for r in results)
        return Review(
            study_sha256=self._study.sha256,
            system=self._system,
            series_key=self._series.key,
            results=tuple(results),
            peak=peak,
            warnings=warnings + stand_ins(results) + failures(results),
            gate=gate,
            pair=self._pair(peak, Modality.MR) if answered else None,
            pair_ct=self._pair(peak, Modality.CT) if answered else None,
            stored=self._stored if whole or self._stored.there else {},
        )

    def _pair(self, peak: int, beside: Modality) -> Pair | None:
        return pair_at(self._house, self._study, self._system, self._series_index, peak, beside)

    @cached_property
    def _stored(self) -> Stored:
        return Stored(self._house.weights / self._system, (slot.name for slot in self._declared.models))
