"""That a compiled program was held against its network, remembered until anything changes that either rests on.

A check costs as much as several answers, at every start and for every model. What it finds follows from the program's
bytes, the weights, the code of both sides and the processor: all these are in :class:`Checked`, and where one differs
the program is held against the network again. Like ``made.json`` it keeps off accidents (a folder copied to another
machine, a library or Overread itself replaced), not somebody who writes programs of their own into the folder.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from core.places import HOME
from core.weights.sealed import Sealed

CHECKED = "checked.json"
_LIBRARIES = ("openvino", "torch", "torchvision", "timm", "segmentation-models-pytorch", "numpy")
_OURS = ("core/models", "core/weights", "core/explain")  # what answers, what loads it, and what draws its heat maps


class Checked(Sealed):
    """What a check that was passed rests on.

    Attributes:
        program: SHA-256 of the program's files, by name. card_digest: of the model; it holds the weights' hash.
        code: hash of our own code on both sides. libraries: versions, by name.
        processor: hash of what it calls itself and can do. threads: that PyTorch computes with.
    """

    program: dict[str, str]
    card_digest: str
    code: str
    libraries: dict[str, str]
    processor: str
    threads: int


def now(card_digest: str, program: dict[str, str]) -> Checked:
    """What a check of a program would rest on, sealed.

    Args:
        card_digest: of the network's card.
        program: SHA-256 of the program's files as they are, by name.
    """
    return Checked(
        program=program,
        card_digest=card_digest,
        code=_code(),
        libraries=_libraries(),
        processor=_processor(),
        threads=torch.get_num_threads(),
    ).sealed()


def passed_before(folder: Path, wanted: Checked) -> bool:
    """Whether this very check was passed, by what a program's folder says."""
    try:
        return Checked.load(folder / CHECKED) == wanted
    except (OSError, ValueError):
        return False


def note(folder: Path, passed: Checked) -> None:
    """Remember a check that was passed; where the folder cannot be written it is made again at the next start."""
    aside = folder / f".{CHECKED}-{os.getpid()}"
    try:
        passed.save(aside)
        os.replace(aside, folder / CHECKED)
    except OSError:
        aside.unlink(missing_ok=True)


@cache
def _code() -> str:
    told = hashlib.sha256()
    for folder in _OURS:
        for file in sorted((HOME / folder).rglob("*.py")):
            told.update(f"{file.relative_to(HOME)}\n".encode() + file.read_bytes())
    return told.hexdigest()


@cache
def _libraries() -> dict[str, str]:
    return {"python": sys.version} | {name: version(name) for name in _LIBRARIES}


@cache
def kind() -> str:
    """Hash of what this processor calls itself and can do: what is compiled on it is compiled for this."""
    return _hash(
        (platform.machine(), torch.backends.cpu.get_cpu_capability(), *_told("model name", "flags", "Features"))
    )


@cache
def _processor() -> str:
    return _hash((kind(), *platform.uname(), platform.processor(), os.cpu_count(), *_told("microcode")))


def _told(*names: str) -> list[str]:
    """What the system says of its processors under these names."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return sorted({line for line in lines if line.partition("\t")[0].strip() in names})


def _hash(known: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(str, known)).encode()).hexdigest()
