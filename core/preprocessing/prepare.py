"""The one way from a series to a model's tensor, for training, evaluation, pages and export alike."""

from __future__ import annotations

import numpy as np
import torch

from core.errors import ContractError
from core.imaging.study import Series
from core.preprocessing.body import body_box
from core.preprocessing.contract import Context, InputContract
from core.preprocessing.geometry import Fit
from core.preprocessing.scaling import standardised, values_of


def fit_of(series: Series, index: int, contract: InputContract) -> Fit:
    """Geometry of a slice inside the contract's tensor."""
    plane = values_of(series, index, contract) if contract.crop == "body" else None
    return _fit(series, plane, contract)


def _fit(series: Series, plane: np.ndarray | None, contract: InputContract) -> Fit:
    box = None
    if contract.crop == "body" and plane is not None:
        box = body_box(plane, projection=series.projection != "slice")
    return Fit.of(series.shape, (contract.height, contract.width), contract.resize, box)


def prepare_plane(series: Series, index: int, contract: InputContract) -> np.ndarray:
    """One slice, scaled and fitted: float32 ``(contract.height, contract.width)``."""
    plane = values_of(series, index, contract)
    fit = _fit(series, plane, contract)
    return fit.place(standardised(fit.cut(plane), contract))


def neighbours(index: int, slices: int) -> tuple[int, int, int]:
    """Indices of the previous, this and the next slice; at the ends, and for a single image, the slice itself."""
    return (index - 1 if index > 0 else index), index, (index + 1 if index + 1 < slices else index)


def assemble(planes: torch.Tensor, contract: InputContract) -> torch.Tensor:
    """Turn fitted planes into network channels.

    Args:
        planes: ``(B, 3, H, W)`` previous, this, next plane of each image.
        contract: the model's input contract.

    Returns:
        float32 ``(B, contract.channels, H, W)``.
    """
    if contract.context is Context.REPEAT:
        planes = planes[:, 1:2].expand(-1, contract.channels, -1, -1)
    if contract.mean:
        mean = torch.tensor(contract.mean).view(1, -1, 1, 1)
        std = torch.tensor(contract.std).view(1, -1, 1, 1)
        planes = (planes - mean) / std
    return planes.contiguous()


def prepare(series: Series, contract: InputContract, indices: list[int] | None = None) -> torch.Tensor:
    """Build the input of a model.

    Args:
        series: the images; its projection must be the contract's.
        contract: the model's input contract.
        indices: slices wanted; all by default.

    Returns:
        float32 ``(len(indices), channels, height, width)``; not finite where a slice's own pixels are not.

    Raises:
        ContractError: the series' projection or unit is not what the model was trained on.
    """
    if series.projection != contract.projection:
        raise ContractError(
            f"This model reads {_SAY[contract.projection]}, the series holds {_SAY[series.projection]}.",
            "Choose another series of the study, or another system.",
        )
    wanted = list(range(series.slices)) if indices is None else indices
    triples = [neighbours(i, series.slices) for i in wanted]
    if contract.context is Context.REPEAT:
        triples = [(i, i, i) for i in wanted]
    cache = {i: prepare_plane(series, i, contract) for i in sorted({i for t in triples for i in t})}
    finite = {i: bool(np.isfinite(plane).all()) for i, plane in cache.items()}
    # A neighbour that holds no numbers is no neighbour: the slice itself stands in, as it does at the ends.
    planes = np.stack([[cache[i] if finite[i] else cache[t[1]] for i in t] for t in triples])
    return assemble(torch.from_numpy(planes), contract)


_SAY = {"slice": "single slices", "mip-coronal": "whole-body coronal projections"}
