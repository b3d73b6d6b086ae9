"""What a network starts from: nothing, a library's weights, our own pretrained backbone, or a shipped model's."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import adapt_input_conv
from torch import nn

from core.errors import ModelUnavailableError
from core.models.net import OverreadNet
from core.models.store import load_model

PRETRAINED = Path(__file__).resolve().parent.parent / "weights" / "pretrained"
BACKBONE = "backbone.safetensors"
_ENCODER = re.compile(r"^(?:unet_)?(.+?)(?:_attention)?$")
_TRUNK_STEM = {"stages.0.0.": "conv1.", "stages.0.1.": "bn1."}


def library_weights(start: str) -> str | None:
    """The ``pretrained`` argument of :func:`core.models.registry.create` for a recipe's ``initial_weights``."""
    if start in ("scratch", "ours") or start.startswith("model:"):
        return None
    return start.removeprefix("radimagenet:")


def encoder_of(architecture: str) -> str:
    """Name under which an architecture's backbone is kept: U-Nets and classifiers on one encoder share it."""
    found = _ENCODER.match(architecture)
    return found.group(1) if found else architecture


def start_from_model(net: OverreadNet, folder: Path) -> None:
    """Fill a network from a shipped model of its architecture: wholly where the classes agree, else the backbone.

    The two recipes must split their common sets alike, or the second would be tested on what the first has learnt.

    Args:
        folder: ``weights/<system>/<name>``.

    Raises:
        ModelUnavailableError: no such model, or one of another architecture.
    """
    other, card = load_model(folder)
    try:
        ours, theirs = net.state_dict(), other.state_dict()
        if {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}:
            net.load_state_dict(theirs)
        else:
            net.backbone.load_state_dict(other.backbone.state_dict())
    except RuntimeError as error:
        raise ModelUnavailableError(
            f"{card.system}/{card.name} is a {card.architecture} and does not fit {net.architecture}.",
            "Start from a model of the same architecture and channels.",
        ) from error


def load_backbone(net: OverreadNet, folder: Path) -> None:
    """Fill a network's backbone with ``folder/<encoder>/backbone.safetensors``, as ``pretrain`` writes it.

    A first convolution over three channels is summed for a network of one channel.

    Raises:
        ModelUnavailableError: no such file, or one of another architecture.
    """
    path = folder / encoder_of(net.architecture) / BACKBONE
    if not path.is_file():
        raise ModelUnavailableError(
            f"There is no pretrained backbone at {path}.",
            f"Run: python -m trainers pretrain --architecture {encoder_of(net.architecture)}",
        )
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelUnavailableError(f"{path} cannot be read: {error}.", "Run pretrain again.") from error
    wanted = net.backbone.state_dict()
    if not set(found) & set(wanted):
        found = {_encoder_key(key): value for key, value in found.items()}
    for key, value in found.items():
        if key in wanted and value.dim() == 4 and value.shape[1] == 3 != wanted[key].shape[1]:
            found[key] = adapt_input_conv(wanted[key].shape[1], value)
    wrong = [k for k, v in wanted.items() if k not in found or found[k].shape != v.shape]
    if wrong or len(found) != len(wanted):
        raise ModelUnavailableError(
            f"{path} does not fit {net.architecture}: {len(wrong)} of {len(wanted)} entries differ.",
            "Pretrain a backbone of this architecture.",
        )
    net.backbone.load_state_dict(found)


def _encoder_key(key: str) -> str:
    """A trunk's key as the encoder of a U-Net names it."""
    for stem, name in _TRUNK_STEM.items():
        if key.startswith(stem):
            return name + key.removeprefix(stem)
    return re.sub(r"^stages\.(\d)\.", r"layer\1.", key)


def set_dropout(net: OverreadNet, p: float) -> None:
    """Set the dropout of a network's head; a head without any drops pooled features before its last linear layer."""
    drops = [m for name, m in net.named_modules() if isinstance(m, nn.Dropout) and not name.startswith("backbone.")]
    for drop in drops:
        drop.p = p
    if drops:
        return
    linear = [m for name, m in net.named_modules() if isinstance(m, nn.Linear) and not name.startswith("backbone.")]
    if linear:
        linear[-1].register_forward_pre_hook(
            lambda module, inputs: (torch.nn.functional.dropout(inputs[0], p, module.training), *inputs[1:])
        )
