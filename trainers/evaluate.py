"""Measure the shipped models of a system on a folder of labelled scans, through the engine that serves the pages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from core.engine.engine import Engine
from core.engine.results import ModelResult, ModelStatus
from core.errors import DataLayoutError, OverreadError
from core.imaging.study import SourceKind, Study
from core.models.card import ModelCard
from trainers.data.items import Item
from trainers.data.sets import READERS
from trainers.scoring import Scored, baselines, figures

console = Console()
notices = Console(stderr=True)


@dataclass(frozen=True)
class Task:
    """How a system is evaluated: folder layouts it understands, and the label texts that count as a finding."""

    layouts: tuple[str, ...]
    labels: dict[str, int]


TASKS = {
    "brain-mr": Task(("brain-lgg",), {"no tumour": 0, "tumour": 1}),
    "chest-ct": Task(("lung-ct",), {"normal": 0, "benign": 0, "malignant": 1}),
}


def read_folder(system: str, folder: Path) -> list[Item]:
    """Items of a folder laid out like one of the system's sets.

    Raises:
        DataLayoutError: the system has no evaluation yet, or the folder is laid out differently.
    """
    if system not in TASKS:
        raise DataLayoutError(f"{system} cannot be evaluated yet.", f"Known: {', '.join(TASKS)}.")
    errors = []
    for layout in TASKS[system].layouts:
        try:
            return READERS[layout](folder)
        except DataLayoutError as error:
            errors.append(f"as {layout}: {error.message}")
    raise DataLayoutError(f"{folder} cannot be read {'; '.join(errors)}", "See data/cards for the layouts.")


def without_training_pictures(items: Sequence[Item], seen: set[str]) -> tuple[list[Item], int]:
    """Leave out single pictures whose pixels are exactly those of a training picture; volumes are kept whole.

    Args:
        seen: SHA-256 digests from :func:`pixel_digest`.
    """
    kept = [i for i in items if i.series.slices > 1 or pixel_digest(i.series.pixels[0]) not in seen]
    return kept, len(items) - len(kept)


def pixel_digest(plane: np.ndarray) -> str:
    """SHA-256 of a slice's pixels and shape."""
    return hashlib.sha256(f"{plane.shape}".encode() + np.ascontiguousarray(plane).tobytes()).hexdigest()


def evaluate(
    system: str, items: Sequence[Item], engine: Engine, *, progress: Callable[[float], None] | None = None
) -> dict[str, object]:
    """Figures of every ready model of a system, in the JSON form of ``python -m trainers evaluate``.

    Models without usable weights are left out.

    Raises:
        OverreadError: a model answered for some of the images only; figures on a part would flatter.
    """
    task = TASKS[system]
    answers: dict[str, list[ModelResult]] = {}
    for number, item in enumerate(items):
        study = Study(item.group, SourceKind.RASTER, (item.series,), "")
        for result in engine.review(study, system).results:
            if result.finding is not None:
                answers.setdefault(result.state.name, []).append(result)
        if progress is not None:
            progress((number + 1) / len(items))
    models: dict[str, dict[str, float]] = {}
    for name, results in answers.items():
        if len(results) != len(items):
            raise OverreadError(
                f"{name} answered for {len(results)} of {len(items)} series.",
                "Every image must be scored: look at the images it refuses in the Review page.",
            )
        card = results[0].state.card
        assert card is not None
        s = _scored(card, items, results, task.labels)
        out: dict[str, float] = {"threshold": card.threshold.value}
        for figure, metric in figures(card, s).items():
            out[figure] = metric.value
            if figure not in ("ece", "ms_per_image") and metric.low is not None and metric.high is not None:
                out[f"{figure}_low"], out[f"{figure}_high"] = metric.low, metric.high
        models[name] = out
    truth = np.array([task.labels[label] > 0 for item in items for label in item.labels])
    return {
        "system": system,
        "n": len(truth),
        "groups": len({i.group for i in items}),
        "models": models,
        "baselines": baselines(truth, items),
    }


def _scored(card: ModelCard, items: Sequence[Item], results: Sequence[ModelResult], labels: dict[str, int]) -> Scored:
    classes = np.array([labels[label] for item in items for label in item.labels])
    masks = truths = None
    if all(r.mask is not None for r in results) and any(i.series.truth is not None for i in items):
        masks = [m for r in results for m in r.mask]  # type: ignore[union-attr]
        truths = [
            t
            for i in items
            for t in (np.zeros(i.series.pixels.shape, bool) if i.series.truth is None else i.series.truth)
        ]
    return Scored(
        ids=np.array([name for item in items for name in item.ids]),
        groups=np.array([item.group for item in items for _ in item.labels]),
        classes=classes,
        truth=classes > 0,
        logits=np.concatenate([r.raw for r in results]),  # type: ignore[misc]
        finding=np.concatenate([r.finding for r in results]),  # type: ignore[misc]
        masks=masks,
        truths=truths,
        seconds=float(np.average([r.seconds for r in results], weights=[len(r.finding) for r in results])),  # type: ignore[arg-type]
    )


def evaluate_command(system: str, folder: Path, out: Path | None, weights: Path, split: str | None) -> None:
    """Read, score, print a table, write JSON."""
    items = read_folder(system, folder)
    if split is not None:
        items = [i for i in items if i.split == split]
        if not items:
            raise DataLayoutError(f"No image of {folder} is in a split called {split!r}.", "Leave --split out.")
    engine = Engine(weights)
    for state in engine.states(system):
        if state.status is not ModelStatus.READY:
            notices.print(f"{state.name} is left out ({state.status}): {state.reason}")
    with Progress(console=notices, transient=True) as bar:
        job = bar.add_task(f"{system}: {len(items)} series", total=1.0)
        result = evaluate(system, items, engine, progress=lambda f: bar.update(job, completed=f))
    console.print(_table(result))
    if out is not None:
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _table(result: dict) -> Table:  # type: ignore[type-arg]
    table = Table(title=f"{result['system']}: {result['n']} images of {result['groups']} groups, 95 % intervals")
    names = list(result["models"])
    table.add_column("")
    for name in [*names, *result["baselines"]]:
        table.add_column(name, justify="right")
    rows = dict.fromkeys(k for m in result["models"].values() for k in m if not k.endswith(("_low", "_high")))
    for row in rows:
        cells = [_cell(result["models"][name], row) for name in names]
        table.add_row(row, *cells, *(_cell(b, row) for b in result["baselines"].values()))
    return table


def _cell(values: dict[str, float], row: str) -> str:
    if row not in values:
        return ""
    digits = 1 if row == "ms_per_image" else 3
    text = f"{values[row]:.{digits}f}"
    if f"{row}_low" in values:
        text += f" [{values[f'{row}_low']:.{digits}f}, {values[f'{row}_high']:.{digits}f}]"
    return text
