"""Who says what: the one rule by which the answers of a system's models are counted.

Models of the system's own question, its classes and its findings, vote, but for those that the system shows without a
vote. Such a one, and a model of other classes, is counted nowhere, but where it tells a finding from none it can
contradict, and then it is named. A model that failed, or whose answer is not finite, gives no vote. A tie is nobody's
side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.engine.decision import Decision, decide
from core.engine.words import short
from core.systems import SYSTEMS
from core.weights.card import ModelCard


@dataclass(frozen=True)
class Voice:
    """What one model says of one image.

    Attributes:
        model, title: identifier, and name for people.
        probability: calibrated probability of a finding, in [0, 1]; ``None`` without an answer.
        says: whether that reaches the model's threshold; ``None`` without an answer.
        failed: it was asked and gave no answer.
        aside: why it does not vote, as a sentence names it; empty for those that vote.
    """

    model: str
    title: str
    probability: float | None = None
    says: bool | None = None
    failed: bool = False
    aside: str = ""

    @property
    def short(self) -> str:
        """The title as a sentence has it."""
        return short(self.title)


def voice(model: str, title: str, probability: float | None, threshold: float | None, *, failed: bool = False) -> Voice:
    """What a model says at its threshold; a probability that is not finite is no answer."""
    if probability is None or threshold is None:
        return Voice(model, title, failed=failed)
    if not math.isfinite(probability):
        return Voice(model, title, failed=True)
    return Voice(model, title, probability, decide(probability, threshold) is Decision.FINDING)


@dataclass(frozen=True)
class Vote:
    """What the models of a system say of one image, together.

    Attributes:
        voters: models that vote, with or without an answer, in the system's order.
        beside: models without a vote that can speak to the finding; they are counted nowhere.
    """

    voters: tuple[Voice, ...] = ()
    beside: tuple[Voice, ...] = ()

    @property
    def counted(self) -> tuple[Voice, ...]:
        """Votes that were given."""
        return tuple(v for v in self.voters if v.says is not None)

    @property
    def yes(self) -> tuple[Voice, ...]:
        """Votes for a finding."""
        return tuple(v for v in self.voters if v.says is True)

    @property
    def no(self) -> tuple[Voice, ...]:
        """Votes for none."""
        return tuple(v for v in self.voters if v.says is False)

    @property
    def decided(self) -> bool | None:
        """What more than half of the votes say; ``None`` for a tie or without a vote."""
        yes, no = len(self.yes), len(self.no)
        return None if yes == no else yes > no

    @property
    def tied(self) -> bool:
        """As many votes for a finding as for none."""
        return bool(self.yes) and len(self.yes) == len(self.no)

    @property
    def split(self) -> bool:
        """Whether the votes differ."""
        return bool(self.yes) and bool(self.no)

    @property
    def spread(self) -> float | None:
        """Largest distance between two voters' probabilities; ``None`` without a vote."""
        values = [v.probability for v in self.counted if v.probability is not None]
        return max(values) - min(values) if values else None

    @property
    def mean(self) -> float | None:
        """Mean calibrated probability of a finding over the votes; ``None`` without one."""
        values = [v.probability for v in self.counted if v.probability is not None]
        return sum(values) / len(values) if values else None

    @property
    def contradicting(self) -> tuple[Voice, ...]:
        """Models without a vote that say otherwise than most voters; all that answered where the vote is a tie."""
        if not self.counted:
            return ()
        return tuple(v for v in self.beside if v.says is not None and v.says is not self.decided)


NO_VOTE = Vote()
OTHER, WITHOUT = "of other classes", "without a vote"


def most(says: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """:attr:`Vote.decided` for many images at once: whether more than half of the votes ``(voters, N)`` find it."""
    return np.asarray(2 * says.sum(0) > len(says))


def asks_own(system_name: str, model: str, classes: Iterable[str], positive: Iterable[str] | None = None) -> bool:
    """Whether a model of these classes answers the question that its system asks.

    Args:
        positive: its classes that are a finding; ``None`` where only the classes are known.

    A model named ``classic-...`` repeats a published one for comparison: it is shown, and not counted a second time;
    nor is one that the system declares without a vote.
    """
    declared = SYSTEMS.get(system_name)
    if declared is None or model.startswith("classic"):
        return False
    if any(slot.name == model and not slot.votes for slot in declared.models):
        return False
    same = set(classes) == set(declared.classes)
    return same and (positive is None or set(positive) == set(declared.positive))


def own_question(card: ModelCard) -> bool:
    """Whether a model votes on the question of its system."""
    return asks_own(card.system, card.name, card.classes, card.positive)


def speaks(card: ModelCard) -> bool:
    """Whether a model can speak to the finding: some of its classes are one, some are none."""
    return 0 < len(set(card.positive)) < len(set(card.classes))


def voters(cards: Mapping[str, ModelCard]) -> dict[str, ModelCard]:
    """Models that vote, of those installed; by name.

    Where none asks the system's own question, those that can speak to the finding vote in their place. A model of more
    classes asks another question: the four-class chest models have never seen a benign nodule, hardly err on their own
    validation images, and call one cancer with full confidence.
    """
    own = {name: card for name, card in cards.items() if own_question(card)}
    return own or {name: card for name, card in cards.items() if speaks(card)}


def aside(system_name: str, classes: Iterable[str]) -> str:
    """Why a model that can speak to the finding has no vote, as a sentence names it."""
    declared = SYSTEMS.get(system_name)
    return WITHOUT if declared is not None and set(classes) == set(declared.classes) else OTHER


def count(cards: Mapping[str, ModelCard], voices: Sequence[Voice]) -> Vote:
    """The vote of some models.

    Args:
        cards: every installed model of the system, answered or not: who votes does not hang on who answered.
        voices: what each said; one without a card is passed over.
    """
    heard = voters(cards)
    shown = [(v, cards[v.model]) for v in voices if v.model not in heard and v.model in cards]
    beside = (replace(v, aside=aside(card.system, card.classes)) for v, card in shown if speaks(card))
    return Vote(tuple(v for v in voices if v.model in heard), tuple(beside))


def listed(voices: Sequence[Voice]) -> str:
    """Names in a sentence: "A, B and C"."""
    names = [v.short for v in voices]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def says(voices: Sequence[Voice]) -> str:
    """The verb for so many."""
    return "say" if len(voices) > 1 else "says"


def contradiction(vote: Vote, finding: str, clear: str) -> str:
    """Which models without a vote say otherwise, in a sentence; empty where none does."""
    told = []
    for said, word in ((True, finding), (False, clear)):
        for why, group in _by_reason(v for v in vote.contradicting if v.says is said):
            told.append(f"{listed(group)}, {why}, {says(group)} {word}")
    return f"{'; '.join(told)}." if told else ""


def _by_reason(voices: Iterable[Voice]) -> list[tuple[str, list[Voice]]]:
    """Models that do not vote, those of one reason together, in their order."""
    groups: dict[str, list[Voice]] = {}
    for one in voices:
        groups.setdefault(one.aside or OTHER, []).append(one)
    return list(groups.items())


def headline(vote: Vote, finding: str, clear: str, more: str = "") -> str:
    """What the models say together: disagreement first, then agreement, then who is not in it.

    Args:
        finding, clear: the system's words for an answer with and without a finding.
        more: a clause on the same models (their masks), put after their votes.
    """
    counted, against = vote.counted, contradiction(vote, finding, clear)
    clause = f"; {more}" if more else ""
    if not counted:
        return " ".join(["No model of this system has answered.", *_others(vote, finding, clear)])
    if vote.split:
        lead = "The models are split: " if vote.tied else ""
        text = f"{lead}{len(vote.yes)} of {len(counted)} models {says(vote.yes)} {finding}; "
        parts = [f"{text}{listed(vote.no)} {says(vote.no)} {clear}{clause}.", against]
    else:
        parts = [f"Not all agree: {against}" if against else "", f"{_together(vote, finding, clear)}{clause}."]
        if len(counted) == 1 and not vote.beside:
            parts.append("With a single model there is nothing to agree or disagree.")
    return " ".join(filter(None, [*parts, *_others(vote, finding, clear)]))


def _together(vote: Vote, finding: str, clear: str) -> str:
    """Votes that do not differ."""
    counted, said = vote.counted, finding if vote.decided else clear
    voting = " that vote" if vote.contradicting else ""
    if len(counted) == 1:
        return f"The one model that votes says {said}" if vote.beside else f"One model answered: {said}"
    every = f"{'Both' if len(counted) == 2 else f'All {len(counted)}'} models{voting}"
    return f"{every} say {said}" if vote.decided or voting else f"{every}: {said}"


def _others(vote: Vote, finding: str, clear: str) -> list[str]:
    """Models without a vote that agree, or that answered alone; voters that failed."""
    out = []
    named = [v for v in vote.beside if v.says is not None and v not in vote.contradicting]
    if vote.counted and named:
        for why, group in _by_reason(named):
            out.append(f"{listed(group)}, {why}, {'agree' if len(group) > 1 else 'agrees'}.")
    elif named:
        for said, word in ((True, finding), (False, clear)):
            for why, group in _by_reason(v for v in named if v.says is said):
                reason = f"{why} and not counted" if why == OTHER else why
                out.append(f"{listed(group)}, {reason}, {says(group)} {word}.")
    failed = [v for v in vote.voters if v.failed]
    if failed:
        out.append(f"{listed(failed)} gave no answer and {'have' if len(failed) > 1 else 'has'} no vote.")
    return out
