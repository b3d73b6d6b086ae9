"""A model as one TorchScript file, for places where this code is not installed."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from core.errors import ModelUnavailableError, OverreadError
from core.models.net import OverreadNet
from core.weights.store import load_model

TOLERANCE = 1e-4


class _Answer(nn.Module):
    """Tensor in; logits, and the mask's logits where there are any, out."""

    def __init__(self, net: OverreadNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        out = self.net.run(x)
        return out.logits if out.mask_logits is None else (out.logits, out.mask_logits)


def export_torchscript(model: str, weights: Path, out: Path | None = None) -> Path:
    """Write ``system/name`` as ``model.torchscript`` beside its weights, or where asked.

    The file holds the network alone: the way from an image to its tensor is the card's input contract, and calibration
    and threshold are in the card.

    Raises:
        ModelUnavailableError: no such model, or weights that do not fit their card.
        OverreadError: the exported file answers differently.
    """
    folder = weights / model
    if model.count("/") != 1:
        raise ModelUnavailableError(f"{model!r} names no model.", "Write system/name, such as brain-mr/unet.")
    net, card = load_model(folder)
    path = out or folder / "model.torchscript"
    shape = (1, card.contract.channels, card.contract.height, card.contract.width)
    rng = torch.Generator().manual_seed(0)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # the shape checks: the size is fixed by the contract
        warnings.simplefilter("ignore", FutureWarning)  # TorchScript is older than its successors, and read everywhere
        traced = torch.jit.trace(_Answer(net).eval(), torch.randn(shape, generator=rng), check_trace=False)
        torch.jit.save(traced, str(path))
        other = torch.randn((2, *shape[1:]), generator=rng)  # what was traced on one image must hold for several
        wanted, got = _Answer(net)(other), torch.jit.load(str(path))(other)
    pairs = [(wanted, got)] if isinstance(wanted, torch.Tensor) else list(zip(wanted, got, strict=True))
    difference = max(float((a - b).abs().max()) for a, b in pairs)
    if difference > TOLERANCE:
        path.unlink()
        raise OverreadError(
            f"The exported {model} differs from the original by {difference:.2g}.", "Use the model through this code."
        )
    return path
