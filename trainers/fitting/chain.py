"""What must be trained before a recipe: what it starts from, what teaches it, and what gates its masks."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from core.errors import RecipeError
from core.weights.folder import CARD, WEIGHTS
from trainers.fitting.recipe import RECIPES, Recipe, load_recipe

_START = "model:"


def needs(recipe: Recipe) -> tuple[str, ...]:
    """Models as ``system/name`` that must be installed before the recipe can be trained and shipped."""
    found = []
    if recipe.initial_weights.startswith(_START):
        found.append(recipe.initial_weights.removeprefix(_START))
    if recipe.teacher is not None:
        found += recipe.teacher.models
    if recipe.gate not in (None, recipe.model):
        found.append(f"{recipe.system}/{recipe.gate}")
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1)
def makers() -> dict[str, str]:
    """Which recipe makes a model: names of recipes by ``system/name``."""
    recipes = [load_recipe(path.stem) for path in sorted(RECIPES.rglob("*.yaml"))]
    return {f"{recipe.system}/{recipe.model}": recipe.source for recipe in recipes}


def installed(model: str, weights: Path) -> bool:
    """Whether ``system/name`` has a card and weights in the folder."""
    return all((weights / model / name).is_file() for name in (CARD, WEIGHTS))


def missing_before(recipe: Recipe, weights: Path) -> list[Recipe]:
    """Recipes to train before this one, in that order; empty where all that it needs is installed.

    Args:
        weights: folder with the models.

    Raises:
        RecipeError: a model that is needed is made by no recipe, or needs itself.
    """
    order: dict[str, Recipe] = {}

    def visit(wanted: Recipe, above: tuple[str, ...]) -> None:
        for model in needs(wanted):
            if installed(model, weights):
                continue
            if model in above:
                raise RecipeError(
                    f"{wanted.source} needs {model}, which is trained after it.", "Give another start with --init."
                )
            if model not in makers():
                raise RecipeError(
                    f"{wanted.source} needs {model}, which is not installed and has no recipe.",
                    "Copy the model's folder into the weights, or give another start with --init.",
                )
            earlier = load_recipe(makers()[model])
            visit(earlier, (*above, model))
            order.setdefault(earlier.source, earlier)

    visit(recipe, (f"{recipe.system}/{recipe.model}",))
    return list(order.values())
