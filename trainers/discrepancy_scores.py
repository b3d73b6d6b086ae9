"""Probabilities for the label check: from the engine, image by image and kept on disk, or as stored with the models."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.engine.engine import Engine
from core.engine.results import ModelStatus
from core.errors import DiscrepancyError, ModelUnavailableError
from core.evidence.records import EvidenceError, Part, load
from core.imaging.study import SourceKind, Study
from core.models.card import ModelCard
from trainers.data.digests import pixel_digest, seen_before
from trainers.data.items import Item

COLUMNS = ("series", "slice", "model", "weights", "finding", "mask_pixels")
SAVE_EVERY = 30.0  # seconds


@dataclass(frozen=True, eq=False)
class Scores:
    """What the models of a system say about ``N`` images that none of them was trained on.

    Attributes:
        ids, groups: ``(N,)`` text. recorded: ``(N,)`` whether the label is a finding.
        probabilities, mask_pixels: ``(N,)`` by model, as :class:`core.audit.discrepancies.Evidence` wants them.
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
    """Ask every ready model of a system, through the engine that serves the pages.

    Args:
        labels: 1 for the label texts that count as a finding. seen: digests of training pictures.
        cache: parquet file with the answers so far; answers of other weights or other pixels in it are passed over.

    Raises:
        ModelUnavailableError: no model of the system has weights.
        DiscrepancyError: nothing is left to rank.
    """
    cards = {s.name: s.card for s in engine.states(system) if s.status is ModelStatus.READY and s.card is not None}
    if not cards:
        raise ModelUnavailableError(f"No model of {system} has weights in {engine.weights}.", "Train or install one.")
    keep = held_out(items, seen)
    asked = [(item, k) for item, k in zip(items, keep, strict=True) if k.any()]
    if not asked:
        raise DiscrepancyError(
            "All images are training pictures of the installed models.", "Give images that the models have not seen."
        )
    store = _Store(cache, {name: card.weights_sha256 for name, card in cards.items()})
    answers = []
    for number, (item, _) in enumerate(asked):
        answers.append(store.get(item) or store.put(item, _ask(engine, system, item, cards)))
        if progress is not None:
            progress((number + 1) / len(asked))
    store.save()
    columns: dict[str, NDArray[np.float64]] = {}
    for field, place in (("finding", 0), ("pixels", 1)):
        for name in cards:
            parts = [answer[name][place][k] for answer, (_, k) in zip(answers, asked, strict=True)]
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
        left_out=int(sum((~k).sum() for k in keep)),
        left_out_groups=len(every - {i.group for i, _ in asked}),
    )


Answer = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]  # model: finding and outlined pixels, a slice each


def _ask(engine: Engine, system: str, item: Item, cards: Mapping[str, ModelCard]) -> Answer:
    review = engine.review(Study(item.group, SourceKind.RASTER, (item.series,), ""), system)
    none = np.full(item.series.slices, np.nan)
    answer: Answer = dict.fromkeys(cards, (none, none))
    for result in review.ready:
        assert result.finding is not None
        drawn = none if result.mask is None else result.mask.sum((1, 2)).astype(np.float64)
        answer[result.state.name] = (np.asarray(result.finding, dtype=np.float64), drawn)
    return answer


class _Store:
    """Answers by series (its pixels) and model (its weights), written to a parquet file now and then."""

    def __init__(self, path: Path | None, weights: Mapping[str, str]) -> None:
        self.path, self.weights = path, dict(weights)
        self.frames: list[pd.DataFrame] = []
        self.known: dict[str, Answer] = {}
        self.saved = time.monotonic()
        if path is None or not path.is_file():
            return
        try:
            frame = pd.read_parquet(path)[list(COLUMNS)]
        except (OSError, ValueError, KeyError) as error:
            raise DiscrepancyError(f"{path} holds no kept probabilities ({error}).", "Delete it.") from error
        self.frames.append(frame)
        current = frame[frame["weights"] == frame["model"].map(self.weights)]
        for (series, model), rows in current.sort_values("slice").groupby(["series", "model"]):
            values = (rows["finding"].to_numpy(np.float64), rows["mask_pixels"].to_numpy(np.float64))
            self.known.setdefault(str(series), {})[str(model)] = values

    @staticmethod
    def _key(item: Item) -> str:
        planes = "".join(pixel_digest(plane) for plane in item.series.pixels)
        return hashlib.sha256(f"{item.series.modality}{item.series.unit}{planes}".encode()).hexdigest()

    def get(self, item: Item) -> Answer | None:
        """Answers of all models, or ``None`` when one is missing."""
        answer = self.known.get(self._key(item), {})
        return answer if set(answer) == set(self.weights) else None

    def put(self, item: Item, answer: Answer) -> Answer:
        """Keep the answers of a series."""
        key = self._key(item)
        self.known[key] = answer
        for name, (finding, pixels) in answer.items():
            self.frames.append(
                pd.DataFrame(
                    {
                        "series": key,
                        "slice": np.arange(len(finding)),
                        "model": name,
                        "weights": self.weights[name],
                        "finding": finding,
                        "mask_pixels": pixels,
                    }
                )
            )
        if time.monotonic() - self.saved > SAVE_EVERY:
            self.save()
        return answer

    def save(self) -> None:
        """Write the file whole, beside it first, so that a stop leaves the old or the new one."""
        self.saved = time.monotonic()
        if self.path is None or not self.frames:
            return
        whole = pd.concat(self.frames, ignore_index=True).drop_duplicates(["series", "slice", "model", "weights"])
        self.frames = [whole]
        beside = self.path.with_suffix(".part")
        whole.to_parquet(beside, index=False)
        beside.replace(self.path)


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
