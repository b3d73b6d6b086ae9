"""When a turned answer counts, and that what is shown of audits and baselines is what the stored files hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.engine.results import Flag, GateState, GateVerdict, ModelResult, ModelState, ModelStatus, Review
from core.evidence import fooling
from core.simulate import disguise
from core.simulate.disguise import Change, Changed
from core.weights.folder import load_card
from tests.cards import card_of

ROOT = Path(__file__).resolve().parents[2]


def _review(finding: float, *, stopped: bool = False) -> Review:
    card = card_of("brain-mr", "unet", "resnet18")
    state = ModelState("brain-mr", "unet", "U-Net", "classifier", ModelStatus.READY, card=card)
    both = np.array([[1 - finding, finding]])
    gate = GateVerdict(GateState.STOPPED, (Flag("noise", "Only noise."),)) if stopped else None
    return Review("a" * 64, "brain-mr", "key", (ModelResult(state, both, both, np.array([finding])),), 0, gate=gate)


def _made(**change: float) -> Changed:
    return disguise.changed(disguise.scan("brain-mr", 1, "tumour"), Change(**change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("then", "stopped", "change", "why"),
    [
        (0.2, False, {"spread": 0.8}, ""),
        (0.6, False, {"spread": 0.8}, "answer stands"),
        (float("nan"), False, {"spread": 0.8}, "not answered both"),
        (0.2, True, {"spread": 0.8}, "gate stopped"),
        (0.2, False, {"zoom": 1.2}, "lesion itself"),
    ],
)
def test_a_turn_counts_only_without_the_lesion_and_past_the_gate(
    then: float, stopped: bool, change: dict[str, float], why: str
) -> None:
    made = _made(**change)
    turn = fooling.turned(_review(0.9), _review(then, stopped=stopped), made)["unet"]
    assert why in turn.why
    assert turn.counts is (why == "")
    assert turn.distance == made.distance > 0


def test_audits_and_baselines_are_those_that_are_stored() -> None:
    cards = [load_card(ROOT / "weights" / "chest-ct" / name) for name in ("densenet121", "efficientnet-b0-subtypes")]
    stored = [json.loads((ROOT / "data" / "cards" / f"{n}.json").read_text()) for n in ("lung-ct", "chest-ct")]
    found = {audit.name: audit for audit in fooling.audits([*cards, *cards])}
    for one in stored:
        if one["name"] in found:
            told = {s.name: (round(s.auc, 6), round(s.low, 6)) for s in found[one["name"]].shortcuts}
            assert told == {s["name"]: (s["auc"], s["low"]) for s in one["shortcuts"]}
    assert "chest-ct" in found
    own = fooling.baselines(cards)
    raw = json.loads((ROOT / "weights" / "chest-ct" / "efficientnet-b0-subtypes" / "card.json").read_text())
    assert own["chest-ct and lung-ct", "grey spread"]["auc"] == raw["baselines"]["grey spread"]["auc"] == 1.0
    assert own["lung-ct and chest-ct", "grey spread"]["auc"] == pytest.approx(0.9524, abs=5e-5)  # as in README
    assert fooling.audits([card_of("brain-mr", "unet", "resnet18")]) == ()
