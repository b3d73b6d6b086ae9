"""Predicted masks as DICOM segmentations: binary after the mask threshold, fractional before it."""

from __future__ import annotations

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentationFractionalTypeValues,
    SegmentationTypeValues,
    SegmentDescription,
)

from core.engine.results import ModelResult
from core.errors import ReportError
from core.reports.case import CaseReport
from core.reports.dicom import common
from core.reports.dicom.source import DicomSource, on_frames

_GREEN = CIELabColor(71.0, -57.0, 44.0)


def drawn(report: CaseReport) -> tuple[ModelResult, ...]:
    """Models that outlined, in the order of their segment numbers."""
    return tuple(r for r in report.review.ready if r.mask is not None)


def tracking_uids(report: CaseReport) -> dict[str, hd.UID]:
    """One new tracking identifier per outlining model, shared by segmentation and structured report."""
    return {r.state.name: hd.UID() for r in drawn(report)}


def segmentations(report: CaseReport, source: DicomSource, tracking: dict[str, hd.UID]) -> list[Segmentation]:
    """Binary and fractional segmentation, one segment per outlining model, every source image with its frame.

    Frames without a mask are written too: an empty mask is an answer, and some viewers mistake a missing one.

    Returns:
        Nothing when no model outlines; the binary object first.

    Raises:
        ReportError: the source images have no place in the patient.
    """
    results = drawn(report)
    if not results:
        return []
    if not source.first.get("FrameOfReferenceUID"):
        raise ReportError(
            "The source images have no frame of reference: a segmentation cannot lie on them.",
            "Export the series again with its geometry.",
        )
    masks = np.stack([r.mask for r in results if r.mask is not None], axis=-1).astype(np.uint8)
    objects = [_object(report, source, tracking, masks, SegmentationTypeValues.BINARY, 0)]
    if all(r.mask_probability is not None for r in results):
        fractions = np.stack(
            [r.mask_probability.astype(np.float32) for r in results if r.mask_probability is not None], axis=-1
        )
        fractions = np.clip(fractions, 0.0, 1.0)
        objects.append(_object(report, source, tracking, fractions, SegmentationTypeValues.FRACTIONAL, 1))
    return objects


def _object(
    report: CaseReport,
    source: DicomSource,
    tracking: dict[str, hd.UID],
    values: np.ndarray,
    kind: SegmentationTypeValues,
    number: int,
) -> Segmentation:
    words = "masks" if kind is SegmentationTypeValues.BINARY else "mask probabilities"
    return Segmentation(
        source_images=source.files,
        pixel_array=on_frames(source, values),
        segmentation_type=kind,
        segment_descriptions=[
            _description(report, result, place, tracking) for place, result in enumerate(drawn(report), 1)
        ],
        series_instance_uid=hd.UID(),
        series_number=common.FIRST_SERIES_NUMBER + number,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        fractional_type=SegmentationFractionalTypeValues.PROBABILITY,
        max_fractional_value=255,
        omit_empty_frames=False,
        content_label="OVERREAD",
        content_description=common.plain(f"Predicted {words}, research and teaching only"),
        series_description=common.plain(f"Overread {words} (research only)"),
        **common.EQUIPMENT,
    )


def _description(
    report: CaseReport, result: ModelResult, number: int, tracking: dict[str, hd.UID]
) -> SegmentDescription:
    name, version = common.algorithm(result)
    site = report.declared.coded_site
    return SegmentDescription(
        segment_number=number,
        segment_label=common.plain(result.state.title),
        segmented_property_category=common.ABNORMAL,
        segmented_property_type=common.code(report.declared.coded_finding),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=name, family=common.INTELLIGENCE, version=version
        ),
        tracking_uid=tracking[result.state.name],
        tracking_id=common.plain(f"{result.state.name} on {report.key}"),
        anatomic_regions=[common.code(site)] if site else None,
        display_color=_GREEN,
    )
