"""How large the predicted mask is, in the units that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.engine import measure
from core.engine.results import ModelResult
from core.imaging.study import Series


def sentence(series: Series, result: ModelResult, index: int) -> str:
    """Area on this slice and volume over the stack; pixels where the spacing is unknown, said so."""
    assert result.mask is not None
    area = measure.area_mm2(result.mask[index], series)
    text = f"Area on this slice: {area.text}"
    if series.slices > 1:
        text += f". Volume {_over(result)}: {measure.volume_ml(result.mask, series).text}"
    if series.truth is not None:
        text += f". Truth on this slice: {measure.area_mm2(series.truth[index], series).text}"
        overlap = dice(result.mask[index], series.truth[index])
        text += ", Dice not defined (both empty)" if overlap is None else f", Dice {overlap:.2f}"
    if series.ai_result is not None:
        text += f". AI result of the upload on this slice: {measure.area_mm2(series.ai_result[index], series).text}"
    return text + "."


def _over(result: ModelResult) -> str:
    """The slices that a volume is of: those outlined, and those that its gate kept from being so."""
    assert result.mask is not None
    drawn = int(result.mask.any(axis=(1, 2)).sum())
    text = f"of the {drawn} of {len(result.mask)} slices that it outlines"
    if result.gated is None or result.finding is None or result.threshold is None:
        return text
    kept_back = int((result.gated & (result.finding >= result.threshold)).sum())
    return f"{text} (on {kept_back} more it says so too, but its gate does not: no outline)" if kept_back else text


def dice(first: np.ndarray, second: np.ndarray) -> float | None:
    """Overlap of two masks, 0 to 1; ``None`` when both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2.0 * int(np.logical_and(first, second).sum()) / total if total else None


def brief(series: Series, result: ModelResult, index: int, name: str) -> str:
    """One line for the column of answers."""
    assert result.mask is not None
    if not result.mask.any():
        return f"{name}: no mask"
    text = f"{name}: {measure.area_mm2(result.mask[index], series).text} on this slice"
    return text + (f", {measure.volume_ml(result.mask, series).text} in all" if series.slices > 1 else "")


def show(series: Series, results: Sequence[ModelResult], index: int) -> None:
    """A sentence a model, and what none of them says of itself."""
    for result in results:
        st.markdown(f"**{result.state.title}.** {sentence(series, result, index)}")
    st.caption("Automatic and unverified: measure by hand before a size is used.")
