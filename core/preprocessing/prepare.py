"""The one way from a series to a model's tensor, for training, evaluation, pages and export alike."""

from __future__ import annotations

import numpy as np
import torch

from core.errors import ContractError
from core.imaging.study import Series
from core.preprocessing.body import body_box
from core.preprocessing.contract import Context, InputContract
from core.preprocessing.geometry import Fit
from core.preprocessing.planes import Fitted, Planes
from core.preprocessing.scaling import standardised, values_of


def fit_of(series: Series, index: int, contract: InputContract, planes: Planes | None = None) -> Fit:
    """Geometry of a slice inside the contract's tensor.

    Args:
        planes: where it is taken from, if it was kept there.
    """
    kept = planes.of(series, index, contract) if planes is not None else None
    if kept is not None:
        return kept.fit
    plane = values_of(series, index, contract) if contract.crop == "body" else None
    return _fit(series, plane, contract)


def _fit(series: Series, plane: np.ndarray | None, contract: InputContract) -> Fit:
    box = None
    if contract.crop == "body" and plane is not None:
        box = body_box(plane, projection=series.projection != "slice")
    return Fit.of(series.shape, (contract.height, contract.width), contract.resize, box)


def prepare_plane(series: Series, index: int, contract: InputContract) -> np.ndarray:
    """One slice, scaled and fitted: float32 ``(contract.height, contract.width)``."""
    return _fitted(series, index, contract, None).values


def _fitted(series: Series, index: int, contract: InputContract, planes: Planes | None) -> Fitted:
    kept = planes.of(series, index, contract) if planes is not None else None
    if kept is not None:
        return kept
    plane = values_of(series, index, contract)
    fit = _fit(series, plane, contract)
    values = fit.place(standardised(fit.cut(plane), contract))
    made = Fitted(values, bool(np.isfinite(values).all()), fit)
    if planes is not None:
        planes.keep(series, index, contract, made)
    return made


def neighbours(index: int, slices: int, count: int = 3) -> tuple[int, ...]:
    """Indices of the ``count`` slices (odd) around one, in order, this one in the middle.

    Beyond either end the series' first or last slice stands in, so that a slab is never closed by a slice that does
    not lie there: ``(0, 0, 0, 1, 2)`` for the first of many, and the slice itself, five times, for a single image.
    """
    reach = count // 2
    return tuple(min(max(i, 0), slices - 1) for i in range(index - reach, index + reach + 1))


def around(series: Series, index: int, contract: InputContract) -> tuple[int, ...]:
    """Indices of the slices that a contract looks at for one: its slab, or the slice alone.

    A slab of pictures that only lie in one folder holds the slice itself, as that of a single image does.
    """
    if contract.context is not Context.NEIGHBOURS:
        return (index,)
    if series.apart:
        return (index,) * contract.channels
    return neighbours(index, series.slices, contract.channels)


def assemble(planes: torch.Tensor, contract: InputContract) -> torch.Tensor:
    """Turn fitted planes into network channels.

    Args:
        planes: ``(B, n, H, W)`` planes around each image, as :func:`around` names them.
        contract: the model's input contract.

    Returns:
        float32 ``(B, contract.channels, H, W)``.
    """
    if contract.context is Context.REPEAT:
        planes = planes.expand(-1, contract.channels, -1, -1)
    if contract.mean:
        mean = torch.tensor(contract.mean).view(1, -1, 1, 1)
        std = torch.tensor(contract.std).view(1, -1, 1, 1)
        planes = (planes - mean) / std
    return planes.contiguous()


def prepare(
    series: Series, contract: InputContract, indices: list[int] | None = None, *, planes: Planes | None = None
) -> torch.Tensor:
    """Build the input of a model.

    Args:
        series: the images; its projection must be the contract's.
        contract: the model's input contract.
        indices: slices wanted; all by default.
        planes: where slices are taken from that were prepared before, and kept for whoever asks next.

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
    slabs = [around(series, i, contract) for i in wanted]
    each = {i: _fitted(series, i, contract, planes) for i in sorted({i for slab in slabs for i in slab})}
    # A neighbour that holds no numbers is no neighbour: the slice itself stands in, as it does for a single image.
    stacked = np.stack(
        [[each[i if each[i].finite else own].values for i in slab] for own, slab in zip(wanted, slabs, strict=True)]
    )
    return assemble(torch.from_numpy(stacked), contract)


_SAY = {"slice": "single slices", "mip-coronal": "whole-body coronal projections"}
