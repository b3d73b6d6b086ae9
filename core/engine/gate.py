"""The wrong-image gate: rules first, then the learnt router. It stops what a system does not read, and says why."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from core.engine.results import Flag, GateState, GateVerdict
from core.errors import NotFiniteError, OverreadError
from core.imaging.study import Series
from core.systems.catalogue import SYSTEMS
from core.systems.declaration import System
from core.systems.router import CARD, FOLDER, Limit, Router
from core.weights import compiled_router

# Warnings of core.engine.warn that stop an image; the others are told and do not.
STOPPING = frozenset(
    {
        "not-accepted",
        "colour",
        "blank",
        "not-a-crop",
        "looks-like-mask",
        "looks-like-document",
        "odd-shape",
        "noise",
        "cut-up",
        "not-finite",
    }
)
PATIENCE = 3.0  # seconds behind a verdict after which the router's program is read: its answer has the processors first
Stamp = tuple[int, ...]


class Gate:
    """The gate over one weights folder. Without an installed router the rules stand alone, and the verdict says so.

    The router answers by PyTorch at first. Reading its program takes as long as twenty answers, so that is done in the
    background, behind the first verdict, and again behind the first one that finds another program made.

    Args:
        weights: folder with ``router/``.
        programs: folder with what was compiled for this machine (:mod:`core.weights.compiled_router`), none by default.
    """

    def __init__(self, weights: Path, programs: Path | None = None) -> None:
        self._folder, self._programs = weights / FOLDER, programs
        self._watched = (str(self._folder / CARD), str(compiled_router.watched(programs)) if programs else "")
        self._lock = threading.Lock()
        self._held: tuple[Stamp, Router | OverreadError] | None = None
        self._program: tuple[Router, Stamp] | None = None  # for whom which program was looked at, or is about to be

    def router(self) -> Router | None:
        """The router, loaded once for each version of its card; ``None`` when there is none that may be used."""
        found = self._load()
        return found if isinstance(found, Router) else None

    def verdict(self, declared: System, series: Series, warnings: Sequence[Flag]) -> GateVerdict:
        """Judge a series for a system.

        Args:
            declared: the system that would read it.
            series: as the system would read it.
            warnings: what the rules found (:func:`core.engine.warn.series_warnings`).
        """
        reasons = tuple(flag for flag in warnings if flag.kind in STOPPING)
        found = self._load()
        if isinstance(found, Router):
            self._expect_program(found)
        limit = found.card.systems.get(declared.name) if isinstance(found, Router) else None
        if not isinstance(found, Router) or limit is None:
            why = str(found) if isinstance(found, OverreadError) else f"The router does not know {declared.title}."
            return GateVerdict(_state(reasons), reasons, unchecked=why)
        try:
            answer = found.answer(series, only=declared.name, also=_kindred(declared) if series.sequences else ())
        except NotFiniteError as error:
            reasons = (*(r for r in reasons if r.kind != "not-finite"), Flag("not-finite", str(error)))
            return GateVerdict(GateState.STOPPED, reasons, unchecked=str(error))
        except OverreadError as error:
            return GateVerdict(_state(reasons), reasons, unchecked=str(error))
        strange = answer.strange[declared.name]
        if not strange <= 0:  # what is no number has not passed
            reasons = (*reasons, Flag("unlike-training", _unlike(declared, limit, answer.kind, answer.probability)))
        return GateVerdict(
            _state(reasons),
            reasons,
            kind=answer.kind,
            probability=answer.probability,
            strange=strange,
            own=limit.kinds,
            version=found.card.version,
            evidence=_evidence(limit),
        )

    def foresee(self, several: Sequence[Series]) -> None:
        """Have the router look at single images together that are to be judged next."""
        router = self.router()
        if router is not None:
            router.foresee(several)

    def _load(self) -> Router | OverreadError:
        stamp = _stamp(self._watched[0])
        with self._lock:
            if self._held is None or self._held[0] != stamp:
                try:
                    self._held = stamp, Router(self._folder)
                except OverreadError as error:
                    self._held = stamp, error.alone()
            return self._held[1]

    def _expect_program(self, router: Router) -> None:
        """Have the router's program read soon, unless the one that is there was."""
        if self._programs is None:
            return
        wanted = router, _stamp(self._watched[1])
        with self._lock:
            if self._program == wanted:
                return
            self._program = wanted
        if wanted[1]:
            later = threading.Timer(PATIENCE, self._take_up, (wanted,))
            later.name, later.daemon = "overread-loading-gate-program", True
            later.start()
        else:
            router.program = None  # there is none, or no more

    def _take_up(self, wanted: tuple[Router, Stamp]) -> None:
        if self._program == wanted and self._programs is not None:  # nothing newer is on its way
            wanted[0].attach(self._programs)


def _stamp(path: str) -> Stamp:
    """Size, time and number of a file: what tells that it is another one now; nothing where there is none."""
    try:
        facts = os.stat(path)
    except OSError:
        return ()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def _kindred(declared: System) -> tuple[str, ...]:
    """Kinds of image of the same organ and modality: one of them is what a mix of several sequences may look like.

    That it is a mix, and so none of the others, was told by its channels.
    """
    if not declared.reads_sequences:
        return ()
    near = (
        s for s in SYSTEMS.values() if s.modalities & declared.modalities and {*s.body_parts} & {*declared.body_parts}
    )
    return tuple(kind.kind for system in near for kind in system.scans)


def _state(reasons: Sequence[Flag]) -> GateState:
    return GateState.STOPPED if reasons else GateState.PASSED


def _unlike(declared: System, limit: Limit, kind: str, probability: float) -> str:
    wanted = " or ".join(limit.kinds)
    if kind in limit.kinds:
        return f"It resembles a {kind}, but differs from all that {declared.title} was trained on."
    seen = "no kind of scan that Overread reads" if kind == "other" else f"a {kind}"
    return f"It looks like {seen} ({probability:.0%} sure); {declared.title} reads a {wanted}."


def _evidence(limit: Limit) -> str:
    stopped, auroc = limit.metrics.get("good_stopped"), limit.metrics.get("auroc")
    if stopped is None or auroc is None:
        return ""
    interval = f" ({auroc.low:.3f} to {auroc.high:.3f})" if auroc.low is not None and auroc.high is not None else ""
    return (
        f"on unseen patients it stops {stopped.value:.1%} of {stopped.n} good scans ({stopped.groups} groups); "
        f"AUROC against wrong images {auroc.value:.3f}{interval}"
    )
