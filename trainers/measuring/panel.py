"""All installed models of a system, asked about many labelled series; also those that the system does not declare.

Classic and comparison models lie under ``weights/<system>/`` like the others, but the pages do not offer them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.engine.engine import Engine
from core.engine.results import ModelStatus
from core.errors import ContractError, ModelUnavailableError, OverreadError
from core.models.net import OverreadNet
from core.systems import adapt, system
from core.weights.card import ModelCard
from core.weights.store import load_model
from trainers.data.items import Item
from trainers.measuring.scoring import Scored, labels_for, predictions, scored


class Panel:
    """The models of one system that can answer.

    Args:
        engine: engine over a weights folder; it says which of the system's own models may answer.
        system_name: the system.
        tell: called with a sentence for every model that is left out.

    Attributes:
        weights: folder of the system's models.
        cards: card of every model that can answer, the system's own first.
        left_out: why, by the name of each model that cannot.

    Raises:
        ModelUnavailableError: no model of the system can answer.
    """

    def __init__(self, engine: Engine, system_name: str, tell: Callable[[str], None] = lambda text: None) -> None:
        self.system, self.weights, self.tell = system_name, engine.weights / system_name, tell
        self.cards: dict[str, ModelCard] = {}
        self.left_out: dict[str, str] = {}
        self._nets: dict[str, OverreadNet] = {}
        states = engine.states(system_name)
        for state in states:
            if state.status is not ModelStatus.READY:
                self._leave_out(state.name, f"{state.status}: {state.reason}")
                continue
            self._add(state.name, lambda name=state.name: _of(engine, system_name, name))  # type: ignore[misc]
        for path in sorted(self.weights.glob("*/card.json")):
            if path.parent.name not in {s.name for s in states}:
                self._add(path.parent.name, lambda folder=path.parent: load_model(folder))  # type: ignore[misc]
        if not self.cards:
            raise ModelUnavailableError(
                f"No model of {system_name} has weights in {engine.weights}.",
                f"Train one (python -m trainers train --recipe ...), or pass --weights. "
                f"Its models: {', '.join(s.name for s in system(system_name).models)}.",
            )

    def _add(self, name: str, load: Callable[[], tuple[OverreadNet, ModelCard]]) -> None:
        try:
            self._nets[name], self.cards[name] = load()
        except ModelUnavailableError as error:
            self._leave_out(name, f"{ModelStatus.REFUSED}: {error.message}")

    def _leave_out(self, name: str, reason: str) -> None:
        self.left_out[name] = reason
        self.tell(f"{name} is left out ({reason})")

    def scores(
        self,
        items: Sequence[Item],
        findings: Mapping[str, int],
        *,
        modality: str | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> dict[str, Scored]:
        """What every model says about all the items, beside the truth; masks as their gates let them through.

        A model that cannot answer for every item has no scores (figures on a part would flatter); the reason is told
        and kept in ``left_out``.

        Args:
            findings: 1 for the label texts that count as a finding, 0 for the others.
            modality: of the items: models made for another one are not asked, which is no failure.
            progress: called with the fraction done.
        """
        declared = system(self.system)
        items = [replace(item, series=adapt(item.series, declared)) for item in items]
        reads = {name: card.contract.modality for name, card in self.cards.items()}
        asked = [name for name in reads if None in (modality, reads[name]) or reads[name] == modality]
        asked.sort(key=lambda name: self.cards[name].gate not in (None, name))  # a mask waits for its gate's answer
        out: dict[str, Scored] = {}
        for place, name in enumerate(asked):
            card = self.cards[name]

            def partly(fraction: float, place: int = place) -> None:
                if progress is not None:
                    progress((place + fraction) / len(asked))

            try:
                predicted = predictions(self._nets[name], card, items, progress=partly)
            except ContractError as error:
                self._leave_out(name, f"{ModelStatus.UNFIT}: {error}")
                continue
            except OverreadError as error:
                self._leave_out(name, f"{ModelStatus.FAILED}: {error}")
                continue
            s = scored(card, items, predicted, labels_for(card, findings), self._gate(card, out))
            if s.masks is not None and card.gate not in (None, name, *out):
                self.tell(f"{name} shows no masks: its gate, the model {card.gate}, did not answer.")
                s = replace(s, masks=None, truths=None)
            out[name] = s
        return {name: out[name] for name in self.cards if name in out}

    def _gate(self, card: ModelCard, answered: Mapping[str, Scored]) -> np.ndarray | None:
        """Decisions of another model that gates this one; ``None`` without one."""
        if card.gate is None or card.gate == card.name or card.gate not in answered:
            return None
        return answered[card.gate].finding >= self.cards[card.gate].threshold.value


def _of(engine: Engine, system_name: str, name: str) -> tuple[OverreadNet, ModelCard]:
    loaded = engine.loaded(system_name, name)
    return loaded.net, loaded.card
