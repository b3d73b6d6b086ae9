"""Weights and model cards on disk: ``weights/<system>/<name>/weights.safetensors`` and ``card.json``.

Storage forms of the weights of convolutions and linear layers (everything else, biases, norms and running statistics,
stays float32: it is small, and variances may exceed float16):

- ``float32``, ``float16``: as they are.
- ``int8``: symmetric integers, one float32 scale per output channel under ``<key>.scale``.
- ``int6``, ``int5``: symmetric integers, one float16 scale per 64 weights; tensors of fewer than 4,096 weights stay
  ``int8``. See :mod:`core.weights.quantise`.

Linear layers of fewer than 16,384 weights stay float32 in all three: such a head in six bits cost a model of four
classes 0.07 of its mean recall.

What is stored as integers is written in the second form of the file, coded without loss (:mod:`core.weights.coding`).
Files of the first form, an entry for each key and integers of fewer bits Huffman-coded as bytes, are read as ever.

A model of several ``members`` (:mod:`core.models.members`) has the entries in which they differ once for each, under
``members.<number>.<key>``; what is the same in all stands once.

Batch counters (``num_batches_tracked``) are dropped: nothing reads them at a fixed momentum. Pickle is never used.
"""

from __future__ import annotations

import copy
import hashlib
import os
from pathlib import Path
from typing import Literal, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import nn

from core.errors import ModelUnavailableError, OverreadError
from core.models.members import Members
from core.models.net import OverreadNet
from core.models.registry import create
from core.models.unfilled import Unfilled
from core.weights.card import ModelCard
from core.weights.coding import MEMBER, SCALE, decoded, encoded, is_coded
from core.weights.folder import CARD, WEIGHTS, ModelMissingError, load_card, refused
from core.weights.quantise import by_channel, by_group, from_groups, inflated

Storage = Literal["float16", "int8", "int6", "int5", "float32"]
Net = TypeVar("Net", bound=nn.Module)
_BITS = {"int6": 6, "int5": 5}
_SMALL = 4096
_COUNTER = "num_batches_tracked"


def save_model(net: OverreadNet, card: ModelCard, folder: Path, storage: Storage = "float16") -> ModelCard:
    """Write weights and card; the card's storage, parameter count and weight hash are filled in here.

    A file that holds these very weights already stays as it is, however its integers are coded.

    Returns:
        The card as written.

    Raises:
        ValueError: the card describes another network, or a weight is not finite.
    """
    if card.members != (len(net) if isinstance(net, Members) else 1):
        raise ValueError(f"the card says {card.members} members, the network has another number")
    said = (card.architecture, len(card.classes), card.contract.channels, (card.contract.height, card.contract.width))
    real = (net.architecture, net.classes, net.channels, net.size)
    if said != real:
        raise ValueError(f"the card says {said}, the network is {real} (architecture, classes, channels, size)")
    content = _already(net, storage, folder) or file_of(packed_state(_state(net), storage), storage)
    parameters = sum(p.numel() for p in net.parameters())
    return _write(content, card.model_copy(update={"storage": storage, "parameters": parameters}), folder)


def _already(net: OverreadNet, storage: Storage, folder: Path) -> bytes | None:
    """The file that lies there, where it holds the very weights that would be written: its hash stays theirs."""
    try:
        there, card = load_model(folder)
    except ModelUnavailableError:
        return None
    before, now = there.state_dict(), as_stored(copy.deepcopy(net), storage).state_dict()
    told = [key for key in now if not key.endswith(_COUNTER)]
    if card.storage != storage or before.keys() != now.keys() or not all(torch.equal(before[k], now[k]) for k in told):
        return None
    return (folder / WEIGHTS).read_bytes()


def _write(content: bytes, card: ModelCard, folder: Path) -> ModelCard:
    """The file and its card, which names it."""
    card = card.model_copy(update={"weights_sha256": hashlib.sha256(content).hexdigest()}).sealed()
    folder.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed, so that an interrupted save leaves the old model or a refused one, never half a file.
    aside = folder / (WEIGHTS + ".part")
    aside.write_bytes(content)
    os.replace(aside, folder / WEIGHTS)
    card.save(folder / CARD)
    return card


def load_model(folder: Path) -> tuple[OverreadNet, ModelCard]:
    """Read a model; the network is float32, in evaluation mode, and its parameters need no gradients.

    Raises:
        ModelMissingError: no weights or no card in ``folder``.
        ModelRefusedError: an unreadable card, altered weights, or weights of another network than the card's.
    """
    for name in (CARD, WEIGHTS):
        if not (folder / name).is_file():
            raise ModelMissingError(
                f"The model {folder.parent.name}/{folder.name} is not installed: {name} is missing.",
                "Train it with its recipe, or copy its folder here.",
            )
    card = load_card(folder)
    content = (folder / WEIGHTS).read_bytes()
    if hashlib.sha256(content).hexdigest() != card.weights_sha256:
        raise refused(folder, "the weights are not those the card was written for (SHA-256 differs)")
    try:
        stored = tensors_of(content)
    except ValueError as error:
        raise refused(folder, f"the weights cannot be read ({error})") from error
    try:
        with Unfilled():
            nets = [
                create(
                    card.architecture,
                    classes=len(card.classes),
                    channels=card.contract.channels,
                    size=(card.contract.height, card.contract.width),
                )
                for _ in range(card.members)
            ]
    except (OverreadError, ValueError) as error:
        raise refused(folder, str(error)) from error
    net = _one_of(nets, stored, folder)
    return net.eval().requires_grad_(False), card


def tensors_of(content: bytes) -> dict[str, torch.Tensor]:
    """What was packed, from a file of either form.

    Raises:
        ValueError: no such file, or damaged.
    """
    try:
        stored = tensors_from_bytes(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return decoded(stored) if is_coded(stored) else stored


def file_of(packed: dict[str, torch.Tensor], storage: str) -> bytes:
    """The bytes of a file; what is stored as floats stays readable to other programs."""
    return tensors_to_bytes(packed if storage in ("float32", "float16") else encoded(packed))


def _one_of(nets: list[OverreadNet], stored: dict[str, torch.Tensor], folder: Path) -> OverreadNet:
    """The network, or the members joined, filled; members with one backbone in the file share it."""
    if len(nets) == 1:
        fill(nets[0], stored, folder)
        return nets[0]
    common = {key: value for key, value in stored.items() if not key.startswith(MEMBER)}
    known = set(common)
    for number, net in enumerate(nets):
        prefix = f"{MEMBER}{number}."
        own = {key.removeprefix(prefix): value for key, value in stored.items() if key.startswith(prefix)}
        known |= {prefix + key for key in own}
        fill(net, common | own, folder)
    # Members that differ in nothing are one network, whose agreement with itself would be told as a spread of none.
    if known != set(stored) or not all(any(k.startswith(f"{MEMBER}{n}.") for k in stored) for n in range(len(nets))):
        raise refused(folder, f"it holds another number of members than {len(nets)}")
    if not any(".backbone." in key for key in stored if key.startswith(MEMBER)):
        for net in nets[1:]:
            net.backbone = nets[0].backbone
    return Members(nets)


def _state(net: OverreadNet) -> dict[str, torch.Tensor]:
    """What is to be stored, by key; for members see the module docstring."""
    if not isinstance(net, Members):
        return net.state_dict()
    states = [member.state_dict() for member in net]
    out: dict[str, torch.Tensor] = {}
    for key, value in states[0].items():
        if all(torch.equal(value, other[key]) for other in states[1:]):
            out[key] = value
        else:
            out |= {f"{MEMBER}{number}.{key}": state[key] for number, state in enumerate(states)}
    return out


def written_anew(folder: Path) -> ModelCard:
    """Write a model's integers in today's form of the file: the same values, bit for bit, so the same answers.

    Returns:
        The card as written: it names the new file, and nothing else of it changes. A model stored as floats is left
        as it is.

    Raises:
        ModelUnavailableError: as for :func:`load_model`.
    """
    net, card = load_model(folder)
    if card.storage in ("float32", "float16"):
        return card
    stored = tensors_of((folder / WEIGHTS).read_bytes())
    first = next(iter(net)) if isinstance(net, Members) else net
    sizes = {key: value.numel() for key, value in first.state_dict().items()}
    for key, value in stored.items():
        if value.dtype == torch.uint8:
            name = key.split(".", 2)[2] if key.startswith(MEMBER) else key
            stored[key] = inflated(value, sizes[name])
    return _write(file_of(stored, card.storage), card, folder)


def as_stored(net: Net, storage: Storage) -> Net:
    """The network as it would be read back from a file in that storage form, in place.

    Rounded weights give features a little to one side of the exact ones: thresholds and heads chosen on those would not
    fit what ships.
    """
    fill(net, packed_state(net.state_dict(), storage), Path("memory"))
    return net


def packed_state(state: dict[str, torch.Tensor], storage: Storage) -> dict[str, torch.Tensor]:
    """A network's state in the asked storage form.

    Raises:
        ValueError: a value is not finite.
    """
    packed: dict[str, torch.Tensor] = {}
    for key, value in state.items():
        if key.endswith(_COUNTER):
            continue
        value = value.detach().to("cpu", torch.float32).contiguous()
        if not torch.isfinite(value).all():
            raise ValueError(f"{key} holds values that are not finite; the training has diverged")
        if value.dim() < 2 or storage == "float32" or (storage != "float16" and _small_linear(value)):
            packed[key] = value
        elif storage == "int8" or (storage in _BITS and value.numel() < _SMALL):
            packed[key], packed[key + SCALE] = by_channel(value)
        elif storage in _BITS:
            packed[key], packed[key + SCALE] = by_group(value, _BITS[storage])
        else:
            half = value.to(torch.float16)
            packed[key] = half if torch.isfinite(half).all() else value
    return packed


def _small_linear(value: torch.Tensor) -> bool:
    """A linear layer of few weights: a head fitted to features of unlike spread has some weights a thousand times as
    large as others, which eight bits, let alone six, would round to nothing."""
    return value.dim() == 2 and value.numel() < _SMALL * 4


def fill(net: nn.Module, stored: dict[str, torch.Tensor], folder: Path) -> None:
    """Load the stored tensors into the network, every key and shape accounted for.

    Raises:
        ModelRefusedError: of another network, or not finite.
    """
    wanted = net.state_dict()
    scales = {key: value for key, value in stored.items() if key.endswith(SCALE) and key not in wanted}
    plain = {key: value for key, value in stored.items() if key not in scales}
    expected = {key for key in wanted if not key.endswith(_COUNTER)}
    if set(plain) != expected:
        odd = sorted(set(plain) ^ expected)
        raise refused(folder, f"the weights are of another architecture ({len(odd)} entries differ, first {odd[0]})")
    for key, value in plain.items():
        if value.dtype == torch.uint8 or (value.dtype == torch.int8 and value.dim() == 1):
            wanted[key] = _from_groups(key, value, scales.pop(key + SCALE, None), wanted[key].shape, folder)
            continue
        if value.shape != wanted[key].shape:
            shapes = f"{tuple(value.shape)}, expected {tuple(wanted[key].shape)}"
            raise refused(folder, f"the weights have another shape or number of classes ({key} is {shapes})")
        if value.dtype == torch.int8:
            scale = scales.pop(key + SCALE, None)
            if scale is None or scale.shape != value.shape[:1]:
                raise refused(folder, f"{key} is quantised, but has no fitting scales")
            value = value.float() * scale.view(-1, *[1] * (value.dim() - 1))
        wanted[key] = value.float()
    if scales:
        raise refused(folder, f"there are scales without weights (first {min(scales)})")
    spoilt = next((key for key, value in wanted.items() if not _finite(value)), None)
    if spoilt is not None:
        raise refused(folder, f"{spoilt} holds values that are not finite")
    net.load_state_dict(wanted)


def _finite(value: torch.Tensor) -> bool:
    # One number tells of all: no sum over something that is not finite is; a sum beyond what can be held tells nothing.
    return bool(torch.isfinite(value.sum()) or torch.isfinite(value).all())


def _from_groups(
    key: str, integers: torch.Tensor, scale: torch.Tensor | None, shape: torch.Size, folder: Path
) -> torch.Tensor:
    if scale is None:
        raise refused(folder, f"{key} is quantised, but has no fitting scales")
    try:
        if integers.dtype == torch.uint8:
            integers = inflated(integers, shape.numel())
        return from_groups(integers, scale, shape)
    except ValueError as error:
        raise refused(folder, f"the weights have another shape or number of classes ({key}: {error})") from error
