"""The engine: models loaded once per process, one lock per model, a bounded queue in front."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch

from core.engine import ahead
from core.engine.course import Course, Progress
from core.engine.gate import Gate
from core.engine.heat_rules import in_body
from core.engine.pairs import rule_for
from core.engine.places import Places
from core.engine.results import Flag, GateVerdict, HeatMap, ModelState, ModelStatus, Review
from core.engine.shared_runs import SharedRuns
from core.engine.shelf import Loaded, Shelf
from core.engine.uncertainty import Spread, Uncertainty, spread
from core.engine.warn import series_warnings
from core.errors import ContractError, ModelUnavailableError, OverreadError
from core.explain import tap_maps
from core.explain.attention import spatial_attention
from core.explain.gradcam import Target, explain, grad_cam, outline_cam
from core.explain.methods import METHODS
from core.explain.methods import heat_map as library_map
from core.imaging.study import Modality, Series, Study
from core.imaging.turning import sides_of
from core.line import Line
from core.memory import GiveWay
from core.models.net import OverreadNet
from core.models.output import Trace
from core.preprocessing.prepare import fit_of, prepare
from core.settings import settings
from core.systems import SYSTEMS, Match, ModelSlot, System, accepts, adapt, match, system
from core.weights.fusion import FUSION

FROM_TAP = ("grad-cam", "attention", *tap_maps.METHODS)  # heat maps that need no pass through the network of their own
SIDE_BY_SIDE = 2  # whole series at once; the slice that a reader looks at needs no turn


class Engine:
    """Runs systems on studies. One instance serves all sessions of a process.

    Args:
        weights: folder with ``<system>/<model>/weights.safetensors`` and ``card.json``.
        queue: how many answers and heat maps may be made at once.
        patience: seconds that what nobody can stop waits for its place.
        programs: folder with models compiled for this machine (:mod:`core.weights.compiled`); by default the one of
            the settings.
    """

    def __init__(self, weights: Path, *, queue: int = 16, patience: float = 30.0, programs: Path | None = None) -> None:
        self.weights = weights
        programs = settings().programs if programs is None else programs
        self.shelf = Shelf(weights, programs)
        self._places = Places(queue, patience)
        self._gate = Gate(weights, programs)
        self.line = Line(SIDE_BY_SIDE)
        self.runs = SharedRuns(self)

    # models

    def states(self, system_name: str | None = None) -> tuple[ModelState, ...]:
        """State of every model of one system, or of all; files are checked, no weights are loaded."""
        names = [system_name] if system_name else list(SYSTEMS)
        return tuple(self.shelf.state(name, slot) for name in names for slot in system(name).models)

    def loaded(self, system_name: str, model: str) -> Loaded:
        """A model with its lock, for whoever runs passes of their own (heat-map checks).

        Raises:
            ModelUnavailableError: no such model, no weights, or weights that do not match their card.
        """
        return self.shelf.load(system_name, _slot(system_name, model))

    def expect(self, system_name: str) -> None:
        """Load in the background what the first answer of a system rests on: the gate, and the first model."""
        declared = system(system_name)
        threading.Thread(target=self._gate.router, name="overread-loading-gate", daemon=True).start()
        ready = [slot for slot in declared.models if self.shelf.state(system_name, slot).status is ModelStatus.READY]
        self.shelf.load_ahead(system_name, ready[:1])

    def place(self, stop: Callable[[], bool] | None = None) -> AbstractContextManager[None]:
        """One of the places for work on models, for as long as a block lasts.

        Args:
            stop: asked while it is waited for.

        Raises:
            EngineBusyError: none became free in time; never where there is a ``stop``.
            InterruptedError: stopped.
        """
        return self._places.one(stop)

    # answers

    def review(
        self,
        study: Study,
        system_name: str,
        series_index: int = 0,
        *,
        progress: Progress | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Review:
        """Ask every model of a system about every slice of a series.

        Args:
            study: the upload.
            system_name: which system.
            series_index: which series of the study.
            progress: called with a model's title and the fraction of its slices done.
            stop: asked between slices; when it returns true the review ends.

        Raises:
            OverreadError: unknown system, a full queue.
            InterruptedError: stopped.
        """
        return self.course(study, system_name, series_index).run(progress=progress, stop=stop)

    def course(
        self,
        study: Study,
        system_name: str,
        series_index: int = 0,
        *,
        first: int = 0,
        give_way: GiveWay | None = None,
    ) -> Course:
        """A review that can be looked at while it is under way: :meth:`Course.run` makes it.

        Args:
            first: the slice that every model is asked about first.
            give_way: lets go one thing of who asks, where memory is full.

        Raises:
            OverreadError: unknown system.
        """
        return Course(self, study, system_name, series_index, first, give_way)

    def fingerprint(self, system_name: str) -> str:
        """Hash over all that decides the answers of a system: its models, the gate, the rule for two modalities."""
        router = self._gate.router()
        decides = [f"{s.name} {s.status} {s.card.digest if s.card else s.reason}" for s in self.states(system_name)]
        decides += [router.card.digest if router else "", *(self._rule(system_name, beside) for beside in FUSION)]
        return hashlib.sha256("\n".join(decides).encode()).hexdigest()

    def _rule(self, system_name: str, beside: Modality) -> str:
        try:
            rule = rule_for(self, system_name, beside)
        except ModelUnavailableError:
            return ""
        return rule.digest if rule else ""

    def verdict(self, system_name: str, series: Series) -> GateVerdict:
        """Whether a series is one that the system reads, without asking any of its models."""
        declared = system(system_name)
        return self.judged(declared, adapt(series, declared))[1]

    def judged(self, declared: System, series: Series) -> tuple[tuple[Flag, ...], GateVerdict]:
        """What the rules say of a series as the system adapts it, and the gate's verdict; no model is asked."""
        warnings = series_warnings(declared, series, accepts(declared, series))
        return warnings, self._gate.verdict(declared, series, warnings)

    def match(self, study: Study) -> Match:
        """Which system fits a study: by tags, and where there are none by what the router sees."""
        return match(study, self._gate.router())

    def uncertainty(self, study: Study, system_name: str, series_index: int, slice_index: int) -> Uncertainty:
        """How steady every model's answer on one slice is; a model whose spread fails is named with the reason.

        Raises:
            OverreadError: unknown system, a full queue.
        """
        series = adapt(study.series[series_index], system(system_name))
        sides = sides_of(study, series_index, slice_index)
        spreads: list[Spread] = []
        failed: list[tuple[str, str]] = []
        with self.place():
            for slot in system(system_name).models:
                if self.shelf.state(system_name, slot).status is not ModelStatus.READY:
                    continue
                try:
                    loaded = self.shelf.load(system_name, slot)
                    with loaded.lock:
                        spreads.append(spread(loaded.net, loaded.card, series, slice_index, sides))
                except OverreadError as error:
                    failed.append((slot.title, str(error)))
        return Uncertainty(slice_index, tuple(spreads), tuple(failed))

    def foresee(self, studies: Sequence[tuple[Study, int]], system_name: str) -> None:
        """Have gate and models look at single images together that are to be reviewed next, one by one.

        Reviews are the same, sooner. What cannot be asked so (stacks, outlines, a full queue) is left to them.

        Args:
            studies: each with the number of its series.
        """
        declared = system(system_name)
        try:
            several = [adapt(study.series[index], declared) for study, index in studies]
            several = [series for series in several if ahead.alone(series)]
            with self.place():
                self._gate.foresee(several)
                for slot in declared.models:
                    if self.shelf.state(system_name, slot).status is ModelStatus.READY:
                        ahead.foresee(self.shelf.load(system_name, slot), several, self.shelf.planes)
        except OverreadError:
            return

    def heat_map(
        self,
        study: Study,
        system_name: str,
        series_index: int,
        model: str,
        slice_index: int,
        *,
        target: str | None = None,
        method: str = "grad-cam",
    ) -> HeatMap:
        """Where a model looked on one slice.

        Args:
            target: class to explain; the first positive class by default.
            method: one of :data:`core.explain.methods.METHODS` or ``attention`` (the network's own, where it has one);
                one forward pass, none where the slice was just answered and the method is one of :data:`FROM_TAP`.

        Returns:
            The map, or one whose ``error`` says why there is none; never a substitute.
        """
        declared = system(system_name)
        slot = _slot(system_name, model)
        started = time.perf_counter()
        series = adapt(study.series[series_index], declared)
        shown = target or declared.positive[0]
        try:
            if not 0 <= slice_index < series.slices:
                raise ContractError(f"There is no slice {slice_index} among {series.slices}.", "Choose one of them.")
            loaded = self.shelf.load(system_name, slot)
            shown = target or loaded.card.positive[0]
            if shown not in loaded.card.classes:
                raise ModelUnavailableError(f"{slot.title} has no class {shown!r}.", "Choose one of its classes.")
            with self.place(), loaded.lock:
                x = prepare(series, loaded.card.contract, [slice_index], planes=self.shelf.planes)
                held = loaded.kept.of(x) if method in FROM_TAP else None
                values, peak = map_of(loaded.net, x, target_of(loaded, shown), method, held)
        except OverreadError as error:
            return HeatMap(model, slice_index, shown, method, None, error=str(error))
        if not (np.isfinite(values).all() and np.isfinite(peak)):
            why = "The map is not made of finite numbers."
            return HeatMap(model, slice_index, shown, method, None, error=why)
        fit = fit_of(series, slice_index, loaded.card.contract, self.shelf.planes)
        on_image = np.clip(fit.back(values), 0.0, 1.0)
        on_image = in_body(on_image, series, slice_index)
        return HeatMap(model, slice_index, shown, method, on_image, peak, time.perf_counter() - started)


def _slot(system_name: str, model: str) -> ModelSlot:
    declared = system(system_name)
    slot = next((s for s in declared.models if s.name == model), None)
    if slot is None:
        raise ModelUnavailableError(f"{declared.title} has no model {model!r}.", "Choose one of its models.")
    return slot


def target_of(loaded: Loaded, class_name: str) -> Target:
    """What a heat map for a class explains: the class's logit, or the outline of a segmenter's finding.

    A segmenter is asked what drives its outline: on validation patients the map of its image logit never peaked in the
    tumour (0 of 24 slices), the map of its outline in 10 of 24.
    """
    if loaded.net.draws_masks and class_name in loaded.card.positive:
        return "mask"
    return loaded.card.classes.index(class_name)


def map_of(
    net: OverreadNet, x: torch.Tensor, target: Target, method: str, trace: Trace | None = None
) -> tuple[np.ndarray, float]:
    """Map at input size, and its largest value before scaling to [0, 1] (1 where the method does not tell).

    Args:
        trace: of an answer about this very image, where it was kept; for the methods :data:`FROM_TAP`.
    """
    size = (int(x.shape[-2]), int(x.shape[-1]))
    if not net.differentiable and tap_maps.needs_gradients(net, target, method):
        raise ModelUnavailableError(
            "This map needs gradients, which the exported file that answers does not carry.",
            "Restore the model's weights.safetensors.",
        )
    if method == "grad-cam":
        if target == "mask":
            drawn, peaks = outline_cam(net, trace if trace is not None else net.trace(x), size=size)
        else:
            drawn, peaks = grad_cam(explain(net, x, trace), target, size=size, linear_weight=net.linear_weight)
        return drawn[0], float(peaks[0])
    if method == "attention":
        try:
            attention = spatial_attention(explain(net, x, trace), size=size)
        except ValueError as error:
            raise ModelUnavailableError(
                f"This model has no attention map: {error}.", "Choose another method."
            ) from error
        return attention[0], float(attention.max())
    if method in METHODS:
        own = method in tap_maps.METHODS
        values = (tap_maps.tap_map(net, x, target, method, trace) if own else library_map(net, x, target, method))[0]
        return values, float(values.max())
    raise ModelUnavailableError(f"There is no heat-map method {method!r}.", f"Known: {', '.join(METHODS)}, attention.")
