"""The learnt router: names the kind of an image and tells how strange it is for a system.

Kept in ``weights/router``: the network (eight bits, :mod:`core.weights.store`) and a card in JSON with its hash, data
and figures. What does not match its card is refused. Pickle is never used.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, cast

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from core.errors import ModelUnavailableError, NotFiniteError, OverreadError
from core.imaging.study import Series, Unit
from core.models.router_net import RouterNet, fold
from core.models.unfilled import Unfilled
from core.preprocessing.contract import InputContract, Scaling
from core.preprocessing.prepare import prepare_plane
from core.statistics.outlier import not_own
from core.weights import compiled_router
from core.weights.card import DataUse, Metric, Training
from core.weights.compiled import Made
from core.weights.compiled_router import RouterProgram
from core.weights.folder import ModelRefusedError
from core.weights.sealed import Sealed
from core.weights.store import Storage, file_of, fill, packed_state, tensors_of

FOLDER = "router"
CARD, WEIGHTS = "card.json", "weights.safetensors"
FORESEEN = 16  # images whose logits are kept: those at hand, and as many that come after them
NEAR = 1e-3  # of log odds from a limit: a hundred times what a pass of several, or a compiled one, may change
CHECKED = 5  # slices of a stack that are looked at
PositiveFinite = Annotated[float, Field(gt=0, allow_inf_nan=False)]
STORAGE: Storage = "int8"
SIDE = 128
CONTRACT = InputContract(
    channels=1, height=SIDE, width=SIDE, scaling=Scaling.PERCENTILE, percentiles=(0.5, 99.5), window=(-500, 1500)
)


class Limit(BaseModel):
    """How one system judges an image: which kinds are its own, and from which log odds against them it is stopped.

    Attributes:
        kinds: of images that the system reads.
        threshold: log odds above which an image is stopped, chosen on answers to groups left out of the training.
        spread: quartile distance of good scans' log odds, the unit in which strangeness is told.
        metrics: on the test part.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kinds: tuple[str, ...]
    threshold: FiniteFloat
    spread: PositiveFinite
    metrics: dict[str, Metric] = {}


class RouterCard(Sealed):
    """Pedigree of the router; see :class:`core.weights.card.ModelCard` for the common fields."""

    telling: ClassVar[frozenset[str]] = frozenset({"data", "training", "metrics", "limits", "parameters"})

    version: str
    kinds: tuple[str, ...]
    systems: dict[str, Limit]
    contract: InputContract
    data: tuple[DataUse, ...]
    training: Training
    metrics: dict[str, Metric] = Field(default_factory=dict)
    limits: tuple[str, ...] = ()
    parameters: int
    weights_sha256: str


@dataclass(frozen=True)
class RouterAnswer:
    """What the router says about a series.

    Attributes:
        kind: the most probable kind. probability: its mean probability over the slices looked at.
        shares: that probability of every kind.
        strange: by system, how far the log odds against its kinds lie above the threshold, in units of their spread
            among good scans (median over the slices): above 0 the series is stopped.
        slices: which slices were looked at.
    """

    kind: str
    probability: float
    shares: Mapping[str, float]
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


def load_card(folder: Path) -> RouterCard:
    """The router's card; ``folder`` as for :class:`Router`.

    Raises:
        ModelUnavailableError: not installed, or a card that cannot be read.
    """
    for name in (CARD, WEIGHTS):
        if not (folder / name).is_file():
            raise ModelUnavailableError(
                f"The router is not installed: {name} is missing.", "Train it: python -m trainers gate."
            )
    try:
        return RouterCard.load(folder / CARD)
    except ValueError as error:
        raise _refused(f"its card cannot be read ({error})") from error


class Router:
    """The network and its card. One instance serves all threads.

    Args:
        folder: ``weights/router``.

    Attributes:
        card: as it was loaded.
        program: what computes the answers instead of PyTorch, within 1e-5 of it; ``None`` where nothing was compiled.

    Raises:
        ModelUnavailableError: not installed, or files that do not match their card.
    """

    def __init__(self, folder: Path) -> None:
        self.card = load_card(folder)
        self.program: RouterProgram | None = None
        weights = _checked(folder / WEIGHTS, self.card.weights_sha256)
        with Unfilled():
            self._net = RouterNet(len(self.card.kinds)).eval().requires_grad_(False)
        try:
            fill(self._net, tensors_of(weights), folder)
        except (ModelRefusedError, ValueError) as error:
            raise _refused("its files are of another network") from error
        fold(self._net)
        self._lock, self._asking = threading.Lock(), threading.Lock()
        self._foreseen: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=FORESEEN)

    def attach(self, programs: Path) -> None:
        """Answer by the program in the folder of programs from now on; by PyTorch where there is no sound one."""
        self.program = compiled_router.sound(self._net, self.card.digest, self._size, programs)

    def compile(self, programs: Path) -> Made:
        """Make the program that :meth:`attach` finds; see :func:`core.weights.compiled.make_of` for what it raises."""
        return compiled_router.make(self._net, self.card.digest, self._size, programs)

    @property
    def _size(self) -> tuple[int, int]:
        return self.card.contract.height, self.card.contract.width

    def read(self, planes: np.ndarray) -> np.ndarray:
        """Logits ``(N, kinds)``, float64, of planes ``(N, side, side)`` from :func:`plane`."""
        with self._lock:
            for known, logits in self._foreseen:
                if np.array_equal(known, planes):
                    return logits
        return self._asked(planes)

    def foresee(self, several: Sequence[Series]) -> None:
        """Look at single images in one pass: :meth:`read` has their logits then, within 1e-5 of what it would find.

        An image whose verdict that could change is left out.
        """
        planes = []
        for series in several:
            if series.sequences:  # judged by more kinds than the limit's
                continue
            try:
                seen = plane(series, 0, self.card.contract)
            except OverreadError:
                continue
            if np.isfinite(seen).all():
                planes.append(seen)
        if len(planes) < 2:
            return
        logits = self._asked(np.stack(planes))
        sure = np.isfinite(logits).all(1) & self._far(np.nan_to_num(logits))
        with self._lock:
            self._foreseen += [(planes[i][None], logits[i : i + 1]) for i in np.flatnonzero(sure)]

    def _far(self, logits: np.ndarray) -> np.ndarray:
        """Whether images ``(N,)`` lie so far from every system's limit that a pass of several moves none across."""
        far = np.ones(len(logits), bool)
        for limit in self.card.systems.values():
            own = [number for number, kind in enumerate(self.card.kinds) if kind in limit.kinds]
            far &= np.abs(not_own(logits, own) - limit.threshold) > NEAR
        return far

    def _asked(self, planes: np.ndarray) -> np.ndarray:
        program = self.program  # may be another one at any moment
        return self._by_network(planes) if program is None else program(planes).astype(np.float64)

    def _by_network(self, planes: np.ndarray) -> np.ndarray:
        with self._asking, torch.inference_mode():
            return cast("np.ndarray", self._net(torch.from_numpy(planes)[:, None]).numpy().astype(np.float64))

    def answer(
        self,
        series: Series,
        slices: Sequence[int] | None = None,
        *,
        only: str | None = None,
        also: Sequence[str] = (),
    ) -> RouterAnswer:
        """Kind and scores of a series; an answer does not depend on what was asked before.

        Args:
            slices: which to look at, by default a few. only: the one system to score for, by default all.
            also: kinds that count as the system's own besides those of its limit.

        Raises:
            ContractError: pixels that cannot be scaled.
            NotFiniteError: no slice looked at holds finite numbers only, or the network makes none of them.
        """
        asked = looked_at(series.slices) if slices is None else slices
        seen = {i: plane(series, i, self.card.contract) for i in asked}
        chosen = tuple(i for i, values in seen.items() if np.isfinite(values).all())
        if not chosen:
            raise NotFiniteError("No slice holds finite numbers only.", "Export the images again.")
        planes = np.stack([seen[i] for i in chosen])
        logits = self.read(planes)
        strange = self._strange(logits, only, also)
        if self.program is not None and self._near(strange):
            logits = self._by_network(planes)  # which verdict it is does not rest on what was compiled
            strange = self._strange(logits, only, also)
        each = torch.from_numpy(logits).softmax(1).numpy().mean(0)
        top = int(each.argmax())
        shares = dict(zip(self.card.kinds, each.tolist(), strict=True))
        return RouterAnswer(self.card.kinds[top], float(each[top]), shares, strange, chosen)

    def _strange(self, logits: np.ndarray, only: str | None, also: Sequence[str]) -> dict[str, float]:
        """What :attr:`RouterAnswer.strange` holds, of logits ``(N, kinds)``."""
        if not np.isfinite(logits).all():
            raise NotFiniteError("The pixel values are beyond what can be computed with.", "Export the images again.")
        strange: dict[str, float] = {}
        for name, limit in self.card.systems.items():
            if only in (None, name):
                own = [number for number, kind in enumerate(self.card.kinds) if kind in limit.kinds or kind in also]
                strange[name] = float(np.median((not_own(logits, own) - limit.threshold) / limit.spread))
        return strange

    def _near(self, strange: Mapping[str, float]) -> bool:
        """Whether a series lies so near some limit that a compiled pass might move it across."""
        return any(abs(value) * self.card.systems[name].spread <= NEAR for name, value in strange.items())


def save(net: RouterNet, card: RouterCard, folder: Path) -> RouterCard:
    """Write the network in the form :data:`STORAGE`, and the card.

    Returns:
        The card as written, with the hash of what was written.

    Raises:
        ValueError: a value is not finite.
    """
    weights = file_of(packed_state(net.state_dict(), STORAGE), STORAGE)
    card = card.model_copy(update={"weights_sha256": hashlib.sha256(weights).hexdigest()}).sealed()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(weights)
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
