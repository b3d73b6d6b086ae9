"""Probabilities for the label check: from the engine, image by image and kept on disk, or as stored with the models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.engine.engine import Engine
from core.engine.results import GateState, ModelStatus
from core.engine.vote import voters
from core.errors import ContractError, DiscrepancyError, ModelUnavailableError
from core.imaging.study import SourceKind, Study
from core.systems import adapt
from core.systems import system as declared
from core.weights.answers import finding_probability, probabilities
from core.weights.card import ModelCard
from core.weights.predictions import EvidenceError, Part, load
from trainers.data.digests import seen_before
from trainers.data.items import Item
from trainers.measuring.discrepancy_cache import Answers, CachedAnswer, Told
from trainers.measuring.scoring import in_batches

TOGETHER = 128  # single pictures that classifiers are asked about at once


@dataclass(frozen=True, eq=False)
class Scores:
    """What the models of a system say about ``N`` images that none of them was trained on.

    Attributes:
        ids, groups: ``(N,)`` text. recorded: ``(N,)`` whether the label is a finding.
        probabilities, mask_pixels: ``(N,)`` by model, as :class:`core.discrepancies.ranking.CaseEvidence` wants them.
        stopped: ``(N,)`` whether the wrong-image gate stops the image; ``None`` when it was not asked.
        cards: card of every model that answered.
        left_out: training pictures that were left out, and patients of whom nothing remained.
        left_out_groups: patients of whom nothing remained.
    """

    ids: NDArray[Any]
    groups: NDArray[Any]
    recorded: NDArray[np.bool_]
    probabilities: dict[str, NDArray[np.float64]]
    mask_pixels: dict[str, NDArray[np.float64]]
    cards: dict[str, ModelCard]
    stopped: NDArray[np.bool_] | None = None
    left_out: int = 0
    left_out_groups: int = 0


def held_out(items: Sequence[Item], seen: Collection[str]) -> list[NDArray[np.bool_]]:
    """Which slices of each item no model was trained on, by the exact digests of their pixels.

    A patient of whom most pictures were trained on is left out whole: the rest are their neighbours or near copies. A
    patient who shares a few (blank slices are alike everywhere) loses those only.
    """
    fresh = [np.array([not seen_before(plane, seen) for plane in item.series.pixels]) for item in items]
    known: dict[str, list[int]] = {}
    for item, keep in zip(items, fresh, strict=True):
        count = known.setdefault(item.group, [0, 0])
        count[0] += int((~keep).sum())
        count[1] += len(keep)
    trained = {group for group, (old, total) in known.items() if 2 * old > total}
    return [np.zeros_like(k) if i.group in trained else k for i, k in zip(items, fresh, strict=True)]


def score(
    system: str,
    items: Sequence[Item],
    labels: Mapping[str, int],
    engine: Engine,
    seen: Collection[str],
    cache: Path | None,
    *,
    progress: Callable[[float], None] | None = None,
) -> Scores:
    """Ask the ready models of a system that vote, through the engine that serves the pages.

    Args:
        labels: 1 for the label texts that count as a finding. seen: digests of training pictures.
        cache: parquet file with the answers so far; answers of other versions or other pixels in it are passed over.

    Raises:
        ModelUnavailableError: no model of the system has weights.
        DiscrepancyError: nothing is left to rank.
    """
    ready = {s.name: s.card for s in engine.states(system) if s.status is ModelStatus.READY and s.card is not None}
    cards = voters(ready)
    if not cards:
        raise ModelUnavailableError(f"No model of {system} has weights in {engine.weights}.", "Train or install one.")
    keep = held_out(items, seen)
    asked = [(item, k) for item, k in zip(items, keep, strict=True) if k.any()]
    if not asked:
        raise DiscrepancyError(
            "All images are training pictures of the installed models.", "Give images that the models have not seen."
        )
    store = Answers(cache, {name: card.sealed().digest for name, card in cards.items()})
    single = not any(card.role == "segmenter" for card in cards.values())
    answers: list[CachedAnswer] = []
    for some in _batches([item for item, _ in asked], single):
        new = [item for item in some if store.get(item) is None]
        for item, answer in zip(new, _ask(engine, system, new, cards), strict=True):
            store.put(item, answer)
        answers += [known for item in some if (known := store.get(item)) is not None]
        if progress is not None:
            progress(len(answers) / len(asked))
    store.save()
    columns: dict[str, NDArray[np.float64]] = {}
    for field, place in (("finding", 0), ("pixels", 1)):
        for name in cards:
            parts = [answer.models[name][place][k] for answer, (_, k) in zip(answers, asked, strict=True)]
            columns[f"{field} {name}"] = np.concatenate(parts)
    answered = [name for name in cards if not np.isnan(columns[f"finding {name}"]).all()]
    outlines = [name for name in answered if not np.isnan(columns[f"pixels {name}"]).all()]
    rows = [(i.ids[at], i.group, labels[i.labels[at]] > 0) for i, k in asked for at in np.flatnonzero(k)]
    every = {i.group for i in items}
    return Scores(
        ids=np.array([r[0] for r in rows], dtype=object),
        groups=np.array([r[1] for r in rows], dtype=object),
        recorded=np.array([r[2] for r in rows], dtype=bool),
        probabilities={name: columns[f"finding {name}"] for name in answered},
        mask_pixels={name: columns[f"pixels {name}"] for name in outlines},
        cards={name: cards[name] for name in answered},
        stopped=np.concatenate([np.full(int(k.sum()), a.stopped) for a, (_, k) in zip(answers, asked, strict=True)]),
        left_out=int(sum((~k).sum() for k in keep)),
        left_out_groups=len(every - {i.group for i, _ in asked}),
    )


def _batches(items: Sequence[Item], single: bool) -> Iterator[Sequence[Item]]:
    """Single pictures in batches where no model outlines, anything else one by one."""
    if not single or any(item.series.slices > 1 for item in items):
        yield from ([item] for item in items)
        return
    for start in range(0, len(items), TOGETHER):
        yield items[start : start + TOGETHER]


def _ask(engine: Engine, system: str, items: Sequence[Item], cards: Mapping[str, ModelCard]) -> list[CachedAnswer]:
    if len(items) > 1:
        try:
            return _together(engine, system, items, cards)
        except ContractError:  # one of them is not for a model: asked one by one, it is told which
            pass
    return [_alone(engine, system, item, cards) for item in items]


def _alone(engine: Engine, system: str, item: Item, cards: Mapping[str, ModelCard]) -> CachedAnswer:
    review = engine.review(Study(item.group, SourceKind.RASTER, (item.series,), ""), system)
    none = np.full(item.series.slices, np.nan)
    told: Told = dict.fromkeys(cards, (none, none))
    for result in review.ready:
        if result.state.name not in cards:
            continue
        assert result.finding is not None
        drawn = none if result.mask is None else result.mask.sum((1, 2)).astype(np.float64)
        told[result.state.name] = (np.asarray(result.finding, dtype=np.float64), drawn)
    return CachedAnswer(told, review.gate is not None and review.gate.state is GateState.STOPPED)


def _together(engine: Engine, system: str, items: Sequence[Item], cards: Mapping[str, ModelCard]) -> list[CachedAnswer]:
    """Answers of classifiers about single pictures, several times as fast; they differ from those one by one by
    rounding only."""
    adapted = [adapt(item.series, declared(system)) for item in items]
    findings = {}
    for name, card in cards.items():
        loaded = engine.loaded(system, name)
        with loaded.lock:
            logits, _ = in_batches(loaded.net, card, adapted)
        findings[name] = finding_probability(probabilities(logits, card.temperature), card).astype(np.float64)
    none = np.full(1, np.nan)
    return [
        CachedAnswer(
            {name: (finding[row : row + 1], none) for name, finding in findings.items()},
            engine.verdict(system, item.series).state is GateState.STOPPED,
        )
        for row, item in enumerate(items)
    ]


def stored(system: str, weights: Path, models: Sequence[str], split: str | None = None) -> Scores:
    """The validation and test predictions that are stored with the models, on the images that all of them share.

    Args:
        weights: folder with ``<system>/<model>``. models: the system's. split: ``validation`` or ``test`` only.

    Raises:
        DiscrepancyError: no model has stored predictions.
    """
    parts: dict[str, list[Part]] = {}
    for name in models:
        try:
            evidence = load(weights / system / name)
        except EvidenceError:
            continue
        chosen = [p for p in (evidence.part(s) for s in ("validation", "test") if split in (None, s)) if p is not None]
        if chosen:
            parts[name] = chosen
    if not parts:
        raise DiscrepancyError(f"No model of {system} has stored predictions.", "Leave --stored out, or train one.")
    parts = {name: parts[name] for name in voters({name: some[0].card for name, some in parts.items()})}
    tables = {name: _table(some) for name, some in parts.items()}
    shared = sorted(set.intersection(*(set(t.index) for t in tables.values())))
    if not shared:
        raise DiscrepancyError(f"The models of {system} share no stored images.", "Leave --stored out.")
    tables = {name: t.loc[shared] for name, t in tables.items()}
    first = next(iter(tables.values()))
    return Scores(
        ids=np.array(shared, dtype=object),
        groups=first["group"].to_numpy(dtype=object),
        recorded=first["truth"].to_numpy(dtype=bool),
        probabilities={name: t["finding"].to_numpy(np.float64) for name, t in tables.items()},
        mask_pixels={n: t["pixels"].to_numpy(np.float64) for n, t in tables.items() if not t["pixels"].isna().all()},
        cards={name: parts[name][0].card for name in tables},
    )


def _table(parts: Sequence[Part]) -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {
                "group": p.groups,
                "truth": p.truth,
                "finding": p.finding,
                "pixels": np.full(p.n, np.nan) if p.mask_pixels is None else p.mask_pixels.astype(np.float64),
            },
            index=p.ids.astype(str),
        )
        for p in parts
    ]
    whole = pd.concat(frames)
    return whole[~whole.index.duplicated()]
