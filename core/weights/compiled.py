"""Compiled programs of the installed models: made once on a machine, measured, used where they beat PyTorch.

``FOLDER/<system>/<model>/`` holds OpenVINO's files (:data:`core.models.graph.FILES`) and ``made.json``: of which card
they are, what they were measured to take, and what was chosen. Whatever does not fit (another card, another OpenVINO or
processor, altered files, an answer of its own) is passed over, and PyTorch answers. That its answers are the network's
is remembered in ``checked.json`` (:mod:`core.weights.checked`). The router's is made, kept and believed in the same way
(:mod:`core.weights.compiled_router`).
"""

from __future__ import annotations

import logging
import shutil
import statistics
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Generic, Literal, TypeVar

import torch

from core.errors import ModelUnavailableError
from core.models.graph import FILES
from core.models.net import OverreadNet
from core.models.output import Trace
from core.models.program import Program, read, write
from core.places import sha256_of
from core.weights import checked
from core.weights.card import ModelCard
from core.weights.exported.manifest import probe
from core.weights.sealed import Sealed

MADE = "made.json"
REPEATS = 5
TOLERANCE = 1e-4  # of a logit, on the probe
MAP_TOLERANCE = 1e-3  # of a segmenter's heat map, in shares of its peak
P = TypeVar("P")
_log = logging.getLogger(__name__)


class Made(Sealed):
    """A program that was made and measured on this machine.

    Attributes:
        system, name, card_digest: of which model.
        form: of the files: what a program gives, in which order.
        openvino: its version. processor: hash of what it calls itself and can do.
        sha256: of the files, by name.
        torch_ms, openvino_ms: median milliseconds of an image, taken in turns.
        apart: largest difference of a logit on two test images.
        chosen: what answers.
    """

    system: str
    name: str
    card_digest: str
    form: Literal[3]
    openvino: str
    processor: str
    sha256: dict[str, str]
    torch_ms: float
    openvino_ms: float
    apart: float
    chosen: Literal["openvino", "torch"]


def installed() -> str:
    """Version of OpenVINO; empty where it is not installed."""
    try:
        return version("openvino")
    except PackageNotFoundError:
        return ""


class Side(ABC, Generic[P]):
    """A network that may be compiled, with all that its program is held against.

    Args:
        system, name: where in the folder of programs it lies. digest: of its card.
    """

    def __init__(self, system: str, name: str, digest: str) -> None:
        self.system, self.name, self.digest = system, name, digest

    def place(self, folder: Path) -> Path:
        """Where its program lies in the folder of all."""
        return folder / self.system / self.name

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write its program as :data:`FILES`; ``ModelUnavailableError`` where OpenVINO cannot hold it."""

    @abstractmethod
    def read(self, folder: Path) -> P:
        """Open what was written; ``ModelUnavailableError`` where it is damaged."""

    @abstractmethod
    def apart(self, program: P) -> float:
        """Largest difference of a logit between network and program on two test images; infinite where one is NaN."""

    @abstractmethod
    def times(self, program: P) -> tuple[float, float]:
        """Median milliseconds an image of network and program, asked in turns."""

    def fault(self, program: P) -> str:
        """Why a program may not answer although its logits are the network's; empty where it may."""
        return ""


class _Model(Side[Program]):
    def __init__(self, net: OverreadNet, card: ModelCard) -> None:
        super().__init__(card.system, card.name, card.digest)
        self._net, self._card = net, card

    def write(self, folder: Path) -> None:
        write(self._net, folder)

    def read(self, folder: Path) -> Program:
        return read(self._net, folder)

    def apart(self, program: Program) -> float:
        return _apart(self._net, program, self._card)

    def times(self, program: Program) -> tuple[float, float]:
        """Two images are asked about: an answer rests on a slice and its mirrored one."""
        net, x = self._net, _images(self._card)
        return in_turns(lambda: net.output_from_stages(net.feature_stages(x)), lambda: program(x), len(x))

    def fault(self, program: Program) -> str:
        good = _map_apart(self._net, program, self._card) <= MAP_TOLERANCE
        return "" if good else "It draws another heat map."


def made(card: ModelCard, folder: Path) -> Made | None:
    """What was made for this card with this OpenVINO on this processor; ``None`` where nothing was."""
    return found_in(folder / card.system / card.name, card.digest)


def make(net: OverreadNet, card: ModelCard, folder: Path) -> Made:
    """Compile a model; see :func:`make_of`."""
    return make_of(_Model(net, card), folder)


def attach(net: OverreadNet, card: ModelCard, folder: Path) -> bool:
    """Let a network answer by its program where :func:`sound_in` finds one; whether it does now."""
    if not net.differentiable:
        return False
    program = sound_in(_Model(net, card), folder)
    if program is None:
        return False
    net.program = program
    return True


def found_in(place: Path, digest: str) -> Made | None:
    """What was made at a place for the card of this digest with this OpenVINO on this processor."""
    try:
        found = Made.load(place / MADE)
    except (OSError, ValueError):
        return None
    made_for = found.card_digest, found.openvino, found.processor
    return found if made_for == (digest, installed(), checked.kind()) else None


def make_of(side: Side[P], folder: Path) -> Made:
    """Compile a network, measure it against itself, write both down; what was there is replaced as a whole.

    Args:
        folder: of all programs.

    Raises:
        ModelUnavailableError: OpenVINO is not installed or cannot hold the network.
        OSError: the folder cannot be written.
    """
    place = side.place(folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{side.name}-", dir=place.parent))
    try:
        side.write(aside)
        program = side.read(aside)
        torch_ms, openvino_ms = side.times(program)
        apart = side.apart(program)
        good = apart <= TOLERANCE and not side.fault(program) and openvino_ms < torch_ms
        found = Made(
            system=side.system,
            name=side.name,
            card_digest=side.digest,
            form=3,
            openvino=installed(),
            processor=checked.kind(),
            sha256={name: sha256_of(aside / name) for name in FILES},
            torch_ms=torch_ms,
            openvino_ms=openvino_ms,
            apart=apart,
            chosen="openvino" if good else "torch",
        )
        found.save(aside / MADE)
        shutil.rmtree(place, ignore_errors=True)
        aside.rename(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return found


def sound_in(side: Side[P], folder: Path) -> P | None:
    """The program that may answer for a network; ``None`` where none was chosen, or it is not sound.

    Sound: its files are those that were made, and it was held against the network, now or with all of
    :class:`core.weights.checked.Checked` as it is.
    """
    place = side.place(folder)
    found = found_in(place, side.digest)
    if found is None or found.chosen != "openvino":
        return None
    try:
        hashes = {name: sha256_of(place / name) for name in FILES}
        if hashes != found.sha256:
            raise ModelUnavailableError("The files were altered.", "Run: overread compile")
        program, check = side.read(place), checked.now(side.digest, hashes)
        if not checked.passed_before(place, check):
            _hold_against(side, program)
            checked.note(place, check)
    except (ModelUnavailableError, OSError) as error:
        _log.warning("The compiled program of %s/%s is not used: %s", side.system, side.name, error)
        return None
    return program


def _hold_against(side: Side[P], program: P) -> None:
    apart = side.apart(program)
    if not apart <= TOLERANCE:
        raise ModelUnavailableError(f"It answers otherwise by {apart:.2g}.", "Run: overread compile")
    if fault := side.fault(program):
        raise ModelUnavailableError(fault, "Run: overread compile")


def _images(card: ModelCard) -> torch.Tensor:
    contract = card.contract
    return torch.from_numpy(probe(contract.channels, contract.height, contract.width))


def _apart(net: OverreadNet, program: Program, card: ModelCard) -> float:
    x = _images(card)
    with torch.no_grad():
        wanted = net.output_from_stages(net.feature_stages(x))
        said, _ = program(x)
    pairs = [(said.logits, wanted.logits)]
    if said.mask_logits is not None and wanted.mask_logits is not None:
        # where a mask is sure its log-odds are large, and so is their rounding
        pairs.append((said.mask_logits.sigmoid(), wanted.mask_logits.sigmoid()))
    return max(float((one.double() - other.double()).abs().nan_to_num(nan=torch.inf).max()) for one, other in pairs)


def _map_apart(net: OverreadNet, program: Program, card: ModelCard) -> float:
    """Largest difference of the outline's heat map on one image, in shares of its peak; 0 where there is none."""
    if not net.draws_masks:
        return 0.0
    out, stages = program(_images(card)[:1])
    trace = Trace(stages, out.mask_logits, out.gates)
    wanted, drawn = net.outline_map(Trace(stages)).double(), net.outline_map(trace).double()
    return float((drawn - wanted).abs().nan_to_num(nan=torch.inf).max() / wanted.max().clamp_min(1e-6))


def in_turns(network: Callable[[], object], program: Callable[[], object], images: int) -> tuple[float, float]:
    """Median milliseconds an image of network and program, asked in turns so that other work slows both.

    Args:
        images: how many each asks about.
    """
    taken: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for _ in range(REPEATS + 1):
            for way, times in zip((network, program), taken, strict=True):
                started = time.perf_counter()
                way()
                times.append(1000 * (time.perf_counter() - started) / images)
    torch_ms, openvino_ms = (statistics.median(times[1:]) for times in taken)  # the first fills caches
    return torch_ms, openvino_ms
