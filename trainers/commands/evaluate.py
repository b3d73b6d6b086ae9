"""Measure the shipped models of a system on a folder of labelled scans, by the path that serves the pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from core.engine.engine import Engine
from core.errors import DataLayoutError, ModelUnavailableError
from core.systems import SYSTEMS, System
from core.weights.answers import probabilities
from core.weights.card import ModelCard
from trainers.data.digests import DIGESTS, pixel_digest, read_digests, seen_before
from trainers.data.inserted import with_lesions
from trainers.data.items import Item
from trainers.data.sets import reader_of
from trainers.measuring.classwise import class_figures
from trainers.measuring.ensemble import add_ensemble
from trainers.measuring.modalities import evaluate_modalities
from trainers.measuring.panel import Panel
from trainers.measuring.report import report_of
from trainers.measuring.scoring import Scored, baselines, figures, threshold_figures, with_intervals
from trainers.measuring.tables import figure_table

__all__ = ["evaluate", "evaluate_command", "pixel_digest", "read_folder", "without_training_pictures"]

console = Console()
if not console.is_terminal:  # a file or a pipe has no width: the table must not be folded to a guessed one
    console = Console(width=320)
notices = Console(stderr=True)


def known_system(name: str) -> System:
    """A system that can be evaluated.

    Raises:
        DataLayoutError: unknown, or its module names no data sets.
    """
    known = {system.name: system for system in SYSTEMS.values() if any(s.measured for s in system.sets)}
    if name not in known:
        raise DataLayoutError(f"{name} cannot be evaluated.", f"Known: {', '.join(known)}.")
    return known[name]


def read_folder(name: str, folder: Path) -> list[Item]:
    """Items of a folder laid out like one of the system's sets, or like all of them where its module says so.

    Raises:
        DataLayoutError: unknown system, another layout, or labels that the system does not know.
    """
    system, errors = known_system(name), []
    found: list[Item] = []
    for layout in (s.name for s in system.sets if s.measured):
        try:
            found += reader_of(layout)(folder)
        except DataLayoutError as error:
            if system.pooled:
                raise
            errors.append(f"as {layout}: {error.message}")
        if found and not system.pooled:
            break
    if not found:
        raise DataLayoutError(f"{folder} cannot be read {'; '.join(errors)}", "See data/cards for the layouts.")
    unknown = sorted({label for item in found for label in item.labels} - set(system.labels))
    if unknown:
        raise DataLayoutError(f"{folder} has the labels {unknown}.", f"Known: {', '.join(system.labels)}.")
    return found


def without_training_pictures(items: Sequence[Item], seen: Collection[str]) -> tuple[list[Item], int]:
    """Leave out pictures whose pixels are exactly those of a training picture, and count them.

    A volume goes as a whole, when most of its slices were trained on: blank slices are alike in every patient.

    Args:
        seen: digests from :func:`pixel_digest`, whole or as shipped with the models.

    Returns:
        The items that are left, and the number of pictures that are not.
    """
    known = [sum(seen_before(plane, seen) for plane in item.series.pixels) for item in items]
    kept = [item for item, count in zip(items, known, strict=True) if 2 * count <= item.series.slices]
    return kept, sum(i.series.slices for i in items) - sum(i.series.slices for i in kept)


def evaluate(
    panel: Panel, items: Sequence[Item], *, progress: Callable[[float], None] | None = None
) -> dict[str, object]:
    """Figures of every model of a system that can answer, in the JSON form of ``python -m trainers evaluate``.

    A model without weights, with refused ones, or that cannot read all the items is named under ``left_out_models``.

    Raises:
        ModelUnavailableError: no model of the system can read the items.
    """
    system = known_system(panel.system)
    labels = system.labels
    if system.pair is not None:
        found = evaluate_modalities(items, panel, system, progress=progress)
        return found | {"left_out_models": panel.left_out}
    answers = panel.scores(items, labels, progress=progress)
    if not answers:
        raise ModelUnavailableError(
            f"No model of {system.name} can read these images: {'; '.join(panel.left_out.values())}",
            "Look at one of them in the Review page.",
        )
    models = {name: _model_figures(panel.cards[name], items, s) for name, s in answers.items()}
    truth = np.array([labels[label] > 0 for item in items for label in item.labels])
    add_ensemble(models, panel.cards, answers, panel.weights)
    return {
        "system": system.name,
        "n": len(truth),
        "groups": len({item.group for item in items}),
        "models": models,
        "baselines": baselines(truth, items),
        "left_out_models": panel.left_out,
    }


def _model_figures(card: ModelCard, items: Sequence[Item], s: Scored) -> dict[str, object]:
    out = with_intervals(figures(card, s), threshold_figures(card.threshold))
    names = [label.replace("-", " ") for item in items for label in item.labels]
    classes = [name.replace("-", " ") for name in card.classes]
    if len(classes) > 2 and set(names) <= set(classes):
        whole, single = class_figures(classes, names, probabilities(s.logits, card.temperature), s.groups)
        out = with_intervals(whole, out)
        out["recall"] = {name: metric.value for name, metric in single.items()}
        out["recall_low"] = {name: metric.low for name, metric in single.items()}
        out["recall_high"] = {name: metric.high for name, metric in single.items()}
        return out | report_of(card, s, np.array([classes.index(name) for name in names]))
    return out | report_of(card, s)


def evaluate_command(
    system: str, folder: Path, out: Path | None, weights: Path, split: str | None, insert_lesions: int | None = None
) -> None:
    """Read, score, print a table, write JSON."""
    if insert_lesions is not None and not known_system(system).inserts:
        raise DataLayoutError("Lesions are inserted into PET projections only.", "Leave --insert-lesions out.")
    known_system(system)
    # before the reading, which may be long: a system without weights ends here
    panel = Panel(Engine(weights), system, lambda text: notices.print(text, soft_wrap=True))
    items = read_folder(system, folder)
    counts: dict[str, int] = {}
    chosen, others = list(items), list[Item]()
    if split is not None:
        chosen, others = ([i for i in items if (i.split == split) is own] for own in (True, False))
        if not chosen:
            raise DataLayoutError(f"No image of {folder} is in a split called {split!r}.", "Leave --split out.")
    seen = {d for path in sorted((weights / system).glob(f"*/{DIGESTS}")) for d in read_digests(path)}
    seen |= {pixel_digest(i.series.pixels[0]) for i in others if i.series.slices == 1}
    chosen, counts["left_out_training_pictures"] = without_training_pictures(chosen, seen)
    if insert_lesions is not None:
        chosen, counts["left_out_canvases"] = with_lesions(chosen, insert_lesions)
    if not chosen:
        raise DataLayoutError(f"No image of {folder} is left to measure on.", "All are training pictures.")
    with Progress(console=notices, transient=True) as bar:
        job = bar.add_task(f"{system}: {len(chosen)} series", total=1.0)
        result = evaluate(panel, chosen, progress=lambda f: bar.update(job, completed=f))
    result |= counts
    for table in figure_table(result):
        console.print(table)
    for what, count in counts.items():
        if count:
            console.print(f"{what.replace('_', ' ')}: {count}")
    if out is not None:
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
