"""Figures of a model with several classes: macro recall, and the recall of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.statistics import bootstrap_by_group, past_perfection
from core.weights.answers import probabilities
from core.weights.card import Metric, ModelCard
from trainers.measuring.scoring import Scored, metric_of


def class_figures(
    classes: Sequence[str], labels: Sequence[str], probability: np.ndarray, groups: np.ndarray, *, resamples: int = 1000
) -> tuple[dict[str, Metric], dict[str, Metric]]:
    """Figures of a model with several classes, answered by the largest probability.

    Args:
        classes: the model's ``K`` classes. labels: ``N`` labels, each one of them. probability: ``(N, K)``.
        groups: ``(N,)``. resamples: of the intervals, which draw whole groups.

    Returns:
        ``macro_recall`` and ``class_accuracy``, and the recall of each class that has cases.
    """
    truth = np.array([classes.index(label) for label in labels])
    answer = probability.argmax(1)

    def recalls(truth: np.ndarray, answer: np.ndarray) -> list[float]:
        return [float((answer[truth == k] == k).mean()) for k in np.unique(truth)]

    def interval(statistic: object, rows: np.ndarray, *, proportion: bool = True) -> Metric:
        i = bootstrap_by_group(statistic, [truth[rows], answer[rows]], groups[rows], n=resamples)  # type: ignore[arg-type]
        return metric_of(past_perfection(i, groups[rows]) if proportion and i.groups > 1 else i)

    everything = np.arange(len(truth))
    whole = {
        "macro_recall": interval(lambda t, a: float(np.mean(recalls(t, a))), everything, proportion=False),
        "class_accuracy": interval(lambda t, a: float((t == a).mean()), everything),
    }
    single = {classes[k]: interval(lambda t, a: float((t == a).mean()), np.flatnonzero(truth == k)) for k in set(truth)}
    return whole, single


def by_class(card: ModelCard, s: Scored) -> dict[str, Metric]:
    """What a card of several classes tells beside its findings: the figures above, each recall as ``recall NAME``."""
    if len(card.classes) == 2:
        return {}
    names = [card.classes[k] for k in s.classes]
    whole, single = class_figures(card.classes, names, probabilities(s.logits, card.temperature), s.groups)
    return whole | {f"recall {name}": metric for name, metric in single.items()}
