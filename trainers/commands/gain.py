"""What the pooled pretraining brings: one recipe trained twice at one budget, from scratch and from our weights."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from core import places
from core.errors import ModelUnavailableError, RecipeError
from core.models.net import OverreadNet
from core.statistics.intervals import PairedDifference, paired_bootstrap
from core.statistics.ranking import roc_auc
from core.weights.answers import probabilities
from core.weights.repeats import PRETRAINING, add_entry
from trainers.commands.options import Accelerator, DataRoot, Limit, RecipeName, Runs, Threads
from trainers.data.parts import Parts, split_as
from trainers.fitting.fit import draft_card, labels_of
from trainers.fitting.initial import encoder_of
from trainers.fitting.logs import console
from trainers.fitting.loop import Run
from trainers.fitting.precision import launched
from trainers.fitting.recipe import Recipe, load_recipe, variant
from trainers.measuring.repeat import Bench, Setting, counted, fitted
from trainers.measuring.scoring import Scored, dice_with_tumour, predictions, scored

STARTS = ("scratch", "ours")
FIGURES = {
    "auc": "validation AUC",
    "dice": "validation Dice by volume",
    "macro_recall": "validation macro recall",
    "accuracy": "validation accuracy of the largest probability",
}


def gain_command(
    recipe: RecipeName,
    epochs: Annotated[int | None, typer.Option(help="Epochs of each training.", min=1)] = None,
    minutes: Annotated[float | None, typer.Option(help="Minutes of each training at most.")] = None,
    data: DataRoot = None,
    runs: Runs = places.RUNS,
    weights: Annotated[Path, typer.Option(help="The gain goes to pretraining.json in it.")] = places.WEIGHTS,
    accelerator: Accelerator = "auto",
    threads: Threads = 0,
    limit: Limit = None,
) -> None:
    """Train a recipe from scratch and from the pretrained backbone, and compare both on validation.

    Nothing is shipped, and the test part is not looked at. A stopped command goes on where it was.
    """
    if epochs is None and minutes is None:
        raise RecipeError("A comparison needs a budget.", "Give --epochs, --minutes or both.")
    chosen = load_recipe(recipe)
    setting = Setting(data, runs, weights, launched(accelerator, threads=threads), limit)
    pretraining_gain(chosen, epochs, minutes, setting)


def pretraining_gain(recipe: Recipe, epochs: int | None, minutes: float | None, setting: Setting) -> dict[str, object]:
    """Train both, compare, and write the recipe's entry in ``weights/pretraining.json``; returns it.

    Raises:
        ModelUnavailableError: no backbone was pretrained for the recipe's architecture.
        RecipeError: the pretraining split a set otherwise, so it may have learnt from validation patients.
    """
    bench = Bench.of(recipe, setting)
    check_split(recipe, bench.parts, setting.pretrained)
    trained: list[tuple[OverreadNet, Run]] = []
    for start in STARTS:
        budget = "" if epochs is None else f"-{epochs}-epochs"
        changes = {"initial_weights": start, "epochs": epochs or recipe.epochs}
        run = bench.run(variant(recipe, changes, f"gain-{start}{budget}"))
        trained.append((fitted(run, minutes), run))
    scores = [_on_validation(run.recipe, net, run, bench) for net, run in trained]
    figure = recipe.monitor if recipe.monitor in FIGURES else "auc"
    found = compared(figure, scores[1], scores[0])
    entry: dict[str, object] = {
        "recipe": recipe.source,
        "scratch": found.second,
        "ours": found.first,
        "monitor": FIGURES[figure],
        "note": _note([run for _, run in trained], scores[0], found) + _seen(recipe, setting.pretrained),
    }
    add_entry(setting.weights / PRETRAINING, entry, "recipe")
    console.print(f"{recipe.source}: {FIGURES[figure]} {found.second:.4f} from scratch, {found.first:.4f} from ours")
    console.print(str(entry["note"]))
    return entry


def check_split(recipe: Recipe, parts: Parts, pretrained: Path) -> None:
    """Refuse a backbone that was pretrained on another split of one of the recipe's sets.

    Raises:
        ModelUnavailableError, RecipeError: as told at :func:`pretraining_gain`.
    """
    encoder = encoder_of(recipe.architecture)
    try:
        seen = json.loads((pretrained / encoder / "about.json").read_text(encoding="utf-8"))["splits"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelUnavailableError(
            f"There is no pretrained backbone for {recipe.architecture} in {pretrained}.",
            f"Run: python -m trainers pretrain --architecture {encoder}",
        ) from error
    ours = {split_as(u.name): u.split_fingerprint for u in parts.use}
    for name, fingerprint in seen.items():
        set_name = name.rpartition(": ")[2]
        if ours.get(split_as(set_name), fingerprint) != fingerprint:
            raise RecipeError(
                f"The backbone {encoder} was pretrained on another split of {set_name} than {recipe.source} has: it "
                "may have learnt from validation patients.",
                "Pretrain again with the recipe's split.",
            )


def _seen(recipe: Recipe, pretrained: Path) -> str:
    """What is to be said of how the backbone was pretrained: nothing where classes and masks taught it."""
    about = json.loads((pretrained / encoder_of(recipe.architecture) / "about.json").read_text(encoding="utf-8"))
    return "" if about.get("labels_seen", True) else " Pretrained from images alone, without a label."


def _on_validation(recipe: Recipe, net: OverreadNet, run: Run, bench: Bench) -> Scored:
    """Scores with masks at 0.5 on every slice, no gate."""
    card = draft_card(recipe, bench.parts, run.progress, str(run.fabric.device)).model_copy(update={"gate": None})
    validation = bench.parts.validation
    return scored(card, validation, predictions(net, card, validation), labels_of(recipe))


def compared(figure: str, first: Scored, second: Scored) -> PairedDifference:
    """A figure of two networks on the same slices, and its difference by paired bootstrap of whole groups.

    Args:
        figure: one of :data:`FIGURES`.
    """
    if figure == "dice":
        assert first.masks is not None
        assert second.masks is not None
        assert first.truths is not None
        values = [dice_with_tumour(s.masks, first.truths, first.groups) for s in (first, second) if s.masks is not None]
        return paired_bootstrap(_mean, [values[0]], [values[1]])
    if figure == "auc":
        return paired_bootstrap(roc_auc, [first.truth, first.finding], [second.truth, second.finding], first.groups)
    answers = [probabilities(s.logits).argmax(1) for s in (first, second)]
    statistic: Callable[..., float] = _macro_recall if figure == "macro_recall" else _accuracy
    return paired_bootstrap(statistic, [first.classes, answers[0]], [second.classes, answers[1]], first.groups)


def _mean(values: np.ndarray) -> float:
    return float(values.mean())


def _accuracy(truth: np.ndarray, answer: np.ndarray) -> float:
    return float((truth == answer).mean())


def _macro_recall(truth: np.ndarray, answer: np.ndarray) -> float:
    return float(np.mean([(answer[truth == k] == k).mean() for k in np.unique(truth)]))


def _note(runs: Sequence[Run], scores: Scored, found: PairedDifference) -> str:
    """What the comparison rests on, in words."""
    epochs = [run.progress.epoch for run in runs]
    taken = f"{counted(epochs[0])} each" if epochs[0] == epochs[1] else f"{epochs[0]} and {epochs[1]} epochs"
    d = found.difference
    interval = f" ({d.low:+.3f} to {d.high:+.3f}, p {found.p:.3f}, {d.method})" if math.isfinite(d.low) else ""
    rests = f"{len(scores.truth)} validation slices of {len(set(scores.groups))} groups"
    return f"{taken}, of both the one that the recipe ships; {rests}; difference {d.value:+.3f}{interval}."
