"""Mask threshold and smallest mask, chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.engine.predict import SeriesPrediction
from core.statistics.segmentation import false_mask_rate
from core.weights.card import ModelCard
from trainers.data.items import Item
from trainers.measuring.scoring import dice_with_tumour, scored

CUTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
SMALLEST = (0, 20, 40, 80, 120)  # pixels on the image grid


def mask_rule(
    card: ModelCard,
    items: Sequence[Item],
    predicted: Sequence[SeriesPrediction],
    labels: dict[str, int],
    gate: np.ndarray | None,
    allowed_false: float,
) -> dict[str, float | int]:
    """Best mean Dice of the volumes with tumour among the rules that draw seldom enough where there is none.

    If no rule is that strict, the one that draws least often. Without any volume with tumour there is no Dice to
    choose by: then the first rule that is strict.

    Args:
        items, predicted: validation series and what the network says about them.
        labels: class index of every label text.
        gate: bool by slice, false where another model withholds the mask (:func:`trainers.measuring.scoring.scored`).
        allowed_false: largest share of the slices without tumour on which a mask may be drawn.

    Returns:
        ``mask_threshold`` and ``mask_min_pixels`` for the card.
    """
    best: tuple[bool, float] | None = None
    chosen: dict[str, float | int] = {}
    for cut in CUTS:
        for smallest in SMALLEST:
            rule: dict[str, float | int] = {"mask_threshold": cut, "mask_min_pixels": smallest}
            s = scored(card.model_copy(update=rule), items, predicted, labels, gate)
            assert s.masks is not None
            assert s.truths is not None
            wrong = false_mask_rate(s.masks, s.truths)
            strict = not wrong > allowed_false  # without tumour-free slices the rate is nan: nothing to be strict about
            volumes = dice_with_tumour(s.masks, s.truths, s.groups)
            overlap = float(volumes.mean()) if len(volumes) else 0.0
            rank = (strict, overlap if strict else -wrong)
            if best is None or rank > best:
                best, chosen = rank, rule
    return chosen
