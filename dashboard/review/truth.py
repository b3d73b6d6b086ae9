"""An uploaded reference mask: read like any other image and laid over the series on the screen."""

from __future__ import annotations

import streamlit as st

from core import imaging
from core.imaging.truth import attach_truth
from dashboard.kit import cases, messages
from dashboard.kit.cases import OpenCase


def upload(case: OpenCase) -> None:
    """Optional uploader for a mask."""
    files = st.file_uploader(
        "Reference mask for this series (optional)",
        accept_multiple_files=True,
        key=f"truth-{case.key}-{case.series_index}",
        help="Same size as the series; white (or above zero) is lesion. It is compared, never given to a model. "
        "A mask that says an algorithm drew it is shown as AI result, not as truth.",
    )
    if not files:
        return
    marker = f"truth-read-{case.key}-{case.series_index}"
    identity = tuple(f.file_id for f in files)
    if st.session_state.get(marker) == identity:
        return
    with messages.shown():
        mask = imaging.read([(f.name, f.getvalue()) for f in files], give_way=cases.drop_oldest)
        case.replace_series(attach_truth(case.series, mask.series[0]))
        st.session_state[marker] = identity
        st.rerun()
