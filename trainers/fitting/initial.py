"""What a network starts from: nothing, a library's weights, our own pretrained backbone, or a shipped model's."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import adapt_input_conv
from torch import nn

from core import places
from core.errors import ModelUnavailableError
from core.models.net import OverreadNet
from core.weights.store import load_model

PRETRAINED = places.WEIGHTS / "pretrained"
BACKBONE = "backbone.safetensors"
_ENCODER = re.compile(r"^(?:unet_)?(.+?)(?:_attention)?$")
_COUNTER = "num_batches_tracked"
_BLOCK = re.compile(r"^(stages\.\d|layer\d)\.(\d+)\.(.+)$")
_BASIC = ("conv1", "bn1", "conv2", "bn2")
_LITE_HEAD = re.compile(r"^stages\.4\.[23]\.")  # a classifier's last 1x1 convolution and norm, which its U-Net lacks
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
    """Fill a network from a shipped model: wholly where architecture and classes agree, else its backbone.

    A U-Net and a classifier on one encoder give each other theirs. A U-Net of other classes or channels lends its
    decoder too: what draws the outline of one tumour draws that of another; only the reading of the classes is new.
    The two recipes must split their common sets alike, or the second would be tested on what the first has learnt.

    Args:
        folder: ``weights/<system>/<name>``.

    Raises:
        ModelUnavailableError: no such model, or one of another encoder.
    """
    other, card = load_model(folder)
    ours, theirs = net.state_dict(), other.state_dict()
    if {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}:
        net.load_state_dict(theirs)
    else:
        _fill_backbone(net, other.backbone.state_dict(), f"{card.system}/{card.name} ({card.architecture})")
        if net.draws_masks and net.architecture == other.architecture:
            lent = {k: v for k, v in theirs.items() if not k.startswith("backbone.") and ours[k].shape == v.shape}
            net.load_state_dict(lent, strict=False)


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
            f"Run: python -m trainers pretrain --architecture {encoder_of(net.architecture)}"
            + (" --self-supervised" if net.architecture.startswith("vit_") else ""),
        )
    try:
        found = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelUnavailableError(f"{path} cannot be read: {error}.", "Run pretrain again.") from error
    _fill_backbone(net, found, str(path))


def _fill_backbone(net: OverreadNet, found: dict[str, torch.Tensor], origin: str) -> None:
    """Load a backbone under either naming; three input channels are summed for a network of one.

    For a network of three a single channel becomes the middle one, the slice that is asked about: it begins with the
    very features it gave alone, and its neighbours begin unheard. Their mean would blur what an outline follows.

    A ResNet-34 takes the blocks of a ResNet-18 too. The blocks that it has more of begin as the identity
    (Net2DeeperNet, Chen et al. 2016), so that it starts with the very features of the smaller network.

    Raises:
        ModelUnavailableError: entries are missing, left over or of another shape.
    """
    wanted = net.backbone.state_dict()
    if not set(found) & set(wanted):
        rename = _trunk_to_encoder if any(key.startswith("stages.") for key in found) else _encoder_to_trunk
        found = {rename(key): value for key, value in found.items()}
    if "unet_" in net.architecture:
        found = {key: value for key, value in found.items() if not _LITE_HEAD.match(key)}
    found = {key: value for key, value in found.items() if key in wanted or not key.endswith(_COUNTER)}
    for key, value in found.items():
        if key in wanted and value.dim() == 4 and value.shape[1] == 3 != wanted[key].shape[1]:
            found[key] = adapt_input_conv(wanted[key].shape[1], value)
        elif key in wanted and value.dim() == 4 and value.shape[1] == 1 and wanted[key].shape[1] == 3:
            found[key] = torch.cat([torch.zeros_like(value), value, torch.zeros_like(value)], dim=1)
    found |= _identities(wanted, found)
    wrong = [k for k, v in wanted.items() if k not in found or found[k].shape != v.shape]
    if wrong or len(found) != len(wanted):
        raise ModelUnavailableError(
            f"{origin} does not fit {net.architecture}: {len(wrong)} of {len(wanted)} entries differ.",
            "Start from a backbone of this architecture.",
        )
    net.backbone.load_state_dict(found)


def _identities(wanted: dict[str, torch.Tensor], found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Basic residual blocks behind the last one that ``found`` has in a stage, with a last norm that gives zero.

    Only layers of a basic block are given, so whatever else is missing, a bottleneck's third layer for one, is refused.
    """
    last: dict[str, int] = {}
    for key in found:
        if block := _BLOCK.match(key):
            last[block[1]] = max(last.get(block[1], 0), int(block[2]))
    out = {}
    for key, value in wanted.items():
        block = _BLOCK.match(key)
        if block and block[3].split(".")[0] in _BASIC and block[1] in last and int(block[2]) > last[block[1]]:
            out[key] = torch.zeros_like(value) if block[3] == "bn2.weight" else value
    return out


def _trunk_to_encoder(key: str) -> str:
    """Entry of a classifier's trunk, as the encoder of a U-Net names it."""
    for stem, name in _TRUNK_STEM.items():
        if key.startswith(stem):
            return name + key.removeprefix(stem)
    return re.sub(r"^stages\.(\d)\.", r"layer\1.", key)


def _encoder_to_trunk(key: str) -> str:
    """Entry of the encoder of a U-Net, as a classifier's trunk names it."""
    for stem, name in _TRUNK_STEM.items():
        if key.startswith(name):
            return stem + key.removeprefix(name)
    return re.sub(r"^layer(\d)\.", r"stages.\1.", key)


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
