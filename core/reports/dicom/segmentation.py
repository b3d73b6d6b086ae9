"""Predicted masks as DICOM segmentations: binary after the mask threshold, fractional before it."""

from __future__ import annotations

from copy import deepcopy

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
    """A binary and a fractional segmentation for each outlining model, every source image with its frame.

    One segment to an object: common readers put the second segment's frames in the wrong place.

    Frames without a mask are written too: an empty mask is an answer, and some viewers mistake a missing one.

    Returns:
        Nothing when no model outlines; the binary objects first, in the order of :func:`drawn`.

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
    objects: list[Segmentation] = []
    for result in results:
        assert result.mask is not None
        mask = result.mask.astype(np.uint8)
        objects.append(_object(report, source, result, tracking, mask, SegmentationTypeValues.BINARY, len(objects)))
    for result in results:
        if result.mask_probability is not None:
            share = np.clip(result.mask_probability.astype(np.float32), 0.0, 1.0)
            kind = SegmentationTypeValues.FRACTIONAL
            objects.append(_object(report, source, result, tracking, share, kind, len(objects)))
    return objects


def _object(
    report: CaseReport,
    source: DicomSource,
    result: ModelResult,
    tracking: dict[str, hd.UID],
    values: np.ndarray,
    kind: SegmentationTypeValues,
    number: int,
) -> Segmentation:
    words = "masks" if kind is SegmentationTypeValues.BINARY else "mask probabilities"
    made = Segmentation(
        source_images=source.files,
        pixel_array=on_frames(source, values),
        segmentation_type=kind,
        segment_descriptions=[_description(report, result, tracking)],
        series_instance_uid=hd.UID(),
        series_number=common.FIRST_MASK_NUMBER + number,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        fractional_type=SegmentationFractionalTypeValues.PROBABILITY,
        max_fractional_value=255,
        omit_empty_frames=False,
        content_label="OVERREAD",
        content_description=common.plain(f"Predicted {words}, research and teaching only"),
        series_description=common.plain(f"Overread {words} {result.state.name} (research only)"),
        **common.EQUIPMENT,
    )
    _number_every_frame(made)
    return made


def _number_every_frame(made: Segmentation) -> None:
    """Say at each frame which segment it is of: readers look there, highdicom's own report templates too."""
    shared = made.SharedFunctionalGroupsSequence[0]
    if "SegmentIdentificationSequence" in shared:
        for frame in made.PerFrameFunctionalGroupsSequence:
            frame.SegmentIdentificationSequence = deepcopy(shared.SegmentIdentificationSequence)
        del shared.SegmentIdentificationSequence


def _description(report: CaseReport, result: ModelResult, tracking: dict[str, hd.UID]) -> SegmentDescription:
    name, version = common.algorithm(result)
    site = report.declared.coded_site
    return SegmentDescription(
        segment_number=1,
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
