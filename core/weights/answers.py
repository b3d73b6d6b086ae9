"""From a network's logits to the probabilities that its card speaks of."""

from __future__ import annotations

import numpy as np

from core.statistics.calibration import apply_temperature
from core.weights.card import ModelCard


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Class probabilities from logits: ``(N, 1)`` → ``(N, 2)``, ``(N, K)`` → ``(N, K)``; rows sum to 1."""
    p = apply_temperature(logits, temperature)
    return np.stack([1 - p, p], 1) if p.ndim == 1 else p


def finding_probability(class_probabilities: np.ndarray, card: ModelCard) -> np.ndarray:
    """Probability of a finding ``(N,)``: the sum over the card's positive classes."""
    columns = [card.classes.index(name) for name in card.positive]
    return class_probabilities[:, columns].sum(1)
