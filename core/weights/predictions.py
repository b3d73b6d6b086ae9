"""A model's card and its stored predictions, checked against each other."""

from __future__ import annotations

import functools
import hashlib
import io
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import OverreadError
from core.statistics import roc_auc
from core.weights.answers import finding_probability, probabilities
from core.weights.card import ModelCard
from core.weights.folder import CARD, load_card

if TYPE_CHECKING:
    import pandas as pd

PREDICTIONS = "predictions.parquet"
SPLITS = ("test", "validation")
_BASE = ("id", "group", "split", "truth")
_PIXELS = ("mask_pixels", "truth_pixels", "shared_pixels")
_AGREES = 5e-4  # the card rounds nothing, but logits are stored as float32


class EvidenceError(OverreadError):
    """Stored predictions that cannot be used."""


class NoPredictionsError(EvidenceError):
    """A model without stored predictions."""


@dataclass(frozen=True, eq=False)
class Part:
    """What a model said about ``N`` images of one split, beside the truth.

    Attributes:
        split: ``test`` or ``validation``.
        ids, groups: ``(N,)`` text; a group (patient, cluster of like pictures) is what intervals draw.
        classes: ``(N,)`` class index. truth: ``(N,)`` whether that class is a finding.
        logits: float64 ``(N, K)``.
        mask_pixels, truth_pixels, shared_pixels: ``(N,)`` counts on the image grid; ``None`` without masks.
        pixel_ml: ``(N,)`` millilitres that one pixel of the slice stands for; ``None`` unless known for every image.
    """

    card: ModelCard
    split: str
    ids: NDArray[Any]
    groups: NDArray[Any]
    classes: NDArray[np.intp]
    truth: NDArray[np.bool_]
    logits: NDArray[np.float64]
    mask_pixels: NDArray[np.int64] | None = None
    truth_pixels: NDArray[np.int64] | None = None
    shared_pixels: NDArray[np.int64] | None = None
    pixel_ml: NDArray[np.float64] | None = None

    @cached_property
    def calibrated(self) -> NDArray[np.float64]:
        """``(N, classes)`` probabilities at the card's temperature."""
        return probabilities(self.logits, self.card.temperature)

    @cached_property
    def finding(self) -> NDArray[np.float64]:
        """``(N,)`` calibrated probability of a finding: what the threshold is for."""
        return finding_probability(self.calibrated, self.card)

    @cached_property
    def raw_finding(self) -> NDArray[np.float64]:
        """``(N,)`` probability of a finding before temperature scaling."""
        return finding_probability(probabilities(self.logits, 1.0), self.card)

    @property
    def n(self) -> int:
        """Images."""
        return len(self.ids)

    @cached_property
    def group_count(self) -> int:
        """Groups."""
        return len(np.unique(self.groups))

    @property
    def has_both(self) -> bool:
        """Whether there are images with and without a finding."""
        return bool(0 < self.truth.sum() < self.n)

    @property
    def has_masks(self) -> bool:
        """Whether pixel counts of masks are stored."""
        return self.mask_pixels is not None


@dataclass(frozen=True, eq=False)
class Evidence:
    """A model's card and both parts of its predictions.

    Attributes:
        sha256: of the card and the predictions together: the same bytes give the same numbers.
        warnings: what does not fit together, for the reader; empty when all is well.
    """

    card: ModelCard
    parts: dict[str, Part]
    sha256: str
    warnings: tuple[str, ...] = ()

    def part(self, split: str) -> Part | None:
        """The images of a split, or ``None`` when there are none."""
        return self.parts.get(split)


def fingerprint(folder: Path) -> str:
    """SHA-256 over ``card.json`` and ``predictions.parquet`` of a model's folder.

    Raises:
        NoPredictionsError: one of them is missing.
    """
    digest = hashlib.sha256()
    for name in (CARD, PREDICTIONS):
        digest.update(_bytes(folder, name))
    return digest.hexdigest()


def load(folder: Path) -> Evidence:
    """Read ``card.json`` and ``predictions.parquet`` of ``weights/<system>/<model>``; the weights are not needed.

    Raises:
        NoPredictionsError: there is no card, or there are no predictions.
        ModelRefusedError: the card is no card.
        EvidenceError: the predictions are damaged or do not belong to the card.
    """
    card_bytes, content = _bytes(folder, CARD), _bytes(folder, PREDICTIONS)
    return from_frame(load_card(folder), _frame(content), hashlib.sha256(card_bytes + content).hexdigest())


def _bytes(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise NoPredictionsError(
            f"no evidence yet ({folder.parent.name}/{folder.name} has no {name}).",
            "Train the model with its recipe: card and predictions are written with the weights.",
        ) from error


def models_with(weights: Path) -> list[str]:
    """Models ``<system>/<model>`` below ``weights`` that have stored predictions, in order of their names."""
    return [path.parent.relative_to(weights).as_posix() for path in sorted(weights.glob(f"*/*/{PREDICTIONS}"))]


def stored(folder: Path, models: Iterable[str]) -> dict[str, Evidence]:
    """Stored predictions of some models of ``weights/<system>``, by name; those without usable ones are left out."""
    found = {}
    for name in models:
        try:
            found[name] = held(folder / name)
        except OverreadError:
            continue
    return found


class Stored(Mapping[str, Evidence]):
    """:func:`stored`, read when it is first asked for: a first answer needs none of it, and its library is large."""

    def __init__(self, folder: Path, models: Iterable[str]) -> None:
        self._folder, self._models = folder, tuple(models)

    @cached_property
    def _found(self) -> dict[str, Evidence]:
        return stored(self._folder, self._models)

    @property
    def there(self) -> bool:
        """Whether they have been read."""
        return "_found" in self.__dict__

    def soon(self) -> None:
        """Read them in the background."""
        if not self.there:
            threading.Thread(target=self.join, name="overread-stored", daemon=True).start()

    def join(self) -> None:
        """Wait until they have been read."""
        len(self._found)

    def __getitem__(self, name: str) -> Evidence:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def held(folder: Path) -> Evidence:
    """:func:`load`, once for each version of the files.

    Raises:
        OverreadError: as :func:`load`.
    """
    return _held(folder, fingerprint(folder))


@functools.lru_cache(maxsize=64)
def _held(folder: Path, sha256: str) -> Evidence:
    found = load(folder)
    if found.sha256 != sha256:
        raise EvidenceError("The predictions are being written.", "Look again in a moment.")
    return found


def _frame(content: bytes) -> pd.DataFrame:
    import pandas as pd  # here: it takes half a second, and a server's first page reads no predictions

    try:
        return pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise EvidenceError(f"The predictions are no parquet file ({error}).", "Export the model again.") from error


def from_frame(card: ModelCard, frame: pd.DataFrame, sha256: str) -> Evidence:
    """Evidence from a table with the columns of ``predictions.parquet``.

    Raises:
        EvidenceError: columns are missing, values are not finite, or the classes do not fit the card.
    """
    logits = _logits(card, frame)
    truth = frame["truth"].to_numpy()
    if truth.dtype.kind not in "iub" or (len(truth) and (truth.min() < 0 or truth.max() >= len(card.classes))):
        raise _unfit(f"truth is no class index from 0 to {len(card.classes) - 1}")
    unknown = sorted(set(frame["split"].astype(str)) - set(SPLITS))
    if unknown:
        raise _unfit(f"unknown split {', '.join(unknown)}")
    positive = [card.classes.index(name) for name in card.positive]
    pixels = _pixels(frame)
    volumes = frame["pixel_ml"].to_numpy(dtype=np.float64) if pixels and "pixel_ml" in frame else None
    parts = {}
    for split in SPLITS:
        rows = np.flatnonzero((frame["split"] == split).to_numpy())
        if not len(rows):
            continue
        chosen = frame.iloc[rows]
        classes = truth[rows].astype(np.intp)
        parts[split] = Part(
            card=card,
            split=split,
            ids=chosen["id"].astype(str).to_numpy(dtype=object),
            groups=chosen["group"].astype(str).to_numpy(dtype=object),
            classes=classes,
            truth=np.isin(classes, positive),
            logits=logits[rows],
            pixel_ml=volumes[rows] if volumes is not None and _known(volumes[rows]) else None,
            **{name: values[rows] for name, values in pixels.items()},
        )
    return Evidence(card, parts, sha256, tuple(_doubts(card, parts)))


def _known(volumes: NDArray[np.float64]) -> bool:
    return bool(((volumes > 0) & np.isfinite(volumes)).all())


def _unfit(what: str) -> EvidenceError:
    return EvidenceError(f"The predictions do not fit their card: {what}.", "Export the model again.")


def _logits(card: ModelCard, frame: pd.DataFrame) -> NDArray[np.float64]:
    missing = [name for name in _BASE if name not in frame]
    if missing:
        raise _unfit(f"column {', '.join(missing)} is missing")
    if bool(frame[list(_BASE)].isna().any().any()):
        raise _unfit("an id, group, split or truth is missing")
    wanted = 1 if len(card.classes) == 2 else len(card.classes)
    found = [name for name in frame.columns if str(name).startswith("logit_")]
    if sorted(found) != sorted(f"logit_{k}" for k in range(wanted)):
        raise _unfit(f"{wanted} logits expected for {len(card.classes)} classes, found {len(found)}")
    logits = frame[[f"logit_{k}" for k in range(wanted)]].to_numpy(dtype=np.float64)
    if not np.isfinite(logits).all():
        raise _unfit("a logit is missing or infinite")
    return logits


def _pixels(frame: pd.DataFrame) -> dict[str, NDArray[np.int64]]:
    if not all(name in frame for name in _PIXELS):
        return {}
    if bool(frame[list(_PIXELS)].isna().any().any()):
        raise _unfit("a pixel count is missing")
    if not bool(np.isfinite(frame[list(_PIXELS)].to_numpy(dtype=np.float64)).all()):
        raise _unfit("a pixel count is infinite")
    counts = {name: frame[name].to_numpy(dtype=np.int64) for name in _PIXELS}
    if min(int(values.min(initial=0)) for values in counts.values()) < 0:
        raise _unfit("a pixel count is negative")
    if bool((counts["shared_pixels"] > np.minimum(counts["mask_pixels"], counts["truth_pixels"])).any()):
        raise _unfit("more pixels are shared than a mask holds")
    return counts


def _doubts(card: ModelCard, parts: dict[str, Part]) -> list[str]:
    """What a careful reader would want to know before believing the numbers."""
    out = []
    for split, part in parts.items():
        if len(set(part.ids)) != part.n:
            out.append(f"{part.n - len(set(part.ids))} images stand more than once in the {split} part.")
    if len(parts) == 2:
        shared = set(parts["test"].groups) & set(parts["validation"].groups)
        if shared:
            out.append(f"{len(shared)} groups are in the validation and in the test part: test figures flatter.")
    test = parts.get("test")
    if test is None:
        out.append("There are no predictions on a test part.")
    elif test.has_both and "auc" in card.metrics:
        here, said = roc_auc(test.truth, test.finding), card.metrics["auc"]
        if abs(here - said.value) > _AGREES or said.n != test.n:
            out.append(
                f"The card says AUC {said.value:.4f} on {said.n} images, its predictions give {here:.4f} on {test.n}."
            )
    return out
