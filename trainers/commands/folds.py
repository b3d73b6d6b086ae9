"""Cross-validation of a recipe by patient, to choose between recipes: a few dozen validation patients cannot.

The patients of the training and validation parts are dealt into folds; each fold is answered by a network that was
trained on the others. The test part is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from lightning_fabric import Fabric

from core import places
from core.errors import RecipeError
from core.statistics.intervals import bootstrap_by_group
from core.statistics.ranking import roc_auc
from core.weights.folder import load_card
from core.weights.repeats import FOLDS, add_entry
from trainers.commands.options import Accelerator, DataRoot, Epochs, Limit, RecipeName, Runs, Start, Threads
from trainers.data.items import Item, fold_groups
from trainers.data.parts import Parts, read_parts
from trainers.data.sets import folder_of
from trainers.data.tensors import to_cases
from trainers.fitting.fit import draft_card, labels_of
from trainers.fitting.logs import console
from trainers.fitting.loop import Run
from trainers.fitting.precision import launched
from trainers.fitting.recipe import Recipe, load_recipe, variant, with_initial_weights
from trainers.measuring.repeat import counted, fitted
from trainers.measuring.scoring import predictions, scored

ANSWERS = "answers.parquet"


def folds_command(
    recipe: RecipeName,
    folds: Annotated[int, typer.Option(help="Into how many folds the patients are dealt.", min=2)] = 4,
    epochs: Epochs = None,
    init: Start = None,
    data: DataRoot = None,
    runs: Runs = places.RUNS,
    weights: Annotated[Path, typer.Option(help="The figures go to <system>/folds.json in it.")] = places.WEIGHTS,
    accelerator: Accelerator = "auto",
    threads: Threads = 0,
    limit: Limit = None,
) -> None:
    """Cross-validate a recipe over all patients outside its test part; no weights are shipped.

    A stopped command goes on where it was.
    """
    chosen = load_recipe(recipe)
    if init is not None:
        chosen = with_initial_weights(chosen, init)
    fabric = launched(accelerator, threads=threads)
    cross_validate(chosen, folds, epochs, data=data, runs=runs, weights=weights, fabric=fabric, limit=limit)


def cross_validate(
    recipe: Recipe,
    folds: int,
    epochs: int | None,
    *,
    data: Path | None,
    runs: Path,
    weights: Path,
    fabric: Fabric,
    limit: int | None = None,
) -> dict[str, object]:
    """Train and judge every fold and write the entry of the recipe's model in ``weights/<system>/folds.json``.

    The end of the schedule is judged: choosing an epoch by the fold it is judged on would flatter.

    Raises:
        RecipeError: what the recipe starts from was itself trained on patients of the folds; or there are fewer
            patients than folds.
    """
    check_start(recipe, weights)
    parts = read_parts(recipe, data, limit=limit)
    items = [*parts.train, *parts.validation]
    fold_of = fold_groups([i for i in items if i.counted], folds)
    if len(fold_of) < folds:
        raise RecipeError(f"There are {len(fold_of)} patients for {folds} folds.", "Use fewer folds.")
    frames, devices = [], list[str]()
    for fold in range(folds):
        slug = f"fold-{fold}-of-{folds}" + ("" if epochs is None else f"-{epochs}-epochs")
        changes = {"keep": "last", "patience": 0, "epochs": epochs or recipe.epochs}
        own = variant(recipe, changes, slug)
        frame = _answers(own, parts, items, fold_of, fold, runs=runs, weights=weights, fabric=fabric, devices=devices)
        frames.append(frame)
    answers = pd.concat(frames, ignore_index=True)
    entry = entry_of(recipe, answers, epochs or recipe.epochs, devices)
    add_entry(weights / recipe.system / FOLDS, entry, "model")
    console.print(f"{recipe.source}: AUC of the folds {entry['auc']}. {entry['note']}")
    return entry


def check_start(recipe: Recipe, weights: Path) -> None:
    """Refuse a start that has learnt from the recipe's sets, itself or through the model that it started from.

    Raises:
        RecipeError: it has.
    """
    ours = {folder_of(part.name) for part in recipe.data}
    start, asked = recipe.initial_weights, set[str]()
    while start.startswith("model:") and start not in asked:
        asked.add(start)
        name = start.removeprefix("model:")
        card = None if name == f"{recipe.system}/{recipe.model}" else load_card(weights / name)
        if card is None or ours & {folder_of(use.name) for use in card.data}:
            raise RecipeError(
                f"{recipe.source} starts from {name}, which was trained on the patients of the folds.",
                "Give another start with --init.",
            )
        start = card.training.initial_weights
    if start == "ours":
        raise RecipeError(
            f"{recipe.source} starts from the pooled pretraining, which has seen the patients of the folds.",
            "Give another start with --init.",
        )


def _answers(
    recipe: Recipe,
    parts: Parts,
    items: Sequence[Item],
    fold_of: dict[str, int],
    fold: int,
    *,
    runs: Path,
    weights: Path,
    fabric: Fabric,
    devices: list[str],
) -> pd.DataFrame:
    """What a network trained on the other folds says of one, a row a slice; ``devices`` is added to."""
    labels = labels_of(recipe)
    kept = [i for i in items if i.simulated or fold_of[i.group] != fold]
    asked = [i for i in items if i.counted and fold_of[i.group] == fold]
    train, judged = (to_cases(some, recipe.contract, labels) for some in (kept, asked))
    run = Run(recipe, train, judged, runs / recipe.source, fabric, resume=True, pretrained=weights / "pretrained")
    net = fitted(run, None)
    devices += [name for name in run.progress.devices if name not in devices]
    card = draft_card(recipe, parts, run.progress, "").model_copy(update={"gate": None})
    s = scored(card, asked, predictions(net, card, asked), labels)
    frame = pd.DataFrame({"id": s.ids, "group": s.groups, "fold": fold, "truth": s.truth, "finding": s.finding})
    frame.to_parquet(runs / recipe.source / ANSWERS, index=False)
    return frame


def entry_of(recipe: Recipe, answers: pd.DataFrame, epochs: int, devices: Sequence[str]) -> dict[str, object]:
    """The entry of ``folds.json``: AUC of every fold, and over all answers with an interval by patient.

    Args:
        answers: ``id``, ``group``, ``fold``, ``truth`` and ``finding`` (probability, not calibrated) of every slice.
    """
    by_fold = [part for _, part in answers.groupby("fold", sort=True)]
    if any(part["truth"].nunique() < 2 for part in by_fold):
        raise RecipeError("A fold has one class only.", "Use fewer folds.")
    whole = bootstrap_by_group(
        roc_auc,
        [answers["truth"].to_numpy(bool), answers["finding"].to_numpy(float)],
        answers["group"].to_numpy(str),
    )
    entry: dict[str, object] = {
        "model": recipe.model,
        "auc": [_auc(part) for part in by_fold],
        "pooled": {name: round(float(getattr(whole, name)), 4) for name in ("value", "low", "high")},
    }
    of_patients = [_patients(part) for part in by_fold]
    if all(part["truth"].nunique() == 2 for part in of_patients):
        entry["patient_auc"] = [_auc(part) for part in of_patients]
    entry["note"] = (
        f"Recipe {recipe.source}, {counted(epochs)} each, the end of the schedule judged; {len(answers):,} slices of "
        f"{answers['group'].nunique()} groups of its training and validation parts, each answered by a network that "
        f"never saw its group; test part not read; weights not packed; trained on {', '.join(devices)}."
    )
    return entry


def _auc(answers: pd.DataFrame) -> float:
    return round(float(roc_auc(answers["truth"].to_numpy(bool), answers["finding"].to_numpy(float))), 4)


def _patients(answers: pd.DataFrame) -> pd.DataFrame:
    """Truth and mean finding of every patient that has one truth."""
    every = answers.groupby("group").agg(
        truth=("truth", "max"), least=("truth", "min"), finding=("finding", "mean"), slices=("truth", "size")
    )
    plain = bool((every["truth"] == every["least"]).all() and (every["slices"] > 1).any())
    return every if plain else every.iloc[:0]
