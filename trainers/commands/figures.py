"""The figures of shipped cards, computed again from their stored predictions: no image and no network is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from core.errors import ModelUnavailableError
from core.weights.card import ModelCard
from core.weights.folder import CARD
from core.weights.predictions import Part, load, models_with
from trainers.commands.options import DataRoot
from trainers.data.parts import read_parts
from trainers.fitting.fit import ROOT
from trainers.fitting.logs import console
from trainers.fitting.recipe import load_recipe
from trainers.measuring.classwise import by_class
from trainers.measuring.scoring import Scored, baselines, constant_answers, figures, mask_figures


def figures_command(
    model: Annotated[str | None, typer.Option(help="system/name; by default every model with predictions.")] = None,
    images: Annotated[
        bool, typer.Option(help="Read the images too, for the baselines that rest on grey levels.")
    ] = False,
    data: DataRoot = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = ROOT / "weights",
) -> None:
    """Compute the cards' test figures and their intervals again, from the stored predictions."""
    names = [model] if model else models_with(weights)
    if not names:
        raise ModelUnavailableError(f"No model in {weights} has predictions.", "Train one, or restore its folder.")
    for name in names:
        card = again(weights / name, data if images else None, images=images)
        if "auc" in card.metrics:
            auc = card.metrics["auc"]
            console.print(f"{name}: AUC {auc.value:.3f} [{auc.low}, {auc.high}], {len(card.metrics)} figures")


def again(folder: Path, data: Path | None = None, *, images: bool = False) -> ModelCard:
    """The card of a model with its figures measured on the stored test predictions; written back.

    What stored predictions do not tell, the time an image takes and baselines of grey levels, stays as it was.

    Raises:
        ModelUnavailableError: no card or no predictions of a test part.
    """
    found = load(folder)
    part = found.part("test")
    if part is None:
        raise ModelUnavailableError(f"{folder.name} has no test predictions.", "Train it again with its recipe.")
    s = _scored(part)
    metrics = {k: m for k, m in figures(found.card, s).items() if k != "ms_per_image"}
    if part.mask_pixels is not None and part.truth_pixels is not None and part.shared_pixels is not None:
        metrics |= mask_figures(part.mask_pixels, part.truth_pixels, part.shared_pixels, s.groups)
    metrics |= by_class(found.card, s)
    kept = {k: m for k, m in found.card.metrics.items() if k not in metrics}
    base = dict(found.card.baselines) | constant_answers(s.truth, s.groups)
    if images:
        items = read_parts(load_recipe(found.card.training.recipe), data).test
        base = baselines(s.truth, items)
    card = found.card.model_copy(update={"metrics": metrics | kept, "baselines": base})
    card.save(folder / CARD)
    return card


def _scored(part: Part) -> Scored:
    groups = np.asarray(part.groups).astype(str)
    return Scored(part.ids, groups, part.classes, part.truth, part.logits, part.finding, None, None, 0.0)
