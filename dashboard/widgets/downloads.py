"""What can be taken away: the picture on the screen and the numbers behind it."""

from __future__ import annotations

import csv
import io

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from core.engine import measure
from core.engine.results import Review
from core.imaging.study import Study
from core.systems.declaration import System
from dashboard.widgets import render
from dashboard.widgets.cases import Case

COLUMNS = (
    "study_sha256",
    "system",
    "series",
    "slice",
    "model",
    "version",
    "status",
    "class",
    "probability_raw",
    "probability_calibrated",
    "probability_finding",
    "threshold",
    "decision",
    "mask_pixels",
    "mask_area",
    "mask_area_unit",
    "seconds_per_slice",
)


def show(
    case: Case, review: Review | None, system: System | None, index: int, picture: np.ndarray, caption: str
) -> None:
    """Download buttons; the files are made when they are asked for."""
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Picture (PNG)",
            lambda: captioned(picture, caption),
            file_name=f"overread-{case.key}-slice-{index + 1}.png",
            mime="image/png",
            icon=":material/image:",
            on_click="ignore",
            key=f"png-{case.key}",
        )
        if review and system:
            st.download_button(
                "Numbers (CSV)",
                lambda: numbers(review, case.study, case.series_index, system),
                file_name=f"overread-{case.key}-{review.system}.csv",
                mime="text/csv",
                icon=":material/table:",
                on_click="ignore",
                key=f"csv-{case.key}",
            )


def captioned(picture: np.ndarray, caption: str) -> bytes:
    """PNG of the picture with a line below it that says what it is."""
    height, width = picture.shape[:2]
    canvas = Image.new("RGB", (width, height + 22), (22, 22, 22))
    canvas.paste(Image.fromarray(picture))
    ImageDraw.Draw(canvas).text((6, height + 5), caption, fill=(220, 220, 220))
    return render.png(np.asarray(canvas))


def numbers(review: Review, study: Study, series_index: int, system: System) -> str:
    """Every number of a review as CSV, one row per slice, model and class; probabilities with full precision."""
    series = study.series[series_index]
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for result in review.results:
        card = result.state.card
        common = {
            "study_sha256": review.study_sha256,
            "system": review.system,
            "series": review.series_key,
            "model": result.state.name,
            "version": card.version if card else "",
            "status": str(result.state.status),
        }
        if result.finding is None or result.raw is None or result.calibrated is None:
            writer.writerow(common)
            continue
        classes = card.classes if card else system.classes
        for index in range(len(result.finding)):
            row = {
                **common,
                "slice": index + 1,
                "probability_finding": repr(float(result.finding[index])),
                "threshold": result.threshold,
                "decision": result.decision(index),
                "seconds_per_slice": f"{result.seconds:.4f}",
            }
            if result.mask is not None:
                area = measure.area_mm2(result.mask[index], series)
                row |= {
                    "mask_pixels": int(result.mask[index].sum()),
                    "mask_area": area.value,
                    "mask_area_unit": area.unit,
                }
            for position, name in enumerate(classes):
                writer.writerow(
                    row
                    | {
                        "class": name,
                        "probability_raw": repr(float(result.raw[index, position])),
                        "probability_calibrated": repr(float(result.calibrated[index, position])),
                    }
                )
    return out.getvalue()
