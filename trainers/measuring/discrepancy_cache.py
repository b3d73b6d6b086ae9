"""What the models said about series, kept on disk: a stopped label check goes on where it was."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import DiscrepancyError
from trainers.data.digests import pixel_digest
from trainers.data.items import Item

# "weights" holds the digest of the model's card, which is over all that decides an answer, the weights among it.
COLUMNS = ("series", "slice", "model", "weights", "finding", "mask_pixels", "stopped")
SAVE_EVERY = 30.0  # seconds

Told = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]  # model: finding and outlined pixels, a slice each


@dataclass(frozen=True, eq=False)
class CachedAnswer:
    """What the models say about a series, and whether the gate stops it."""

    models: Told
    stopped: bool


class Answers:
    """Answers by series (its pixels) and model (the digest of its card), written to a parquet file now and then.

    Args:
        path: the file; ``None`` keeps nothing. digests: by model; kept answers of others are passed over.
    """

    def __init__(self, path: Path | None, digests: Mapping[str, str]) -> None:
        self.path, self.digests = path, dict(digests)
        self.frames: list[pd.DataFrame] = []
        self.known: dict[str, CachedAnswer] = {}
        self.saved = time.monotonic()
        if path is None or not path.is_file():
            return
        try:
            frame = pd.read_parquet(path)[list(COLUMNS)]
        except (OSError, ValueError, KeyError) as error:
            raise DiscrepancyError(f"{path} holds no kept probabilities ({error}).", "Delete it.") from error
        self.frames.append(frame)
        current = frame[frame["weights"] == frame["model"].map(self.digests)]
        for series, of_series in current.sort_values("slice").groupby("series"):
            told: Told = {
                str(model): (rows["finding"].to_numpy(np.float64), rows["mask_pixels"].to_numpy(np.float64))
                for model, rows in of_series.groupby("model")
            }
            self.known[str(series)] = CachedAnswer(told, bool(of_series["stopped"].any()))

    @staticmethod
    def _key(item: Item) -> str:
        planes = "".join(pixel_digest(plane) for plane in item.series.pixels)
        return hashlib.sha256(f"{item.series.modality}{item.series.unit}{planes}".encode()).hexdigest()

    def get(self, item: Item) -> CachedAnswer | None:
        """Answers of all models, or ``None`` when one is missing."""
        answer = self.known.get(self._key(item))
        return answer if answer is not None and set(answer.models) == set(self.digests) else None

    def put(self, item: Item, answer: CachedAnswer) -> None:
        """Keep the answers of a series."""
        key = self._key(item)
        self.known[key] = answer
        for name, (finding, pixels) in answer.models.items():
            self.frames.append(
                pd.DataFrame(
                    {
                        "series": key,
                        "slice": np.arange(len(finding)),
                        "model": name,
                        "weights": self.digests[name],
                        "finding": finding,
                        "mask_pixels": pixels,
                        "stopped": answer.stopped,
                    }
                )
            )
        if time.monotonic() - self.saved > SAVE_EVERY:
            self.save()

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
