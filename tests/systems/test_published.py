"""Published recipes are declared by their system, and each is there to be trained."""

from __future__ import annotations

import re

import pytest

from core.places import WEIGHTS
from core.systems import SYSTEMS
from core.systems.published import published
from core.weights.folder import load_card
from tests.cards import card_of
from trainers.fitting.recipe import RECIPES, load_recipe


def test_every_classic_recipe_is_declared_by_its_system() -> None:
    recipes = [load_recipe(path.stem) for path in sorted((RECIPES / "classic").glob("*.yaml"))]
    declared = [(c.recipe, name, c.name) for name, system in SYSTEMS.items() for c in system.classics]
    assert sorted(declared) == sorted((r.source, r.system, r.model) for r in recipes)
    assert len(declared) >= 12
    assert all(c.title and c.name not in {m.name for m in s.models} for s in SYSTEMS.values() for c in s.classics)


@pytest.mark.parametrize(
    ("system", "card", "told"),
    [
        (
            "breast-mri",
            "Source system's own runs: accuracy 0.780.",
            "TumorTrace, a published student project on breast MR lesion crops, its own runs: accuracy 0.780.",
        ),
        (
            "pet",
            "Source system: accuracy 0.81.",
            "A published student project that tells no cancer, breast and prostate cancer apart on PET: accuracy 0.81.",
        ),
        ("brain-type", "Public peer: accuracy 0.834.", "Public peer: accuracy 0.834."),
        ("chest-ct", "", ""),
    ],
)
def test_what_was_published_is_told_by_its_name(system: str, card: str, told: str) -> None:
    assert published(card_of(system, SYSTEMS[system].models[0].name, "resnet18", published=card)) == told


def test_no_shipped_card_speaks_of_a_source_system_without_a_name() -> None:
    cards = [load_card(path.parent) for path in sorted(WEIGHTS.glob("*/*/card.json"))]
    assert len(cards) > 15
    assert [card.name for card in cards if re.search("source system", published(card), re.IGNORECASE)] == []
