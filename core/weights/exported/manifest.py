"""``exports.json`` beside the weights: which exported files there are, of which card, and what each must answer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.places import sha256_of
from core.weights.card import ModelCard
from core.weights.sealed import Sealed

MANIFEST = "exports.json"
PROBES = 2


class Link(StrEnum):
    """Kinds of files that hold a model; which of them answer, in which order: ``core.weights.exported.chain.CHAIN``."""

    SAFETENSORS = "safetensors"
    PT2 = "pt2"
    ONNX = "onnx"
    OPENVINO = "openvino"
    LITERT = "litert"

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its files in a model's folder, the one that is opened first."""
        return _FILES[self]


_FILES = {
    Link.SAFETENSORS: ("weights.safetensors",),
    Link.PT2: ("model.pt2",),
    Link.ONNX: ("model.onnx",),
    Link.OPENVINO: ("model.xml", "model.bin"),
    Link.LITERT: ("model.tflite",),
}


class ExportedFiles(BaseModel):
    """One export: SHA-256 of its files by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: dict[str, str]


class Exports(Sealed):
    """The exports of one model.

    Attributes:
        card_digest: of the card they were made from: calibration is in them, so a card calibrated anew refuses them.
        names: outputs, in order.
        linear_weight: ``(K, C)`` where the logits are linear in the mean of the tap, for heat maps.
        probe: probability of a finding that the original gives for :func:`probe`.
        links: by :class:`Link`.
    """

    system: str
    name: str
    card_digest: str
    names: tuple[str, ...]
    linear_weight: tuple[tuple[float, ...], ...] | None = None
    probe: tuple[float, ...]
    links: dict[Link, ExportedFiles]


def probe(channels: int, height: int, width: int) -> np.ndarray:
    """The same :data:`PROBES` images everywhere, float32 ``(2, channels, height, width)``; no scans."""
    count = PROBES * channels * height * width
    waves = np.sin(np.arange(count, dtype=np.float64) * 0.37) + np.sin(np.arange(count, dtype=np.float64) ** 2 * 1e-5)
    return waves.reshape(PROBES, channels, height, width).astype(np.float32)


def note(folder: Path, card: ModelCard, link: Link, found: Exports) -> None:
    """Enter an export that lies in a model's folder; entries of another card's exports are dropped.

    Args:
        found: everything but ``links``, which are taken from the file there and from the folder.
    """
    try:
        before = Exports.load(folder / MANIFEST)
    except (OSError, ValueError):
        before = found
    kept = before.links if before.card_digest == card.digest else {}
    entry = ExportedFiles(sha256={name: sha256_of(folder / name) for name in link.files})
    found.model_copy(update={"links": {**kept, link: entry}}).save(folder / MANIFEST)
