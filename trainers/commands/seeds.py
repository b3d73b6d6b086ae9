"""How much of a figure is luck: one recipe trained from several seeds, each measured on the same test part."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Annotated

import typer

from core import places
from core.errors import RecipeError
from core.models.net import OverreadNet
from core.weights.repeats import SEEDS, add_entry
from trainers.commands.options import Accelerator, DataRoot, Epochs, Limit, RecipeName, Runs, Start, Threads
from trainers.fitting.fit import calibrated, draft_card, labels_of, other_gate
from trainers.fitting.logs import console
from trainers.fitting.loop import Run
from trainers.fitting.precision import launched
from trainers.fitting.recipe import Recipe, load_recipe, variant, with_initial_weights
from trainers.measuring.repeat import Bench, Setting, counted, fitted, keep, kept
from trainers.measuring.scoring import figures, predictions, scored

RESULT = "test_figures.json"
# Beside the AUC, in the note: what the threshold of each seed gives, and how well a segmenter outlines.
FURTHER = {
    "balanced_accuracy": "balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "dice_volume_mean": "volume Dice",
    "false_mask_rate": "false masks",
}


def seeds_command(
    recipe: RecipeName,
    seeds: Annotated[int, typer.Option(help="How many seeds, from the recipe's own upwards.", min=2)] = 3,
    epochs: Epochs = None,
    minutes: Annotated[float | None, typer.Option(help="Train each seed for so many minutes at most.")] = None,
    init: Start = None,
    data: DataRoot = None,
    runs: Runs = places.RUNS,
    weights: Annotated[Path, typer.Option(help="The spread goes to <system>/seeds.json in it.")] = places.WEIGHTS,
    accelerator: Accelerator = "auto",
    threads: Threads = 0,
    limit: Limit = None,
) -> None:
    """Train a recipe from several seeds and write the spread of its test figures; no weights are shipped.

    The split and the simulated scans stay the same. A stopped command goes on where it was.
    """
    chosen = load_recipe(recipe)
    if init is not None:
        chosen = with_initial_weights(chosen, init)
    setting = Setting(data, runs, weights, launched(accelerator, threads=threads), limit)
    seed_spread(chosen, seeds, epochs, minutes, setting)


def seed_spread(
    recipe: Recipe, seeds: int, epochs: int | None, minutes: float | None, setting: Setting
) -> dict[str, object]:
    """Train, measure and write the entry of the recipe's model in ``weights/<system>/seeds.json``; returns it.

    Raises:
        RecipeError: the recipe goes on from the very model that it replaces, or the test part has one class only.
    """
    if recipe.initial_weights == f"model:{recipe.system}/{recipe.model}":
        raise RecipeError(
            f"{recipe.source} goes on from the model it replaces, so a further training would start from the first.",
            "Give another start with --init.",
        )
    bench, runs, weights = Bench.of(recipe, setting), setting.runs, setting.weights
    numbers = list(range(recipe.seed, recipe.seed + seeds))
    found: list[dict[str, float]] = []
    for seed in numbers:
        slug = f"seed-{seed}" + ("" if epochs is None else f"-{epochs}-epochs")
        own = variant(recipe, {"seed": seed, "epochs": epochs or recipe.epochs}, slug)
        key = f"{own.sha256} {minutes} {setting.limit}"
        result = kept(runs / own.source / RESULT, key)
        if result is None:
            plain = seed == recipe.seed and (epochs, minutes, setting.limit) == (None, None, None)
            run = _finished(recipe, bench) if plain else None
            run = run or bench.run(own)
            net = fitted(run, minutes)
            result = measured(own, net, run, bench, weights)
            (runs / own.source).mkdir(parents=True, exist_ok=True)
            keep(runs / own.source / RESULT, key, result)
        console.print(
            f"{recipe.source}, seed {seed}: test AUC {result['auc']:.4f} after {counted(int(result['epochs']))}"
        )
        found.append(result)
    entry: dict[str, object] = {
        "model": recipe.model,
        "seeds": numbers,
        "auc": [f["auc"] for f in found],
        "note": _note(recipe, bench, found),
    }
    add_entry(weights / recipe.system / SEEDS, entry, "model")
    return entry


def _finished(recipe: Recipe, bench: Bench) -> Run | None:
    """The recipe's own run, where it was trained to its end as the recipe is now."""
    if not (bench.setting.runs / recipe.source / "last.pt").is_file():
        return None
    try:
        run = bench.run(recipe)
    except RecipeError:
        return None  # of an earlier version of the recipe
    return run if run.finished else None


def measured(recipe: Recipe, net: OverreadNet, run: Run, bench: Bench, weights: Path) -> dict[str, float]:
    """Test figures of a trained network before it is packed, calibrated and thresholded on validation as a shipped one.

    Raises:
        RecipeError: the test part has one class only.
    """
    parts, labels = bench.parts, labels_of(recipe)
    card = draft_card(recipe, parts, run.progress, str(run.fabric.device))
    gate = other_gate(card, parts.validation, weights)
    card = calibrated(recipe, card, parts, predictions(net, card, parts.validation), gate)
    final = scored(card, parts.test, predictions(net, card, parts.test), labels, other_gate(card, parts.test, weights))
    values = {name: m.value for name, m in figures(card, final, resamples=2).items() if name != "ms_per_image"}
    if "auc" not in values:
        raise RecipeError(f"The test part of {recipe.source} has one class only.", "Use more of the data.")
    return {**values, "epochs": float(run.progress.epoch), "minutes": run.progress.minutes}


def _note(recipe: Recipe, bench: Bench, found: list[dict[str, float]]) -> str:
    """What the spread rests on, in words."""
    test = bench.parts.test
    slices, groups = sum(i.series.slices for i in test), len({i.group for i in test})
    names = " and ".join(u.name for u in bench.parts.use)
    epochs = sorted({int(f["epochs"]) for f in found})
    taken = counted(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]} epochs"
    said = [
        f"Recipe {recipe.source}, the same split, {taken} each; test part of {names}, {slices} slices of "
        f"{groups} groups; weights not packed."
    ]
    spreads = []
    for name, words in FURTHER.items():
        values = [f[name] for f in found if name in f and math.isfinite(f[name])]
        if len(values) == len(found):
            spreads.append(f"{words} {statistics.fmean(values):.3f} ± {statistics.stdev(values):.3f}")
    if spreads:
        said.append(f"At each seed's own threshold from validation: {', '.join(spreads)}.")
    return " ".join(said)
