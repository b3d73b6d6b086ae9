"""Store a shipped model in another precision and measure again what is stored, or in fewer bytes without loss."""

from __future__ import annotations

import math
from pathlib import Path
from typing import get_args

import numpy as np

from core.errors import RecipeError
from core.weights.card import ModelCard
from core.weights.folder import load_card
from core.weights.heat_checks import load_checks
from core.weights.store import Storage, load_model, written_anew
from trainers.data.parts import read_parts
from trainers.fitting.fit import ship, ship_network
from trainers.fitting.loop import Progress
from trainers.fitting.members import kept_answers, without_validation
from trainers.fitting.recipe import MONITORS, Recipe, load_recipe

SAME = "same"


def anew(folder: Path) -> ModelCard:
    """The very values in today's form of the file: what was measured holds, and card and heat checks name the file.

    A rule that fuses the model with another names its file too: ``overread fuse`` writes that again.
    """
    checks = load_checks(folder, load_card(folder))
    card = written_anew(folder)
    if checks is not None:
        checks.model_copy(update={"weights_sha256": card.weights_sha256}).save(folder)
    return card


def pack(model: str, storage: str, data: Path | None, weights: Path) -> ModelCard:
    """Calibrate, choose the threshold and measure as after a training; the card keeps how it was trained.

    Its version is raised, since it may answer otherwise from now on: archives are scored again, and a rule that fuses
    it is written again by ``overread fuse``.

    Args:
        model: ``system/name``.
        storage: ``float16``, ``int8``, ``int6``, ``int5`` or ``float32``; or :data:`SAME`, see :func:`anew`.
        data: data root; by default ``OVERREAD_DATA``.
        weights: folder of the models.

    Raises:
        RecipeError: no such storage form, or the recipe in the card is not there, or splits the data otherwise than
            the card says.
    """
    folder = weights / model
    if storage == SAME:
        return anew(folder)
    if storage not in get_args(Storage):
        raise RecipeError(f"There is no storage form {storage!r}.", f"Known: {', '.join((*get_args(Storage), SAME))}.")
    net, card = load_model(folder)
    recipe = Recipe.model_validate({**load_recipe(card.training.recipe).model_dump(), "storage": storage})
    parts = read_parts(recipe, data)
    before, now = ({u.name: u.split_fingerprint for u in use} for use in (card.data, parts.use))
    if before != now:
        raise RecipeError(
            f"The recipe {recipe.source} splits its data otherwise than the card of {model} says.",
            "Use the recipe and the data that the model was trained with.",
        )
    told = card.training
    curve = list(told.learning_curve)
    progress = Progress(epoch=int(told.epochs), minutes=told.minutes, curve=curve)
    progress.best_epoch = len(curve) - 1
    if curve and recipe.keep == "best":
        values = [row.get(recipe.monitor, math.nan) for row in curve]
        better = np.nanargmin if MONITORS[recipe.monitor] == "lower" else np.nanargmax
        progress.best_epoch = int(better(values))
    if recipe.members > 1:  # together they know every patient: only what each said of its own fold chooses thresholds
        parts = without_validation(parts)
        answers = kept_answers(folder, card, recipe, parts.validation)
        fresh = ship_network(recipe, parts, net, progress, weights, device=told.device, on_validation=answers)
    else:
        fresh = ship(recipe, parts, net.state_dict(), progress, weights, device=told.device)
    # what was packed before is packed again: the change since the training is the sum
    change = {k: v + card.storage_change.get(k, 0.0) for k, v in fresh.storage_change.items()}
    fresh = fresh.model_copy(update={"training": told, "storage_change": change})
    fresh.save(folder / "card.json")
    return fresh
