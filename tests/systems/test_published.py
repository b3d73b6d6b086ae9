"""Published recipes are declared by their system, and each is there to be trained."""

from __future__ import annotations

from core.systems import SYSTEMS
from trainers.fitting.recipe import RECIPES, load_recipe


def test_every_classic_recipe_is_declared_by_its_system() -> None:
    recipes = [load_recipe(path.stem) for path in sorted((RECIPES / "classic").glob("*.yaml"))]
    declared = [(c.recipe, name, c.name) for name, system in SYSTEMS.items() for c in system.classics]
    assert sorted(declared) == sorted((r.source, r.system, r.model) for r in recipes)
    assert len(declared) >= 12
    assert all(c.title and c.name not in {m.name for m in s.models} for s in SYSTEMS.values() for c in s.classics)
