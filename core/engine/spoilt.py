"""One slice through a network that has learnt and through its copy that has forgotten everything: maps and answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.engine.checks import Subject
from core.engine.engine import Engine
from core.engine.heat_rules import in_body
from core.explain.randomisation import STEPS, rank_correlation, spoilt
from core.imaging.study import Study
from core.systems import adapt, system

METHOD = "grad-cam"


@dataclass(frozen=True, eq=False)
class Twins:
    """Two networks of one design on one slice.

    Attributes:
        learnt, forgotten: heat maps on the image grid ``(height, width)``, 0 to 1; all zero where a network finds
            nothing to mark. The second is of a copy all of whose weights are random.
        answers: what each says of the class that its map explains, 0 to 1.
        likeness: Spearman's rank correlation of the maps, -1 to 1.
        outline: the maps explain an outline, and the answers are its mean probability.
    """

    target: str
    learnt: np.ndarray
    forgotten: np.ndarray
    answers: tuple[float, float]
    likeness: float
    outline: bool


def twins(engine: Engine, study: Study, system_name: str, model: str, index: int, seed: int) -> Twins:
    """Ask a model and its spoilt copy about a slice of a study's first series.

    Args:
        seed: of the random weights.

    Raises:
        OverreadError: no such model, or the slice does not fit it; the queue is full.
    """
    loaded = engine.loaded(system_name, model)
    series = adapt(study.series[0], system(system_name))
    target = loaded.card.positive[0]
    subject = Subject(loaded, series, index, target)
    with engine.place():
        learnt = subject.draw(subject.net, METHOD)
        other = spoilt(subject.net, len(STEPS) - 1, seed=seed)
        forgotten = subject.draw(other, METHOD)
        answers = float(subject.answer(subject.x)[0]), float(subject.answer_of(other)[0])
    maps = [in_body(np.clip(subject.fit.back(one), 0.0, 1.0), series, index) for one in (learnt, forgotten)]
    return Twins(target, maps[0], maps[1], answers, rank_correlation(learnt, forgotten), subject.outline)
