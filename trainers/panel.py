"""All installed models of a system, asked through the engine; also those that the system does not declare.

Classic and comparison models lie under ``weights/<system>/`` like the others, but the pages do not offer them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from core.engine.engine import Engine
from core.engine.predict import finding_probability, masks_from, predict_series, probabilities
from core.engine.results import ModelResult, ModelState, ModelStatus
from core.errors import ModelUnavailableError, OverreadError
from core.imaging.study import Series, SourceKind, Study
from core.models.card import ModelCard
from core.models.net import OverreadNet
from core.models.store import load_model
from core.systems import adapt, system


@dataclass(frozen=True, eq=False)
class _Extra:
    state: ModelState
    net: OverreadNet
    card: ModelCard


class Panel:
    """The models of one system that can answer.

    Args:
        engine: engine over a weights folder.
        system_name: the system.
        tell: called with a sentence for every model that is left out.

    Raises:
        ModelUnavailableError: no model of the system is installed.
    """

    def __init__(self, engine: Engine, system_name: str, tell: Callable[[str], None] = lambda text: None) -> None:
        self.engine, self.system = engine, system_name
        states = engine.states(system_name)
        for state in states:
            if state.status is not ModelStatus.READY:
                tell(f"{state.name} is left out ({state.status}): {state.reason}")
        self.states = {s.name: s for s in states if s.status is ModelStatus.READY}
        self.extras: dict[str, _Extra] = {}
        for card in sorted((engine.weights / system_name).glob("*/card.json")):
            name = card.parent.name
            if name in {s.name for s in states}:
                continue
            try:
                net, read = load_model(card.parent)
            except ModelUnavailableError as error:
                tell(f"{name} is left out: {error.message}")
                continue
            state = ModelState(system_name, name, read.title, read.role, ModelStatus.READY, card=read)
            self.extras[name] = _Extra(state, net, read)
        if not self.states and not self.extras:
            raise ModelUnavailableError(
                f"No model of {system_name} has weights in {engine.weights}.",
                f"Train one (python -m trainers train --recipe ...), or pass --weights. "
                f"Its models: {', '.join(s.name for s in system(system_name).models)}.",
            )

    @property
    def cards(self) -> dict[str, ModelCard]:
        """Card of every model that can answer."""
        found = {name: s.card for name, s in self.states.items() if s.card is not None}
        return found | {name: extra.card for name, extra in self.extras.items()}

    def ask(self, series: Series, study: str = "") -> dict[str, ModelResult]:
        """What every model says about a series; one that refuses it has no ``finding``."""
        review = self.engine.review(Study(study, SourceKind.RASTER, (series,), ""), self.system)
        results = {r.state.name: r for r in review.results if r.state.name in self.states}
        series = adapt(series, system(self.system))
        for name, extra in self.extras.items():
            results[name] = _gated(_answer(extra, series), results)
        return results


def _answer(extra: _Extra, series: Series) -> ModelResult:
    try:
        p = predict_series(extra.net, extra.card, series)
    except OverreadError as error:
        return ModelResult(replace(extra.state, status=ModelStatus.FAILED, reason=str(error)))
    calibrated = probabilities(p.logits, extra.card.temperature)
    return ModelResult(
        state=extra.state,
        raw=probabilities(p.logits),
        calibrated=calibrated,
        finding=finding_probability(calibrated, extra.card),
        mask=None if p.mask_probability is None else masks_from(extra.card, p.mask_probability),
        seconds=p.seconds,
    )


def _gated(result: ModelResult, others: dict[str, ModelResult]) -> ModelResult:
    """Withhold the mask where the model's gate, another or itself, says clear."""
    card = result.state.card
    if card is None or card.gate is None or result.mask is None:
        return result
    gate = result if card.gate == card.name else others.get(card.gate)
    if gate is None or gate.finding is None or gate.threshold is None:
        return replace(result, mask=None)
    shut = gate.finding < gate.threshold
    mask = np.where(shut[:, None, None], False, result.mask)
    return replace(result, mask=mask, gated=shut)
