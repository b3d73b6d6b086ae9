"""Learning rates and frozen stages as pure functions of the step, so that a resumed run continues them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainers.fitting.recipe import MONITORS, Recipe

WARM = 0.25  # share of a one-cycle schedule that rises


def rate(recipe: Recipe, step: int, steps_per_epoch: int, curve: Sequence[dict[str, float]] = ()) -> float:
    """Learning rate at an optimiser step.

    Args:
        recipe: names the schedule.
        step: optimiser steps done so far.
        steps_per_epoch: steps of one epoch.
        curve: finished epochs, for the plateau schedule.
    """
    total = steps_per_epoch * recipe.epochs
    at = step / max(total, 1)
    if recipe.schedule == "one-cycle":
        if at < WARM:
            return recipe.lr * (0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * at / WARM)))
        return recipe.lr * max(1e-4, 0.5 * (1 + math.cos(math.pi * (at - WARM) / (1 - WARM))))
    if recipe.schedule == "cosine":
        return recipe.lr * max(1e-4, 0.5 * (1 + math.cos(math.pi * at)))
    if recipe.schedule == "warmup-step":
        passed = sum(step // steps_per_epoch >= edge for edge in recipe.step_epochs)
        return recipe.step_rates[passed] if recipe.step_rates else recipe.lr * recipe.step_factor**passed
    watched = recipe.plateau_monitor or recipe.monitor
    cuts = plateaus(
        [row[watched] for row in curve], recipe.plateau_patience, lower_is_better=MONITORS[watched] == "lower"
    )
    return max(recipe.lr * recipe.step_factor**cuts, min(recipe.min_lr, recipe.lr))


def plateaus(monitored: Sequence[float], patience: int = 3, *, lower_is_better: bool = False) -> int:
    """How often a figure stood still for ``patience`` epochs; the count starts anew each time.

    The direction is stated by the caller: a schedule that guesses it from a name cuts the rate of a good run.
    """
    best, waited, cuts = -math.inf, 0, 0
    for value in monitored:
        value = -value if lower_is_better else value
        best, waited = (value, 0) if value > best else (best, waited + 1)
        if waited == patience:
            cuts, waited = cuts + 1, 0
    return cuts


def frozen_stages(recipe: Recipe, epoch: int, stages: int) -> int:
    """How many of the backbone's stages, from the input on, are frozen in an epoch (counted from 0).

    All of them for ``freeze_epochs``; then either all open at once, or one more every ``unfreeze_every`` epochs from
    the tap back; the first ``keep_frozen`` never open.
    """
    if epoch < recipe.freeze_epochs:
        return stages
    floor = min(recipe.keep_frozen, stages)
    if not recipe.unfreeze_every:
        return floor
    return max(floor, stages - 1 - (epoch - recipe.freeze_epochs) // recipe.unfreeze_every)
