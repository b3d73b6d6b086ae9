"""What answers for a model: its weights, and where they are missing or spoilt the first export that can be trusted.

A link is trusted when its files are those that the manifest was written for, the manifest is of the card at hand, its
program is installed, and, once opened, it gives the original's answer to the probe. Without a card nothing answers.

An ExportedProgram (``.pt2``) is never opened here: ``torch.export.load`` unpickles what it finds (torch 2.15), and a
digest beside it proves only that nobody changed one without the other. It is for whoever made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from core.errors import ModelUnavailableError
from core.models.net import OverreadNet
from core.places import sha256_of
from core.weights.card import ModelCard
from core.weights.exported.manifest import MANIFEST, Exports, Link, probe
from core.weights.exported.net import ExportedNet
from core.weights.exported.runtimes import opened
from core.weights.folder import CARD, ModelMissingError, ModelRefusedError
from core.weights.store import load_model

CHAIN = (Link.SAFETENSORS, Link.ONNX, Link.OPENVINO, Link.LITERT)
WATCHED = (CARD, MANIFEST, *(name for link in CHAIN for name in link.files))
TOLERANCE = 1e-4
_PROGRAMS = {Link.ONNX: "onnxruntime", Link.OPENVINO: "openvino", Link.LITERT: "ai_edge_litert"}


@dataclass(frozen=True)
class Answerer:
    """What answers for a model.

    Attributes:
        link: where the answer comes from. instead: why the links before it do not answer; empty for the weights.
    """

    card: ModelCard
    link: Link = Link.SAFETENSORS
    instead: str = ""


def answerer(folder: Path, card: ModelCard, *, failed: dict[Link, ModelUnavailableError] | None = None) -> Answerer:
    """The first link whose files can be trusted; nothing is opened.

    Args:
        failed: links that were opened and failed, with the reason: they are passed over.

    Raises:
        ModelMissingError: there are no weights, and no export stands in.
        ModelRefusedError: weights that are not the card's, and no export stands in.
    """
    why = dict(failed or {})
    for link in CHAIN:
        if link in why:
            continue
        try:
            (_check_weights if link is Link.SAFETENSORS else _check_export)(folder, card, link)
        except ModelUnavailableError as error:
            why[link] = error
            continue
        return Answerer(card, link, "; ".join(_said(why[before]) for before in CHAIN if before in why))
    first = why[Link.SAFETENSORS]
    tried = [_said(why[link]) for link in CHAIN if link is not Link.SAFETENSORS]
    if not (folder / MANIFEST).is_file():
        raise first
    raise type(first)(f"{first.message} No export stands in: {'; '.join(dict.fromkeys(tried))}.", first.remedy)


def load_link(folder: Path, found: Answerer) -> OverreadNet:
    """Open what answers.

    Raises:
        ModelUnavailableError: it cannot be opened, or does not give the original's answer to the probe.
    """
    if found.link is Link.SAFETENSORS:
        return load_model(folder)[0]
    exports = _manifest(folder, found.card)
    answers = opened(found.link, folder / found.link.files[0], exports.names)
    contract = found.card.contract
    said = answers(probe(contract.channels, contract.height, contract.width))
    finding = np.asarray(said[exports.names.index("finding")], np.float64)
    apart = float(np.abs(finding - np.array(exports.probe)).max()) if finding.shape == (len(exports.probe),) else np.inf
    if not apart <= TOLERANCE:
        raise ModelRefusedError(
            f"{found.link.files[0]} answers otherwise on this machine than the model did (by {apart:.2g}).",
            "Export the model again here.",
        )
    return ExportedNet(answers, found.card, exports)


def _check_weights(folder: Path, card: ModelCard, link: Link) -> None:
    name, where = link.files[0], f"{folder.parent.name}/{folder.name}"
    if not (folder / name).is_file():
        raise ModelMissingError(
            f"The weights of {where} are missing ({name}).", "Train the model with its recipe, or copy its folder here."
        )
    try:
        digest = sha256_of(folder / name)
    except OSError as error:
        raise ModelRefusedError(f"The weights of {where} cannot be read ({error}).", "Install them again.") from error
    if digest != card.weights_sha256:
        raise ModelRefusedError(
            f"The model {where} is refused: the weights are not those the card was written for (SHA-256 differs).",
            "Restore the folder as it was exported, or train the model again.",
        )


def _check_export(folder: Path, card: ModelCard, link: Link) -> None:
    entry = _manifest(folder, card).links.get(link)
    again = "Export the model again."
    if entry is None:
        raise ModelMissingError(f"there is no {link} export", again)
    for name in link.files:
        try:
            digest = sha256_of(folder / name)
        except OSError as error:
            raise ModelMissingError(f"{name} is missing", again) from error
        if digest != entry.sha256.get(name):
            raise ModelRefusedError(f"{name} was altered (SHA-256 differs)", again)
    program = _PROGRAMS.get(link)
    if program is not None and find_spec(program) is None:
        raise ModelMissingError(f"{link.files[0]} needs {program}, which is not installed", again)


def _manifest(folder: Path, card: ModelCard) -> Exports:
    again = "Export the model again."
    try:
        found = Exports.load(folder / MANIFEST)
    except FileNotFoundError as error:
        raise ModelMissingError("there is no export", again) from error
    except (OSError, ValueError) as error:
        raise ModelRefusedError(f"{MANIFEST} cannot be read", again) from error
    if found.card_digest != card.digest or (found.system, found.name) != (card.system, card.name):
        raise ModelRefusedError("the exports are of another card", again)
    return found


def _said(error: ModelUnavailableError) -> str:
    return error.message.removesuffix(".")
