"""Heat maps held to account: does the answer rest on what they mark, do they need the network, do they find the lesion.

Every figure of a check comes from passes of the very model on the very slice. What could not be computed in time is
absent and said to be so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray

from core.engine.engine import Engine, map_of, target_of
from core.engine.results import HeatMap
from core.engine.shelf import Loaded
from core.errors import OverreadError
from core.explain.faithfulness import RANDOM_MAPS, SPOKEN, Faithfulness, body_of, road
from core.explain.pointing import Pointing, point
from core.explain.randomisation import JUDGED, REPEATS, STEPS, Randomisation, randomise
from core.imaging.study import Series, Study
from core.models.heads import explained_pixels
from core.models.net import OverreadNet
from core.preprocessing.prepare import fit_of, prepare
from core.systems import adapt, system
from core.weights.answers import probabilities

SECONDS = 90.0  # a check takes 10 to 20 s for a ResNet-50 on two cores, and several times that on a busy machine


class MapVerdict(StrEnum):
    """What the checks of one heat map come to."""

    PASSED = "passed"
    FAILED = "failed"
    UNTESTED = "not tested"


@dataclass(frozen=True, eq=False)
class HeatCheck:
    """The checks of one heat map.

    Attributes:
        outline: the answer that was watched is the outline's mean probability, not that of the class.
        faithfulness, randomisation, pointing: ``None`` where they could not be made; ``notes`` says why.
        seconds: time taken.
        error: why nothing could be checked at all.
    """

    heat: HeatMap
    outline: bool = False
    faithfulness: Faithfulness | None = None
    randomisation: Randomisation | None = None
    pointing: Pointing | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    error: str = ""

    @property
    def verdict(self) -> MapVerdict:
        """Failed when any check failed; passed when the answer was shown to rest on the map and nothing failed."""
        outcomes = [c.passed for c in (self.faithfulness, self.randomisation) if c is not None]
        if self.pointing is not None:
            outcomes.append(self.pointing.hit)
        if False in outcomes:
            return MapVerdict.FAILED
        shown = self.faithfulness is not None and self.faithfulness.passed
        return MapVerdict.PASSED if shown else MapVerdict.UNTESTED


class Subject:
    """One slice as one model sees it: the picture it gets, what it answers, and the maps it draws.

    Args:
        loaded: the model; its lock is taken for single passes, so that a review waits for one of them at most.
        series: as the system adapts it. index: slice. class_name: the class a heat map explains.
    """

    def __init__(self, loaded: Loaded, series: Series, index: int, class_name: str) -> None:
        self._loaded = loaded
        self._target = target_of(loaded, class_name)
        self._class = loaded.card.classes.index(class_name)
        self._outlined: torch.Tensor | None = None
        self.fit = fit_of(series, index, loaded.card.contract)
        self.x = prepare(series, loaded.card.contract, [index])
        self.outline = self._target == "mask"

    def answer(self, x: torch.Tensor) -> NDArray[np.float64]:
        """What the heat map explains, for pictures ``(B, C, H, W)``: ``(B,)`` in [0, 1], each from a single pass.

        The calibrated probability of the class; where the map explains an outline, the mean probability of the pixels
        that were outlined in the whole picture: the answer of a segmenter hangs on its few strongest pixels, so half a
        large tumour can go without moving it.
        """
        with self._loaded.lock:
            return self._answer(self._loaded.net, x)

    def answer_of(self, net: OverreadNet) -> NDArray[np.float64]:
        """The same of another network of this design, on the slice: ``(1,)``; an outline is the model's own."""
        if net is self._loaded.net:
            return self.answer(self.x)
        if self.outline and self._outlined is None:
            self.answer(self.x)
        return self._answer(net, self.x)

    def _answer(self, net: OverreadNet, x: torch.Tensor) -> NDArray[np.float64]:
        with torch.inference_mode():
            out = net.run(x)
            if not self.outline or out.mask_logits is None:
                p = probabilities(out.logits.float().numpy(), self._loaded.card.temperature)[:, self._class]
                return p.astype(np.float64)
            if self._outlined is None:
                whole = self._loaded.net.run(self.x).mask_logits
                assert whole is not None
                self._outlined = explained_pixels(whole)[0]
            kept = torch.sigmoid(out.mask_logits.float()).flatten(1)[:, self._outlined]
        return kept.double().mean(1).numpy()

    def draw(self, net: OverreadNet, method: str) -> NDArray[np.float32]:
        """A network's heat map of the class ``(H, W)`` on the picture's grid; all zero where nothing speaks for it."""
        return self.drawn(net, method)[0]

    def drawn(self, net: OverreadNet, method: str) -> tuple[NDArray[np.float32], float]:
        """:meth:`draw`, and the map's largest value before it was scaled."""
        if net is self._loaded.net:
            with self._loaded.lock:
                values, peak = map_of(net, self.x, self._target, method)
        else:
            values, peak = map_of(net, self.x, self._target, method)
        return (values if peak > 0 else np.zeros_like(values)), peak

    @property
    def net(self) -> OverreadNet:
        """The network."""
        return self._loaded.net


def check_heat_map(
    engine: Engine,
    study: Study,
    system_name: str,
    series_index: int,
    heat: HeatMap,
    *,
    seconds: float = SECONDS,
    maps: int = RANDOM_MAPS,
    stop: Callable[[], bool] = lambda: False,
) -> HeatCheck:
    """Check one heat map that :meth:`Engine.heat_map` gave.

    Args:
        seconds: time allowed; a pass under way is not broken off.
        maps: random maps to compare with.
        stop: asked between passes.

    Raises:
        InterruptedError: stopped.
    """
    started = time.perf_counter()
    pointing = pointing_of(heat, study.series[series_index])
    if heat.values is None or heat.peak <= 0:
        return HeatCheck(heat, error=heat.error or f"The map is empty: nothing speaks for “{heat.target}”.")

    def over() -> bool:
        if stop():
            raise InterruptedError
        return time.perf_counter() - started > seconds

    notes: list[str] = []
    try:
        loaded = engine.loaded(system_name, heat.model)
        series = adapt(study.series[series_index], system(system_name))
        subject = Subject(loaded, series, heat.slice_index, heat.target)
        # The map as it was shown, put back on the network's grid; nothing marks the margin around the picture.
        faithfulness = road(subject.answer, subject.x, subject.fit.into(heat.values, fill=0.0), maps=maps, stop=over)
        randomisation = None
        if heat.seconds * len(STEPS) * REPEATS > seconds:
            notes.append("Not tried with random weights: a single map of this method takes too long.")
        elif not over():
            randomisation = randomise(subject.net, lambda net: subject.draw(net, heat.method), stop=over)
    except OverreadError as error:
        return HeatCheck(heat, pointing=pointing, error=str(error), seconds=time.perf_counter() - started)
    taken = time.perf_counter() - started
    if faithfulness is None or (randomisation is None and not notes):
        notes.append(f"Not all checks were done within {seconds:.0f} s.")
    return HeatCheck(heat, subject.outline, faithfulness, randomisation, pointing, tuple(notes), taken)


def pointing_of(heat: HeatMap, series: Series) -> Pointing | None:
    """A heat map against the series' reference mask; ``None`` without one on that slice."""
    if heat.values is None or heat.peak <= 0 or series.truth is None:
        return None
    index = heat.slice_index
    return point(heat.values, series.truth[index], body=body_of(series.pixels[index : index + 1]))


def sentences(check: HeatCheck) -> tuple[str, ...]:
    """The check in plain words with its numbers: first what failed (or why nothing was tested), then the rest."""
    if check.error:
        return (f"Not tested: {check.error}",)
    f, p, r = check.faithfulness, check.pointing, check.randomisation
    found = (
        (f.passed if f else None, _faithfulness_words(check)),
        (p.hit if p else None, pointing_words(p)),
        (r.passed if r else None, _randomisation_words(r)),
    )
    told = sorted((pair for pair in found if pair[1]), key=lambda pair: pair[0] is not False)
    texts = tuple(text for _, text in told)
    return (*check.notes, *texts) if f is None else (*texts, *check.notes)


def _faithfulness_words(check: HeatCheck) -> str:
    f = check.faithfulness
    if f is None:
        return ""
    what = "the outline's probability" if check.outline else "the answer"
    if f.answer < SPOKEN:
        said = "outline" if check.outline else f"answer for “{check.heat.target}”"
        return f"Not tested: the {said} has a probability of {f.answer:.2f} here, so there is nothing to lower."
    moved = f"{'lowers' if f.drop >= 0 else 'raises'} {what} by {abs(f.drop):.2f}"
    numbers = f"Removing what it marks {moved}; random areas: {_signed(f.random_drop)} ± {f.random_spread:.2f}."
    if f.passed:
        return numbers
    rests = "the outline" if check.outline else what
    return f"{numbers} No clear difference: this map does not show what {rests} rests on."


def _randomisation_words(r: Randomisation | None) -> str:
    if r is None or r.passed is None:
        return ""
    spoilt = f"With random weights in {STEPS[JUDGED]} of the network the map"
    after = f"(rank correlation {_signed(r.correlation[JUDGED])})"
    if r.passed:
        return f"{spoilt} changes {after}."
    return f"{spoilt} stays much the same {after}: it shows the picture rather than what the network learnt."


def pointing_words(p: Pointing | None) -> str:
    """Where a map points, with its numbers; empty without a mask."""
    if p is None:
        return ""
    if p.inside:
        place = "Its hottest point lies in the lesion."
    elif p.hit:
        place = "Its hottest point lies beside the lesion, within tolerance."
    else:
        place = f"Its hottest point misses the lesion by {p.distance:.0%} of the picture's diagonal."
    return (
        f"{place} {p.energy:.0%} of the map lies in the lesion, which takes {p.area:.0%} of the body; "
        f"its hottest area of the lesion's size overlaps it with an IoU of {p.overlap:.2f}."
    )


def _signed(value: float) -> str:
    """Two digits, without a minus in front of nothing."""
    return f"{0.0 if abs(value) < 0.005 else value:.2f}"
