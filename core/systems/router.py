"""The learnt router: names the kind of an image and tells how strange it is for a system.

Kept in ``weights/router``: the network (float16 safetensors), a few statistics of its feature space (safetensors) and a
card in JSON with their hashes, data and figures. What does not match its card is refused. Pickle is never used.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from_bytes
from safetensors.numpy import save as arrays_to_bytes
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes

from core.errors import ModelUnavailableError, NotFiniteError
from core.imaging.study import Series, Unit
from core.models.router_net import RouterNet
from core.preprocessing.contract import InputContract, Scaling
from core.preprocessing.prepare import prepare_plane
from core.statistics import outlier
from core.weights.card import DataUse, Metric, Training
from core.weights.sealed import Sealed

FOLDER = "router"
CARD, WEIGHTS, STATISTICS = "card.json", "weights.safetensors", "statistics.safetensors"
CHECKED = 5  # slices of a stack that are looked at
Method = Literal["softmax", "mahalanobis", "relative-mahalanobis", "nearest-neighbour", "vim"]
PositiveFinite = Annotated[float, Field(gt=0, allow_inf_nan=False)]
METHODS: tuple[Method, ...] = ("softmax", "mahalanobis", "relative-mahalanobis", "nearest-neighbour", "vim")
_COUNTER = "num_batches_tracked"
SIDE = 96
CONTRACT = InputContract(
    channels=1, height=SIDE, width=SIDE, scaling=Scaling.PERCENTILE, percentiles=(0.5, 99.5), window=(-500, 1500)
)


class Limit(BaseModel):
    """How one system judges an image: which kinds are its own, by which scores, and from which values it stops it.

    An image is stopped when any score in use lies above its threshold; ``spreads`` (the quartile distance of good
    scans) make the scores comparable. ``metrics`` are on the test part; ``compared`` holds the AUROC of every score on
    validation, on which the scores were chosen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: tuple[str, ...]
    thresholds: dict[Method, FiniteFloat] = Field(min_length=1)
    spreads: dict[Method, PositiveFinite]
    metrics: dict[str, Metric] = {}
    compared: dict[str, float] = {}


class RouterCard(Sealed):
    """Pedigree of the router; see :class:`core.weights.card.ModelCard` for the common fields."""

    telling: ClassVar[frozenset[str]] = frozenset({"data", "training", "metrics", "limits", "parameters"})

    version: str
    kinds: tuple[str, ...]
    systems: dict[str, Limit]
    contract: InputContract
    neighbour: int = Field(ge=1)
    data: tuple[DataUse, ...]
    training: Training
    metrics: dict[str, Metric] = Field(default_factory=dict)
    limits: tuple[str, ...] = ()
    parameters: int
    weights_sha256: str
    statistics_sha256: str


@dataclass(frozen=True)
class RouterAnswer:
    """What the router says about a series.

    Attributes:
        kind: the most probable kind. probability: its mean probability over the slices looked at.
        strange: by system, how far the worst score lies above its threshold, in units of its spread among good scans
            (median over the slices): above 0 the series is stopped.
        slices: which slices were looked at.
    """

    kind: str
    probability: float
    strange: Mapping[str, float]
    slices: tuple[int, ...]


def plane(series: Series, index: int, contract: InputContract = CONTRACT) -> np.ndarray:
    """One slice as the router sees it: float32 ``(height, width)`` in [0, 1], whatever its unit.

    Hounsfield units go through the lung window first and SUV projections through their usual range, as pictures of
    them did when they were exported.
    """
    if series.unit is Unit.HU:
        contract = contract.model_copy(update={"scaling": Scaling.WINDOW})
    elif series.unit is Unit.SUV and series.projection != "slice":
        contract = contract.model_copy(update={"scaling": Scaling.SUV})
    # Which way round a projection is shown is nothing the router may be told: it has not been named yet.
    return prepare_plane(replace(series, projection="slice"), index, contract)


def looked_at(slices: int) -> tuple[int, ...]:
    """Slices of a stack to look at: a few, evenly over its middle half, where the organ is."""
    if slices <= CHECKED:
        return tuple(range(slices))
    return tuple(int(i) for i in np.unique(np.linspace(slices * 0.25, slices * 0.75 - 1, CHECKED).round()))


class Router:
    """The network, its statistics and its card. One instance serves all threads.

    Args:
        folder: ``weights/router``.

    Raises:
        ModelUnavailableError: not installed, or files that do not match their card.
    """

    def __init__(self, folder: Path) -> None:
        for name in (CARD, WEIGHTS, STATISTICS):
            if not (folder / name).is_file():
                raise ModelUnavailableError(
                    f"The router is not installed: {name} is missing.", "Train it: python -m trainers gate."
                )
        try:
            self.card = RouterCard.load(folder / CARD)
        except ValueError as error:
            raise _refused(f"its card cannot be read ({error})") from error
        weights = _checked(folder / WEIGHTS, self.card.weights_sha256)
        statistics = _checked(folder / STATISTICS, self.card.statistics_sha256)
        self._net = RouterNet(len(self.card.kinds)).eval().requires_grad_(False)
        try:
            counters = {k: v for k, v in self._net.state_dict().items() if k.endswith(_COUNTER)}
            self._net.load_state_dict({k: v.float() for k, v in tensors_from_bytes(weights).items()} | counters)
            self._statistics = {k: v.astype(np.float64) for k, v in arrays_from_bytes(statistics).items()}
        except (SafetensorError, RuntimeError, ValueError) as error:
            raise _refused("its files are of another network") from error
        self._lock = threading.Lock()

    def read(self, planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits ``(N, kinds)`` and features ``(N, F)``, float64, of planes ``(N, side, side)`` from :func:`plane`."""
        with self._lock, torch.inference_mode():
            logits, features = self._net(torch.from_numpy(planes)[:, None])
        return logits.numpy().astype(np.float64), features.numpy().astype(np.float64)

    def scores(self, features: np.ndarray, logits: np.ndarray, own: Sequence[int]) -> dict[Method, np.ndarray]:
        """Every score of ``N`` images for a system whose own kinds have the indices ``own``; larger is stranger."""
        known = self._statistics
        bank = known["bank"][np.isin(known["bank_kinds"], list(own))]
        return {
            "softmax": outlier.not_own(logits, own),
            "mahalanobis": outlier.mahalanobis(known, features, own),
            "relative-mahalanobis": outlier.relative_mahalanobis(known, features, own),
            "nearest-neighbour": outlier.nearest(bank, features, min(self.card.neighbour, len(bank))),
            "vim": outlier.vim(known, features, logits, own),
        }

    def answer(self, series: Series, slices: Sequence[int] | None = None, *, only: str | None = None) -> RouterAnswer:
        """Kind and scores of a series; an answer does not depend on what was asked before.

        Args:
            slices: which to look at, by default a few. only: the one system to score for, by default all.

        Raises:
            ContractError: pixels that cannot be scaled.
            NotFiniteError: no slice looked at holds finite numbers only, or the network makes none of them.
        """
        asked = looked_at(series.slices) if slices is None else slices
        seen = {i: plane(series, i, self.card.contract) for i in asked}
        chosen = tuple(i for i, values in seen.items() if np.isfinite(values).all())
        if not chosen:
            raise NotFiniteError("No slice holds finite numbers only.", "Export the images again.")
        logits, features = self.read(np.stack([seen[i] for i in chosen]))
        if not (np.isfinite(logits).all() and np.isfinite(features).all()):
            raise NotFiniteError("The pixel values are beyond what can be computed with.", "Export the images again.")
        each = torch.from_numpy(logits).softmax(1).numpy().mean(0)
        top = int(each.argmax())
        strange: dict[str, float] = {}
        for name, limit in self.card.systems.items():
            if only not in (None, name):
                continue
            own = [self.card.kinds.index(kind) for kind in limit.kinds]
            found = self.scores(features, logits, own)
            strange[name] = float(np.median(excess(found, limit.thresholds, limit.spreads)))
        return RouterAnswer(self.card.kinds[top], float(each[top]), strange, chosen)


def excess(
    scores: Mapping[Method, np.ndarray], thresholds: Mapping[Method, float], spreads: Mapping[Method, float]
) -> np.ndarray:
    """How far the worst score of each of ``N`` images lies above its threshold, in units of its spread."""
    return np.asarray(np.max([(scores[m] - cut) / spreads[m] for m, cut in thresholds.items()], axis=0))


def save(net: RouterNet, statistics: Mapping[str, np.ndarray], card: RouterCard, folder: Path) -> RouterCard:
    """Write network and statistics as float16 (whole numbers and what float16 cannot hold as float32), and the card.

    Returns:
        The card as written, with the hashes of what was written.

    Raises:
        ValueError: a value is not finite.
    """
    tensors = {k: v.detach() for k, v in net.state_dict().items() if not k.endswith(_COUNTER)}
    if not all(bool(torch.isfinite(v).all()) for v in tensors.values()):
        raise ValueError("the network holds values that are not finite; the training has diverged")
    weights = tensors_to_bytes({k: v.to(torch.float16) if v.dim() > 1 else v.float() for k, v in tensors.items()})
    small = arrays_to_bytes(
        {k: np.ascontiguousarray(v, dtype=np.float16 if k == "bank" else np.float32) for k, v in statistics.items()}
    )
    card = card.model_copy(
        update={
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
            "statistics_sha256": hashlib.sha256(small).hexdigest(),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(weights)
    (folder / STATISTICS).write_bytes(small)
    card.save(folder / CARD)
    return card


def _checked(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise _refused(f"{path.name} is not the one its card was written for (SHA-256 differs)")
    return content


def _refused(reason: str) -> ModelUnavailableError:
    return ModelUnavailableError(
        f"The router is refused: {reason}.", "Restore weights/router as it was, or train it again."
    )
