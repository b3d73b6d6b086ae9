"""Which models may speak about recorded labels."""

from __future__ import annotations

from core.models.peers import judges
from tests.cards import card_of

TYPES = ("normal", "adenocarcinoma", "large cell carcinoma", "squamous cell carcinoma")


def test_a_model_of_other_classes_does_not_judge_labels() -> None:
    binary = card_of("chest-ct", "resnet50", "resnet50")
    types = card_of("chest-ct", "types", "efficientnet_b0", classes=TYPES, positive=TYPES[1:])
    classic = card_of("chest-ct", "classic-resnet50", "resnet50")
    installed = {card.name: card for card in (types, binary, classic)}
    assert list(judges(installed)) == ["resnet50"]


def test_where_nothing_else_is_installed_it_does() -> None:
    types = card_of("chest-ct", "types", "efficientnet_b0", classes=TYPES, positive=TYPES[1:])
    assert judges({"types": types}) == {"types": types}
    assert judges({}) == {}
