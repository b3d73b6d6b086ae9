"""From pixel values to network values: one slice in, one float32 plane out, before resizing."""

from __future__ import annotations

import numpy as np

from core.errors import ContractError
from core.imaging.study import Modality, Series, Unit
from core.preprocessing.contract import InputContract, Scaling
from core.preprocessing.enhance import clahe

EPSILON = 1e-6


def shows_low_bright(series: Series, plane: np.ndarray) -> bool:
    """Whether a plane must be turned round so that bright is high: tissue on a slice, uptake on a projection.

    DICOM says so (MONOCHROME1). Physical units mean the same whichever way they are displayed: HU and uptake are never
    turned round. A picture of a projection is drawn either way: there, a border above the middle of the stored range
    means that low is uptake, since the border of a whole-body projection is air.
    """
    if series.unit in (Unit.HU, Unit.SUV, Unit.BQML):
        return False
    if series.unit is not Unit.GREY or series.projection != "mip-coronal" or series.value_range is None:
        return series.low_is_bright
    border = np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])
    return bool(np.median(border) > sum(series.value_range) / 2)


def scale(series: Series, index: int, contract: InputContract) -> np.ndarray:
    """One slice scaled and standardised by the contract; arguments and errors as for :func:`values_of`."""
    return standardised(values_of(series, index, contract), contract)


def standardised(plane: np.ndarray, contract: InputContract) -> np.ndarray:
    """Scaled values about the plane's own mean, in its own standard deviations, where the contract asks for it."""
    if contract.standardise or contract.scaling is Scaling.ZSCORE:
        plane = (plane - plane.mean(dtype=np.float64)) / (plane.std(dtype=np.float64) + EPSILON)
    return np.ascontiguousarray(plane, dtype=np.float32)


def values_of(series: Series, index: int, contract: InputContract) -> np.ndarray:
    """Scale one slice by the contract, before it is standardised.

    Args:
        series: pixels in their unit.
        index: slice.
        contract: the model's input contract.

    Returns:
        float32 ``(height, width)``.

    Raises:
        ContractError: the pixels have another unit than the contract needs, or no range is known where one is needed.
    """
    plane = series.pixels[index]
    if contract.modality is not None and series.modality not in (contract.modality, Modality.UNKNOWN):
        raise ContractError(
            f"This model reads {contract.modality} images, the series is {series.modality}.",
            "Choose another series of the study.",
        )
    if contract.unit is not None and series.unit not in (contract.unit, Unit.GREY):
        raise ContractError(
            f"This model needs pixels in {contract.unit}, the series has {series.unit}.",
            "Upload the original DICOM series with all its tags, or an 8-bit picture.",
        )
    low, high = _range(series, plane)
    if contract.invert_low_is_bright and shows_low_bright(series, plane):
        plane = np.float32(low + high) - plane

    if contract.scaling is Scaling.WINDOW and series.unit is Unit.HU:
        assert contract.window is not None  # the contract checks this
        centre, width = contract.window
        plane = np.clip((plane - (centre - width / 2)) / width, 0.0, 1.0)
    elif contract.scaling is Scaling.SUV and series.unit is Unit.SUV:
        plane = np.clip(plane / contract.suv_divisor, 0.0, 1.0)
    elif contract.scaling in (Scaling.RANGE, Scaling.WINDOW) or (
        contract.scaling is Scaling.SUV and series.unit is Unit.GREY
    ):
        plane = (plane - low) / max(high - low, EPSILON)
    elif contract.scaling in (Scaling.PERCENTILE, Scaling.SUV):
        low, high = np.percentile(plane, contract.percentiles)
        plane = np.clip((plane - low) / max(high - low, EPSILON), 0.0, 1.0)
    elif contract.scaling is Scaling.ZSCORE and contract.percentiles != (0.0, 100.0):
        plane = np.clip(plane, *np.percentile(plane, contract.percentiles))
    plane = plane.astype(np.float32)
    for name in contract.enhance:
        if name == "clahe":
            plane = clahe(plane, value_range=(float(plane.min()), float(plane.max())))
    return plane


def _range(series: Series, plane: np.ndarray) -> tuple[float, float]:
    """Stored range when the format has one; otherwise that of the slice."""
    if series.value_range is not None:
        return series.value_range
    return float(plane.min()), float(plane.max())
