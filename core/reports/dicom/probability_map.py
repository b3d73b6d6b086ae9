"""Probabilities of a mask as DICOM Parametric Maps: 32-bit floats, made only where somebody asks for them."""

from __future__ import annotations

import highdicom as hd
import numpy as np
from highdicom.pm import DerivedPixelContrastValues, ImageFlavorValues, ParametricMap, RealWorldValueMapping
from pydicom.sr.codedict import codes

from core.reports.case import CaseReport
from core.reports.dicom import common
from core.reports.dicom.segmentation import drawn
from core.reports.dicom.source import DicomSource, on_frames

FIRST_NUMBER = 9031  # a series each
SERIES_WORDS = "Overread probabilities"


def probability_maps(report: CaseReport, source: DicomSource) -> list[ParametricMap]:
    """One map for each outlining model, every source image with its frame at its own position.

    A value is the probability that the pixel belongs to the finding, 0 to 1, before the mask threshold; 0 where the
    mask was withheld.

    Args:
        source: images with a place in the patient.
    """
    kept = [r for r in drawn(report) if r.mask_probability is not None]
    return [
        _map(report, source, r.state.name, np.asarray(r.mask_probability), number)
        for number, r in enumerate(kept, FIRST_NUMBER)
    ]


def _map(report: CaseReport, source: DicomSource, name: str, values: np.ndarray, number: int) -> ParametricMap:
    share = np.clip(values.astype(np.float32), 0.0, 1.0)
    made = ParametricMap(
        source_images=source.files,
        pixel_array=on_frames(source, share),
        series_instance_uid=hd.UID(),
        series_number=number,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[
            RealWorldValueMapping(
                lut_label="PROBABILITY",
                lut_explanation=common.plain(f"Probability of {report.declared.finding}"),
                unit=common.UNITLESS,
                value_range=(0.0, 1.0),
                slope=1.0,
                intercept=0.0,
                quantity_definition=codes.DCM.Probability,
            )
        ],
        voi_lut_transformations=[hd.VOILUTTransformation(window_center=0.5, window_width=1.0)],
        content_label="OVERREAD",
        content_description=common.plain("Predicted mask probabilities, research and teaching only"),
        image_flavor=ImageFlavorValues.VOLUME,
        derived_pixel_contrast=DerivedPixelContrastValues.QUANTITY,
        series_description=common.plain(f"{SERIES_WORDS} {name} (research only)"),
        **common.EQUIPMENT,
    )
    if "Laterality" not in made:
        made.Laterality = ""  # type 2C, and nothing here knows the side: one slice shows both
    return made
