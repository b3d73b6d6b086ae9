"""Every export of the shipped models against the original, on images: ``python -m trainers export-check``."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from core.engine.predict import answered
from core.errors import ContractError, OverreadError
from core.evidence.timing import machine_name
from core.imaging.study import Series
from core.models.net import OverreadNet
from core.preprocessing.prepare import prepare
from core.simulate import samples
from core.systems import SYSTEMS, adapt, system
from core.weights.answers import finding_probability, probabilities
from core.weights.card import ModelCard
from core.weights.exported.manifest import Link
from core.weights.exported.runtimes import Answers, opened
from core.weights.store import WEIGHTS, load_card, load_model
from trainers.data.parts import divided
from trainers.data.sets import folder_of, load_items
from trainers.exporting import formats
from trainers.exporting.exported import Exported, facts
from trainers.fitting.recipe import load_recipe

FORMATS = (Link.PT2, Link.ONNX, Link.OPENVINO)
REPEATS = 5
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Parity:
    """One export held against its original.

    Attributes:
        images: by part (``simulated``, ``validation``). difference: largest of any probability there,
            of a class or of a finding.
        mask: largest difference of the mask's probability over all images; ``None`` without a mask.
        alike: images with the same decision, by part.
        megabytes: of its files. milliseconds, original: processor time an image, the original's beside it.
        date, machine, version, weights_sha256: what was compared, where and when.
    """

    model: str
    format: str
    images: dict[str, int]
    difference: dict[str, float]
    mask: float | None
    alike: dict[str, int]
    megabytes: float
    milliseconds: float
    original: float
    date: str
    machine: str
    version: str
    weights_sha256: str

    @property
    def holds(self) -> bool:
        """Within the tolerance everywhere, and every decision the same."""
        return max(self.difference.values()) <= TOLERANCE and self.alike == self.images


def check(
    weights: Path, models: Sequence[str], data: Path | None, limit: int, told: Callable[[str], None]
) -> Iterator[list[Parity]]:
    """Export and compare one model after the other.

    Args:
        models: ``system/name``; all shipped ones where there is none.
        data: root of the real sets; without one, simulated images only.
        limit: validation images a model, evenly spread over the part; 0 takes all.
        told: called with a line on what is done.

    Raises:
        OverreadError: a model that cannot be loaded, or an export that is not installed.
    """
    for model in models or _shipped(weights):
        net, card = load_model(weights / model)
        parts = {"simulated": list(_simulated(card))}
        if data is not None:
            parts["validation"] = list(_validation(card, data, limit))
        told(f"{model}: " + ", ".join(f"{len(images)} {part} images" for part, images in parts.items()))
        yield _compared(model, net, card, {part: images for part, images in parts.items() if images})


def _shipped(weights: Path) -> list[str]:
    return [f"{s}/{p.parent.name}" for s in SYSTEMS for p in sorted((weights / s).glob(f"*/{WEIGHTS}"))]


def _held(rows: Sequence[Parity], weights: Path, models: Sequence[str], data: Path | None) -> list[str]:
    """Models that every format was held against as they are now, on validation images where these are at hand."""
    every = {link.value for link in FORMATS}
    done = []
    for model in models:
        card = load_card(weights / model)
        now = (model, card.version, card.weights_sha256)
        mine = [r for r in rows if (r.model, r.version, r.weights_sha256) == now and r.holds]
        if {r.format for r in mine} == every and all(data is None or "validation" in r.images for r in mine):
            done.append(model)
    return done


def _compared(model: str, net: OverreadNet, card: ModelCard, parts: dict[str, list[torch.Tensor]]) -> list[Parity]:
    wanted = {part: [_original(net, card, x) for x in images] for part, images in parts.items()}
    first = next(x for images in parts.values() for x in images)
    original = _processor_ms(lambda: _original(net, card, first))
    whole, rows = Exported(net, card), []
    with TemporaryDirectory() as made:
        for link, path in _every(whole, card, Path(made)).items():
            answers = opened(link, path, whole.names)
            got = {part: [_said(answers, whole.names, x) for x in images] for part, images in parts.items()}
            pairs = {part: list(zip(wanted[part], got[part], strict=True)) for part in parts}
            masks = [_apart(a[2], b[2]) for some in pairs.values() for a, b in some if a[2] is not None]
            cut = card.threshold.value
            rows.append(
                Parity(
                    model=model,
                    format=link.value,
                    images={part: len(some) for part, some in pairs.items()},
                    difference={part: max(_apart(a[0], b[0]) for a, b in some) for part, some in pairs.items()},
                    mask=max(masks) if masks else None,
                    alike={part: sum((a[1] >= cut) == (b[1] >= cut) for a, b in some) for part, some in pairs.items()},
                    megabytes=sum((path.parent / name).stat().st_size for name in link.files) / 1e6,
                    milliseconds=_processor_ms(lambda: answers(first.numpy())),  # noqa: B023
                    original=original,
                    date=datetime.date.today().isoformat(),
                    machine=machine_name(),
                    version=card.version,
                    weights_sha256=card.weights_sha256,
                )
            )
    return rows


def _every(whole: Exported, card: ModelCard, folder: Path) -> dict[Link, Path]:
    """The model in every format, under the names it has beside weights."""
    example = torch.zeros((2, whole.net.channels, *whole.size))
    told, paths = facts(card, whole.names), {link: folder / link.files[0] for link in FORMATS}
    formats.KINDS["pt2"](whole, example, paths[Link.PT2], told)
    formats.KINDS["onnx"](whole, example, paths[Link.ONNX], told)
    formats.from_onnx(paths[Link.ONNX], paths[Link.OPENVINO], told)
    return paths


Said = tuple[np.ndarray, float, np.ndarray | None]  # probabilities of classes and finding; the latter; mask


def _original(net: OverreadNet, card: ModelCard, x: torch.Tensor) -> Said:
    """By the path that pages and archives take."""
    with torch.inference_mode():
        logits, _, mask = answered(net, card, x)
    given = probabilities(logits.numpy(), card.temperature)
    finding = finding_probability(given, card)
    return np.append(given[0], finding), float(finding[0]), None if mask is None else torch.sigmoid(mask).numpy()


def _said(answers: Answers, names: Sequence[str], x: torch.Tensor) -> Said:
    said = dict(zip(names, answers(x.numpy()), strict=True))
    return np.append(said["probability"][0], said["finding"]), float(said["finding"][0]), said.get("mask")


def _apart(a: np.ndarray | None, b: np.ndarray | None) -> float:
    if a is None or b is None or a.shape != b.shape:
        return float("inf")
    return float(np.nan_to_num(np.abs(a - b), nan=np.inf).max())  # no number is no answer, and max would hide it


def _simulated(card: ModelCard) -> Iterator[torch.Tensor]:
    """The middle slice and its neighbours of every simulated sample of the system that the model takes."""
    for one in samples.list_samples():
        if one.system == card.system:
            for series in samples.load_sample(one.id).series:
                middle = series.slices // 2
                yield from _prepared(series, card, sorted({max(0, middle - 1), middle}))


def _validation(card: ModelCard, data: Path, limit: int) -> Iterator[torch.Tensor]:
    """Images of the part that thresholds are chosen on, as the card's recipe splits it."""
    recipe = load_recipe(card.training.recipe)
    items = [
        item
        for part in recipe.data
        for item in divided(part.name, recipe.split, lambda name: load_items(name, data / folder_of(name)))[0][
            "validation"
        ]
    ]
    places = [(item.series, index) for item in items for index in range(item.series.slices)]
    if limit and len(places) > limit:
        places = [places[round(at)] for at in np.linspace(0, len(places) - 1, limit)]
    for series, index in places:
        yield from _prepared(series, card, [index])


def _prepared(series: Series, card: ModelCard, indices: list[int]) -> Iterator[torch.Tensor]:
    try:
        yield from prepare(adapt(series, system(card.system)), card.contract, indices).split(1)
    except ContractError:
        return  # the other modality of a system for two


def _processor_ms(run: Callable[[], object]) -> float:
    run()
    spent = []
    for _ in range(REPEATS):
        before = time.process_time()
        run()
        spent.append(1000 * (time.process_time() - before))
    return float(np.median(spent))


def keep(rows: Sequence[Parity], path: Path) -> list[Parity]:
    """Enter rows in a JSON file in the place of older ones of the same model and format; all rows of the file."""
    known = [Parity(**row) for row in json.loads(path.read_text(encoding="utf-8"))] if path.is_file() else []
    fresh = {(row.model, row.format) for row in rows}
    every = sorted(
        [*(row for row in known if (row.model, row.format) not in fresh), *rows], key=lambda r: (r.model, r.format)
    )
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps([asdict(row) for row in every], indent=1) + "\n", encoding="utf-8")
    os.replace(aside, path)
    return every


def markdown(rows: Sequence[Parity]) -> str:
    """The rows as a table, with what it rests on."""
    lines = [
        "# Exports against the original",
        "",
        "Written by `python -m trainers export-check`; do not edit. Largest difference of any probability (classes,",
        "finding) in float32, and how many images get the same decision; processor time of one image, the",
        "original's in brackets.",
        "Simulated images are the built-in samples; validation images are those that thresholds were chosen on, spread",
        "evenly over the part where not all were taken.",
        "",
        "| model | format | MB | ms an image | difference, simulated | same decision | difference, validation | "
        "same decision | mask | version, date |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row.model, row.format, f"{row.megabytes:.1f}", f"{row.milliseconds:.0f} ({row.original:.0f})"]
        for part in ("simulated", "validation"):
            if part in row.images:
                cells += [f"{row.difference[part]:.1e}", f"{row.alike[part]} of {row.images[part]}"]
            else:
                cells += ["–", "–"]
        cells += ["–" if row.mask is None else f"{row.mask:.1e}", f"{row.version}, {row.date}"]
        lines.append("| " + " | ".join(cells) + " |")
    machines = sorted({row.machine for row in rows})
    worst = max((max(row.difference.values()) for row in rows), default=0.0)
    lines += ["", f"Largest difference of all: {worst:.1e}. Measured on: {'; '.join(machines)}."]
    return "\n".join(lines) + "\n"


def export_check(
    weights: Path, models: Sequence[str], data: Path | None, limit: int, kept: Path | None, docs: Path | None
) -> None:
    """Check, print, keep. Without names, models whose figures of the same weights are kept already are passed over.

    Raises:
        OverreadError: an export that differs by more than the tolerance, or decides otherwise.
    """
    failed, rows = [], []
    if not models and kept is not None:
        models = _shipped(weights)
        done = _held(keep((), kept), weights, models, data)
        for model in done:
            print(f"{model}: held against this very card and weights before; name it with --model to do it again")
        models = [model for model in models if model not in done]
        if not models:
            return
    for found in check(weights, models, data, limit, print):
        rows += found
        for row in found:
            worst = max(row.difference.values())
            print(
                f"  {row.format}: {worst:.1e}, {sum(row.alike.values())} of {sum(row.images.values())} decisions alike"
            )
        failed += [f"{row.model} as {row.format}" for row in found if not row.holds]
        every = keep(found, kept) if kept is not None else rows
        if docs is not None:
            docs.write_text(markdown(every), encoding="utf-8")
    if failed:
        raise OverreadError(f"These exports do not answer as their originals: {', '.join(failed)}.", "Do not use them.")
