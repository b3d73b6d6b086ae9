"""What stands beside a case: models of other classes are shown and counted nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.engine.results import Decision
from core.review.archives.scoring import Installed
from core.review.archives.standing import current
from core.review.tables import Score
from tests.cards import card_of

TYPES = ("normal", "adenocarcinoma", "large cell carcinoma", "squamous cell carcinoma")
FINDINGS = {"densenet121": 0.2, "resnet50": 0.4, "efficientnet-b0-subtypes": 0.99}


def _installed(names: list[str]) -> Installed:
    cards = {}
    for place, name in enumerate(names):
        classes = {"classes": TYPES, "positive": TYPES[1:]} if name.endswith("subtypes") else {}
        cards[name] = card_of("chest-ct", name, "none", weights_sha256=str(place) * 64, **classes)
    return Installed("chest-ct", cards, Path("/nonexistent"))


def _scores(models: Installed) -> list[Score]:
    out = []
    for name, card in models.cards.items():
        value = FINDINGS[name]
        found = Decision.FINDING if value >= 0.5 else Decision.CLEAR
        details = {"findings": [value, 0.1]}
        told = {"finding": value, "decision": found, "threshold": 0.5, "details": details, "error": ""}
        version = {"version": card.version, "weights_sha256": card.weights_sha256}
        out.append(Score(case_id=7, system="chest-ct", model=name, **version, **told))
    return out


def test_four_classes_stand_beside_and_count_nowhere() -> None:
    models = _installed(list(FINDINGS))
    own = current(_scores(models), models)[7]
    assert [a.model for a in own.given] == ["densenet121", "resnet50"]
    assert [(a.model, a.finding) for a in own.beside] == [("efficientnet-b0-subtypes", 0.99)]
    assert own.vote.mean == pytest.approx(0.3)
    assert (own.vote.decided, own.vote.split, own.slices, own.found) == (False, False, 2, 0)
    assert own.vote.spread == pytest.approx(0.2)
    assert [v.model for v in own.vote.contradicting] == ["efficientnet-b0-subtypes"]


def test_alone_they_are_what_there_is() -> None:
    models = _installed(["efficientnet-b0-subtypes"])
    own = current(_scores(models), models)[7]
    assert (own.vote.mean, own.vote.decided, own.beside) == (0.99, True, ())
