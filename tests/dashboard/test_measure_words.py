"""The size of a mask in words: a volume says which slices it is of, and on which the gate kept an outline back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.engine.results import ModelResult, ModelState, ModelStatus
from core.imaging.study import Series
from core.weights.card import Threshold
from dashboard.review.measures import sentence
from tests.cards import card_of


def test_a_volume_tells_its_slices_and_what_the_gate_kept_back() -> None:
    card = card_of("brain-mr", "unet", "resunet", threshold=Threshold(value=0.5, rule="fixed", data="none", n=0))
    series = Series("k", "x", np.zeros((5, 8, 8), np.float32), spacing=(10.0, 10.0, 10.0))
    mask = np.zeros((5, 8, 8), bool)
    mask[1:3, 2:4, 2:4] = True
    finding = np.array([0.1, 0.9, 0.9, 0.9, 0.2])
    rows = np.stack([1 - finding, finding], axis=1)
    state = ModelState("brain-mr", "unet", "U-Net", "", ModelStatus.READY, card=card)
    free = ModelResult(state, rows, rows, finding, mask=mask)
    assert "Volume of the 2 of 5 slices that it outlines: 8.0 ml." in sentence(series, free, 1)
    gated = replace(free, gated=np.array([True, False, False, True, True]))
    told = sentence(series, gated, 1)
    assert (
        "2 of 5 slices that it outlines (on 1 more it says so too, but its gate does not: no outline): 8.0 ml" in told
    )
