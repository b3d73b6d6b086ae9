"""Compiled programs of the installed models: made once on a machine, measured, used where they beat PyTorch.

``FOLDER/<system>/<model>/`` holds OpenVINO's files (:data:`core.models.program.FILES`) and ``made.json``: of which card
they are, what they were measured to take, and what was chosen. Whatever does not fit (another card, another OpenVINO,
altered files, an answer of its own) is passed over, and PyTorch answers. That its answers are the network's is
remembered in ``checked.json`` (:mod:`core.weights.checked`).
"""

from __future__ import annotations

import logging
import shutil
import statistics
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import torch

from core.errors import ModelUnavailableError
from core.models.net import OverreadNet
from core.models.output import Trace
from core.models.program import FILES, Program, read, write
from core.places import sha256_of
from core.weights import checked
from core.weights.card import ModelCard
from core.weights.exported.manifest import probe
from core.weights.sealed import Sealed

MADE = "made.json"
REPEATS = 5
TOLERANCE = 1e-4  # of a logit, on the probe
MAP_TOLERANCE = 1e-3  # of a segmenter's heat map, in shares of its peak
_log = logging.getLogger(__name__)


class Made(Sealed):
    """A program that was made and measured on this machine.

    Attributes:
        system, name, card_digest: of which model.
        form: of the files: what a program gives, in which order.
        openvino: its version. sha256: of the files, by name.
        torch_ms, openvino_ms: median milliseconds of an image, taken in turns.
        apart: largest difference of a logit on two test images.
        chosen: what answers.
    """

    system: str
    name: str
    card_digest: str
    form: Literal[2]
    openvino: str
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


def made(card: ModelCard, folder: Path) -> Made | None:
    """What was made for this card with the OpenVINO that is installed; ``None`` where nothing was."""
    try:
        found = Made.load(folder / card.system / card.name / MADE)
    except (OSError, ValueError):
        return None
    return found if (found.card_digest, found.openvino) == (card.digest, installed()) else None


def make(net: OverreadNet, card: ModelCard, folder: Path) -> Made:
    """Compile a network, measure it against itself, write both down; what was there is replaced as a whole.

    Args:
        folder: of all programs.

    Raises:
        ModelUnavailableError: OpenVINO is not installed or cannot hold the network.
        OSError: the folder cannot be written.
    """
    place = folder / card.system / card.name
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{card.name}-", dir=place.parent))
    try:
        write(net, aside)
        program = read(net, aside)
        torch_ms, openvino_ms = _in_turns(net, program, card)
        apart = _apart(net, program, card)
        good = apart <= TOLERANCE and _map_apart(net, program, card) <= MAP_TOLERANCE and openvino_ms < torch_ms
        found = Made(
            system=card.system,
            name=card.name,
            card_digest=card.digest,
            form=2,
            openvino=installed(),
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


def attach(net: OverreadNet, card: ModelCard, folder: Path) -> bool:
    """Let a network answer by its program where one was chosen, and is sound; whether it does now.

    Sound: its files are those that were made, and it was held against the network, now or with all of
    :class:`core.weights.checked.Checked` as it is.
    """
    found = made(card, folder)
    place = folder / card.system / card.name
    if found is None or found.chosen != "openvino" or not net.differentiable:
        return False
    try:
        hashes = {name: sha256_of(place / name) for name in FILES}
        if hashes != found.sha256:
            raise ModelUnavailableError("The files were altered.", "Run: overread compile")
        program, check = read(net, place), checked.now(card, hashes)
        if not checked.passed_before(place, check):
            _hold_against(net, program, card)
            checked.note(place, check)
    except (ModelUnavailableError, OSError) as error:
        _log.warning("The compiled program of %s/%s is not used: %s", card.system, card.name, error)
        return False
    net.program = program
    return True


def _hold_against(net: OverreadNet, program: Program, card: ModelCard) -> None:
    apart = _apart(net, program, card)
    if not apart <= TOLERANCE:
        raise ModelUnavailableError(f"It answers otherwise by {apart:.2g}.", "Run: overread compile")
    if not _map_apart(net, program, card) <= MAP_TOLERANCE:
        raise ModelUnavailableError("It draws another heat map.", "Run: overread compile")


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


def _in_turns(net: OverreadNet, program: Program, card: ModelCard) -> tuple[float, float]:
    """Median milliseconds an image of network and program, asked in turns so that other work slows both.

    Two images are asked about: an answer rests on a slice and its mirrored one.
    """
    x = _images(card)
    ways = {"torch": lambda: net.output_from_stages(net.feature_stages(x)), "openvino": lambda: program(x)}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with torch.inference_mode():
        for _ in range(REPEATS + 1):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                taken[name].append(1000 * (time.perf_counter() - started) / len(x))
    torch_ms, openvino_ms = (statistics.median(times[1:]) for times in taken.values())  # the first fills caches
    return torch_ms, openvino_ms
