"""Every export of the shipped models against the original, on images: ``python -m trainers export-check``."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
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
from core.weights.exported.runtimes import opened
from core.weights.folder import WEIGHTS, load_card
from core.weights.store import load_model
from trainers.data.parts import divided
from trainers.data.sets import folder_of, load_items
from trainers.exporting import edge, formats
from trainers.exporting.exported import Exported, facts
from trainers.exporting.parity import Parity, keep, markdown
from trainers.fitting.recipe import load_recipe

FORMATS = ("pt2", "onnx", "openvino")
REPEATS = 5
Said = tuple[np.ndarray, float, np.ndarray | None]  # probabilities of classes and finding; the latter; mask
Images = dict[str, list[torch.Tensor]]  # by part: simulated, validation


@dataclass(frozen=True)
class Wanted:
    """What is to be exported.

    Attributes:
        models: ``system/name``; all shipped ones where there is none.
        formats: keys of ``formats.KINDS`` and ``edge.NEEDS``. python: of the environment that the latter need.
    """

    models: Sequence[str] = ()
    formats: Sequence[str] = FORMATS
    python: Path = Path(sys.executable)


def check(
    weights: Path, wanted: Wanted, data: Path | None, limit: int, told: Callable[[str], None]
) -> Iterator[list[Parity]]:
    """Export and compare one model after the other.

    Args:
        data: root of the real sets; without one, simulated images only.
        limit: validation images a model, evenly spread over the part; 0 takes all.
        told: called with a line on what is done.

    Raises:
        OverreadError: a model that cannot be loaded, or an export that is not installed.
    """
    for model in wanted.models or _shipped(weights):
        net, card = load_model(weights / model)
        parts = {"simulated": list(_simulated(card))}
        if data is not None:
            parts["validation"] = list(_validation(card, data, limit))
        told(f"{model}: " + ", ".join(f"{len(images)} {part} images" for part, images in parts.items()))
        yield _compared(model, net, card, {part: images for part, images in parts.items() if images}, wanted)


def _shipped(weights: Path) -> list[str]:
    return [f"{s}/{p.parent.name}" for s in SYSTEMS for p in sorted((weights / s).glob(f"*/{WEIGHTS}"))]


def _held(rows: Sequence[Parity], weights: Path, wanted: Wanted, data: Path | None) -> list[str]:
    """Models that every format was held against as they are now, on validation images where these are at hand."""
    done = []
    for model in wanted.models:
        card = load_card(weights / model)
        now = (model, card.version, card.weights_sha256)
        mine = [r for r in rows if (r.model, r.version, r.weights_sha256) == now and r.format in wanted.formats]
        mine = [r for r in mine if r.holds]
        if {r.format for r in mine} == {*wanted.formats} and all(
            data is None or "validation" in r.images for r in mine
        ):
            done.append(model)
    return done


def _compared(model: str, net: OverreadNet, card: ModelCard, parts: Images, asked: Wanted) -> list[Parity]:
    wanted = {part: [_original(net, card, x) for x in images] for part, images in parts.items()}
    first = next(x for images in parts.values() for x in images)
    original = _processor_ms(lambda: _original(net, card, first))
    whole, rows = Exported(net, card), []
    with TemporaryDirectory() as made:
        for kind in asked.formats:
            ran = _ran(kind, whole, card, Path(made), parts, asked.python)
            pairs = {part: list(zip(wanted[part], ran.said[part], strict=True)) for part in parts}
            masks = [_apart(a[2], b[2]) for some in pairs.values() for a, b in some if a[2] is not None]
            cut = card.threshold.value
            rows.append(
                Parity(
                    model=model,
                    format=kind,
                    images={part: len(some) for part, some in pairs.items()},
                    difference={part: max(_apart(a[0], b[0]) for a, b in some) for part, some in pairs.items()},
                    mask=max(masks) if masks else None,
                    alike={part: sum((a[1] >= cut) == (b[1] >= cut) for a, b in some) for part, some in pairs.items()},
                    megabytes=ran.megabytes,
                    milliseconds=ran.milliseconds,
                    original=original,
                    date=datetime.date.today().isoformat(),
                    machine=machine_name(),
                    version=card.version,
                    weights_sha256=card.weights_sha256,
                )
            )
    return rows


@dataclass(frozen=True)
class _Ran:
    """What a file answers to every image, its size, and processor time of one image."""

    said: dict[str, list[Said]]
    megabytes: float
    milliseconds: float


def _ran(kind: str, whole: Exported, card: ModelCard, folder: Path, parts: Images, python: Path) -> _Ran:
    images = [x for some in parts.values() for x in some]
    if kind in edge.NEEDS:
        path = folder / f"model.{edge.ENDINGS[kind]}"
        names: tuple[str, ...] = (path.name,)
        found = edge.converted(whole, images, kind, python, path)
        each, milliseconds = found.answers, found.milliseconds
    else:
        link = Link(kind)
        path, names = folder / link.files[0], link.files
        formats.KINDS[kind](whole, torch.zeros((2, *images[0].shape[1:])), path, facts(card, whole.names))
        answers = opened(link, path, whole.names)
        each = [answers(x.numpy()) for x in images]
        milliseconds = _processor_ms(lambda: answers(images[0].numpy()))
    left = iter(each)
    said = {part: [_said(next(left), whole.names) for _ in some] for part, some in parts.items()}
    return _Ran(said, sum((folder / name).stat().st_size for name in names) / 1e6, milliseconds)


def _original(net: OverreadNet, card: ModelCard, x: torch.Tensor) -> Said:
    """By the path that pages and archives take."""
    with torch.inference_mode():
        logits, _, mask = answered(net, card, x)
    given = probabilities(logits.numpy(), card.temperature)
    finding = finding_probability(given, card)
    return np.append(given[0], finding), float(finding[0]), None if mask is None else torch.sigmoid(mask).numpy()


def _said(answer: Sequence[np.ndarray], names: Sequence[str]) -> Said:
    said = dict(zip(names, answer, strict=True))
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


def export_check(
    weights: Path, wanted: Wanted, data: Path | None, limit: int, kept: Path | None, docs: Path | None
) -> None:
    """Check, print, keep. Without names, models whose figures of the same weights are kept already are passed over.

    Raises:
        OverreadError: an export that differs by more than the tolerance, or decides otherwise.
    """
    failed, rows = [], []
    if not wanted.models and kept is not None:
        wanted = replace(wanted, models=_shipped(weights))
        done = _held(keep((), kept), weights, wanted, data)
        for model in done:
            print(f"{model}: held against this very card and weights before; name it with --model to do it again")
        wanted = replace(wanted, models=[model for model in wanted.models if model not in done])
        if not wanted.models:
            return
    for found in check(weights, wanted, data, limit, print):
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
