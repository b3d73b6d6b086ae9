"""Initial weights trained on RadImageNet (Mei et al., 2022, Radiology: AI), loaded into a timm model.

The authors' PyTorch files (``pytorch_example.ipynb`` of BMEII-AI/RadImageNet) hold a torchvision model wrapped in an
``nn.Sequential`` of its children: ResNet-50 keys read ``backbone.0.weight`` (conv1) and ``backbone.4.0.conv1.weight``
(layer1), DenseNet-121 keys ``backbone.0.denseblock1...``. Files saved by other hands keep the plain names; both are
understood. InceptionResNetV2 was published for Keras only, so its file must be a conversion with timm's names.
The authors feed pixels as ``(x - 127.5) * 2 / 255``.

A file must fill the whole backbone and hold nothing else but a classifier. Conversions from Keras with convolution
biases, which no backbone here has, are refused: without the biases the features would silently be others.
"""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import adapt_input_conv

from core.errors import ModelUnavailableError

_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIX = re.compile(r"^(?:module\.|model\.|backbone\.|encoder\.|resnet\.|densenet\.)+")
_RESNET_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
_OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|conv))\.([12])\.")
_CLASSIFIERS = ("fc.", "classifier.", "classif.", "last_linear.", "head.", "AuxLogits.")


def timm_key(name: str, key: str) -> str:
    """The key under which timm's model ``name`` stores what a RadImageNet file calls ``key``."""
    key = _PREFIX.sub("", key)
    first, _, rest = key.partition(".")
    if name.startswith("resnet") and first in _RESNET_CHILDREN:
        return f"{_RESNET_CHILDREN[first]}.{rest}"
    if name.startswith("densenet"):
        if first == "0":
            key = rest if rest.startswith("features.") else f"features.{rest}"
        return _OLD_DENSENET.sub(r"\1\2.", key)
    return key


def load_into(model: Any, name: str, path: Path) -> None:
    """Load the backbone weights in ``path`` (PyTorch or safetensors) into timm's ``model`` called ``name``.

    A first convolution of another channel count is adapted as timm does for ImageNet weights (summed for one channel).

    Raises:
        ModelUnavailableError: no file, an unreadable one, or one of another architecture.
    """
    if not path.is_file():
        raise ModelUnavailableError(
            f"There is no RadImageNet file at {path}.",
            "Fetch the PyTorch weights from the RadImageNet project, or train from 'imagenet' or no initial weights.",
        )
    wanted = model.state_dict()
    found = {timm_key(name, key): value for key, value in _read(path).items()}
    found = {key: value for key, value in found.items() if not key.startswith(_CLASSIFIERS)}
    missing = [key for key in wanted if key not in found and not key.endswith("num_batches_tracked")]
    for key, value in found.items():
        if key in wanted and value.dim() == 4 and value.shape[1] == 3 != wanted[key].shape[1]:
            found[key] = adapt_input_conv(wanted[key].shape[1], value)
    extra = [key for key in found if key not in wanted]
    unlike = [key for key in wanted if key in found and found[key].shape != wanted[key].shape]
    odd = {"missing": missing, "unknown": extra, "of another shape": unlike}
    if any(odd.values()):
        found_odd = ", ".join(f"{len(keys)} {kind} (first: {keys[0]})" for kind, keys in odd.items() if keys)
        raise ModelUnavailableError(
            f"{path.name} does not fit {name}; of {len(wanted)} entries: {found_odd}.",
            f"Choose the RadImageNet file of {name}.",
        )
    model.load_state_dict({key: found.get(key, value) for key, value in wanted.items()})


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        content: Any = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        raise ModelUnavailableError(
            f"{path.name} holds no plain PyTorch weights: {error}.", "Save it again as a state dict."
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ModelUnavailableError(f"{path.name} holds no state dict.", "Save it again as a state dict.")
    return content
