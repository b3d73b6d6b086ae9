"""From a recipe to a shipped model: read, split, train, calibrate on validation, measure on test once, save."""

from __future__ import annotations

import datetime
import platform
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric

from core import places
from core.engine.predict import SeriesPrediction
from core.models.net import OverreadNet
from core.models.registry import create
from core.statistics import thresholds
from core.statistics.calibration import fit_temperature
from core.weights.answers import finding_probability, probabilities
from core.weights.card import ModelCard, Threshold, Training
from core.weights.predictions import PREDICTIONS
from core.weights.store import load_model, save_model
from trainers.data.digests import DIGESTS, write_digests
from trainers.data.items import Item
from trainers.data.parts import Parts, read_parts
from trainers.data.tensors import to_cases
from trainers.fitting.curve import draw_curve
from trainers.fitting.loop import Progress, Run, console
from trainers.fitting.precision import device_name
from trainers.fitting.recipe import Recipe
from trainers.fitting.teacher import check_teachers
from trainers.measuring.classwise import by_class
from trainers.measuring.mask_rule import mask_rule
from trainers.measuring.scoring import baselines, figures, predictions, scored

ROOT = places.HOME


def train_recipe(
    recipe: Recipe,
    *,
    folder: Path | None,
    runs: Path,
    weights: Path,
    minutes: float | None,
    resume: bool,
    fabric: Fabric,
    limit: int | None = None,
    finish: bool = True,
    pretrained: Path | None = None,
) -> Progress:
    """Train a recipe and ship its best epoch to ``weights/<system>/<model>``."""
    parts = read_parts(recipe, folder, limit=limit)
    check_teachers(recipe, parts.use, weights)
    train, validation = (to_cases(p, recipe.contract, labels_of(recipe)) for p in (parts.train, parts.validation))
    console.print(f"{recipe.source}: {len(train)} training and {len(validation)} validation slices")
    begun = pretrained or weights / "pretrained"  # starts and teachers lie beside what is shipped
    run = Run(recipe, train, validation, runs / recipe.source, fabric, resume=resume, pretrained=begun)
    progress = run.fit(minutes=minutes)
    if not fabric.is_global_zero:
        return progress  # one process ships
    if finish and not run.best_state:
        console.print(f"{recipe.source}: no epoch was completed, so there is nothing to ship")
    elif finish:
        told = ", ".join(progress.devices) or device_name(fabric.device)
        ship(recipe, parts, run.best_state, progress, weights, device=told)
    return progress


def labels_of(recipe: Recipe) -> dict[str, int]:
    """Class index of every label text of the recipe's sets."""
    return {name: index for part in recipe.data for name, index in part.labels.items()}


def network_of(recipe: Recipe, state: dict[str, torch.Tensor]) -> OverreadNet:
    """The recipe's network with trained weights, in evaluation mode."""
    net = create(
        recipe.architecture,
        classes=len(recipe.classes),
        channels=recipe.contract.channels,
        size=(recipe.contract.height, recipe.contract.width),
    )
    net.load_state_dict(state)
    return net.eval()


def draft_card(recipe: Recipe, parts: Parts, progress: Progress, device: str, version: str = "1") -> ModelCard:
    """A card without figures yet."""
    return ModelCard(
        system=recipe.system,
        name=recipe.model,
        title=recipe.title,
        version=version,
        architecture=recipe.architecture,
        role=recipe.role,
        classes=recipe.classes,
        positive=recipe.positive,
        contract=recipe.contract,
        gate=recipe.gate,
        members=recipe.members,
        test_time_flips=recipe.test_time_flips,
        along=recipe.along,
        threshold=Threshold(value=0.5, rule="not chosen", data="", n=0),
        data=parts.use,
        training=Training(
            recipe=recipe.source,
            recipe_sha256=recipe.sha256,
            initial_weights=recipe.initial_weights,
            teachers=recipe.teacher.models if recipe.teacher else (),
            date=datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
            code_version=code_version(),
            device=f"{device}, {platform.machine()}",
            minutes=round(progress.minutes, 1),
            epochs=progress.epoch,
            seed=recipe.seed,
            learning_curve=progress.curve,
        ),
        metrics={},
        published=recipe.published,
        intended_use=recipe.intended_use,
        limits=recipe.limits,
        parameters=0,
        weights_sha256="0" * 64,
    )


def next_version(folder: Path) -> str:
    """One above that of the model that is replaced: thresholds and scores belong to a version."""
    try:
        return str(int(ModelCard.load(folder / "card.json").version) + 1)
    except (OSError, ValueError):
        return "1"


def code_version() -> str:
    """Short commit hash of the code, or ``unknown`` outside a checkout."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607  (the user's own git, wherever it is)
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def ship(
    recipe: Recipe, parts: Parts, state: dict[str, torch.Tensor], progress: Progress, weights: Path, *, device: str
) -> ModelCard:
    """Calibrate and threshold on validation, measure on test, write weights, card, predictions and learning curve."""
    return ship_network(recipe, parts, network_of(recipe, state), progress, weights, device=device)


def ship_network(
    recipe: Recipe,
    parts: Parts,
    net: OverreadNet,
    progress: Progress,
    weights: Path,
    *,
    device: str,
    on_validation: list[SeriesPrediction] | None = None,
) -> ModelCard:
    """As :func:`ship`, of a network in evaluation mode.

    Args:
        on_validation: answers that choose the operating point, where they are not the network's own: out-of-fold
            answers of members, which the members together could only repeat with hindsight.
    """
    labels = labels_of(recipe)
    folder = weights / recipe.system / recipe.model
    card = draft_card(recipe, parts, progress, device, next_version(folder))
    own = on_validation is None
    if on_validation is None:
        on_validation = predictions(net, card, parts.validation)
    gate_validation = other_gate(card, parts.validation, weights)
    card = calibrated(recipe, card, parts, on_validation, gate_validation)

    # measured on what is shipped: the stored weights, read back
    save_model(net, card, folder, recipe.storage)
    stored, card = load_model(folder)
    exact = scored(card, parts.validation, on_validation, labels, gate_validation)
    again, change = exact, dict[str, float]()
    if own:
        again = scored(card, parts.validation, predictions(stored, card, parts.validation), labels, gate_validation)
        before, after = figures(card, exact, resamples=2), figures(card, again, resamples=2)
        change = {k: after[k].value - before[k].value for k in ("auc", "dice_volume_mean") if k in before}
    on_test = predictions(stored, card, parts.test)
    final = scored(card, parts.test, on_test, labels, other_gate(card, parts.test, weights))
    card = card.model_copy(
        update={
            "metrics": figures(card, final) | by_class(card, final),
            "baselines": baselines(final.truth, parts.test),
            "storage_change": change,
        }
    )
    card = save_model(net, card, folder, recipe.storage)
    write_digests(folder / DIGESTS, [*parts.train, *parts.validation])
    _write_predictions(folder / PREDICTIONS, {"validation": again, "test": final})
    if progress.curve:
        title = f"{recipe.system}/{recipe.model}: {recipe.title}"
        draw_curve(progress.curve, folder / "curve.png", title=title, chosen=progress.best_epoch + 1)
    for name, metric in card.metrics.items():
        console.print(f"  {name:20s} {metric.value:.4f}  [{metric.low}, {metric.high}]  n {metric.n}")
    return card


def calibrated(
    recipe: Recipe, card: ModelCard, parts: Parts, on_validation: list[SeriesPrediction], gate: np.ndarray | None
) -> ModelCard:
    """The card with temperature, threshold and, for a segmenter, mask rule, all from validation.

    Args:
        on_validation: what the network says about the validation part.
        gate: decisions of another model that gates it there, see :func:`other_gate`.
    """
    labels, multi = labels_of(recipe), len(recipe.classes) > 2
    rough = scored(card, parts.validation, on_validation, labels)
    temperature = float(fit_temperature(rough.logits, rough.classes if multi else rough.truth))
    card = card.model_copy(update={"temperature": temperature})
    calm = scored(card, parts.validation, on_validation, labels)
    card = card.model_copy(update={"threshold": _threshold(recipe, calm.truth, calm.finding, calm.groups, parts)})
    if recipe.role == "segmenter":
        rule = mask_rule(card, parts.validation, on_validation, labels, gate, recipe.false_masks)
        card = card.model_copy(update=rule)
    return card


def _threshold(recipe: Recipe, truth: np.ndarray, finding: np.ndarray, groups: np.ndarray, parts: Parts) -> Threshold:
    rule = recipe.threshold_rule
    names = ", ".join(u.name for u in parts.use)
    if rule == "even-odds":
        # few patients place a threshold badly: this one was taught by all, and rests on none of them
        said = "even odds, as the training showed as many of either kind"
        return Threshold(value=0.5, rule=said, data=f"training part of {names}", n=sum(u.train for u in parts.use))
    if rule == "sensitivity-0.94":
        choice = thresholds.at_sensitivity(truth, finding, 0.94, groups)
    elif rule == "youden":
        choice = thresholds.youden(truth, finding, groups)
    else:
        choice = thresholds.balanced_accuracy_optimum(truth, finding, groups)
    told = "validation part" if recipe.members == 1 else "out-of-fold answers on all but the test part"
    return Threshold.of(choice, f"{told} of {names}")


def other_gate(card: ModelCard, items: list[Item], weights: Path) -> np.ndarray | None:
    """Where another model gates this one: its decisions; ``None`` when the model gates itself or nothing does."""
    if card.gate is None or card.gate == card.name:
        return None
    net, other = load_model(weights / card.system / card.gate)
    logits = np.concatenate([p.logits for p in predictions(net, other, items)])
    return finding_probability(probabilities(logits, other.temperature), other) >= other.threshold.value


def _write_predictions(path: Path, parts: dict[str, object]) -> None:
    frames = []
    for name, s in parts.items():
        frame = pd.DataFrame(
            {"id": s.ids, "group": s.groups, "split": name, "truth": s.classes}  # type: ignore[attr-defined]
        )
        for column in range(s.logits.shape[1]):  # type: ignore[attr-defined]
            frame[f"logit_{column}"] = s.logits[:, column].astype(np.float32)  # type: ignore[attr-defined]
        if s.masks is not None:  # type: ignore[attr-defined]
            frame["mask_pixels"] = [int(m.sum()) for m in s.masks]  # type: ignore[attr-defined]
            frame["truth_pixels"] = [int(m.sum()) for m in s.truths]  # type: ignore[attr-defined]
            frame["shared_pixels"] = [
                int((m & t).sum())
                for m, t in zip(s.masks, s.truths, strict=True)  # type: ignore[attr-defined]
            ]
        frames.append(frame)
    pd.concat(frames).to_parquet(path, index=False, compression="zstd", compression_level=19)
