"""The review as a DICOM Comprehensive SR: TID 1500 measurement report with every model's answer and mask sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import highdicom as hd
import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    ComprehensiveSR,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    ReferencedSegmentationFrame,
    SourceImageForMeasurementGroup,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.sr.codedict import codes

from core.engine import measure
from core.engine.results import Decision, ModelResult
from core.engine.vote import Vote
from core.reports.case import NOTICE, SOFTWARE, SOFTWARE_VERSION, CaseReport
from core.reports.dicom import common
from core.reports.dicom.document import ML, Group, area, document, identification, presence, sites
from core.reports.dicom.segmentation import drawn
from core.reports.dicom.source import DicomSource


def structured_report(
    report: CaseReport,
    source: DicomSource,
    segmentations: Mapping[str, hd.seg.Segmentation],
    tracking: dict[str, hd.UID],
) -> hd.base.SOPClass:
    """Measurement report: per model, and for their mean, by slice the probability, threshold and decision; by slice
    the vote; per mask area and volume.

    Args:
        segmentations: the binary ones by model, that the mask sizes refer to; without one no sizes are given.
        tracking: identifiers shared with the segmentation.
    """
    groups: list[Group] = [group for result in report.review.ready for group in _answers(report, source, result)]
    groups += _ensemble(report, source)
    groups += _votes(report, source)
    for result in drawn(report):
        if result.state.name in segmentations:
            groups += _sizes(report, source, segmentations[result.state.name], result, tracking[result.state.name])
    return document(
        ComprehensiveSR,
        report,
        [*source.files, *segmentations.values()],
        groups,
        common.FIRST_SERIES_NUMBER + 2,
        "Overread measurements (research only)",
        # OHIF takes "Imaging Measurement Report" for drawings alone and stops at a group without coordinates
        # (docs/ohif.md); every other title it shows as text.
        title=codes.cid7021.OncologyMeasurementReport,
    )


def _answers(
    report: CaseReport, source: DicomSource, result: ModelResult
) -> list[MeasurementsAndQualitativeEvaluations]:
    """One group per slice; a projection has one slice that all source images are behind."""
    assert result.finding is not None
    return [
        _answer(
            report,
            source,
            index,
            result.state.name,
            (float(probability), float(result.threshold or 0.0), result.decision(index)),
            identification(result, pedigree=index == report.review.peak),
        )
        for index, probability in enumerate(result.finding)
        if not result.failed(index)
    ]


def _ensemble(report: CaseReport, source: DicomSource) -> list[MeasurementsAndQualitativeEvaluations]:
    """One group per slice for the mean of the models that vote; nothing without an ensemble."""
    found = report.review.ensemble
    if found is None:
        return []
    of = found.ensemble
    members = (f"mean of {name} {version}" for name, version in zip(of.members, of.versions, strict=True))
    threshold = f"threshold {of.threshold.value:.4f}: {of.threshold.rule}, n={of.threshold.n}"
    identification = AlgorithmIdentification(
        name=common.plain(f"{SOFTWARE} {report.review.system}/ensemble"),
        version=common.plain(" + ".join(of.versions)),
        parameters=[common.plain(fact, 1024) for fact in (*members, threshold, NOTICE)],
        manufacturer=SOFTWARE,
    )
    return [
        _answer(
            report,
            source,
            index,
            "ensemble",
            (float(probability), of.threshold.value, found.decision(index)),
            identification,
        )
        for index, probability in enumerate(found.finding)
        if found.decision(index) is not None
    ]


def _votes(report: CaseReport, source: DicomSource) -> list[MeasurementsAndQualitativeEvaluations]:
    """One group per slice for what the models say together: present, absent or tied, and by how many votes."""
    said = {True: common.PRESENT, False: common.ABSENT, None: common.TIED}
    return [
        MeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(uid=hd.UID(), identifier=common.plain(f"vote, image {index + 1}")),
            finding_type=common.code(report.declared.coded_finding),
            finding_sites=sites(report),
            algorithm_id=AlgorithmIdentification(
                name=common.plain(f"{SOFTWARE} {report.review.system}/vote"),
                version=SOFTWARE_VERSION,
                parameters=[common.plain(fact, 1024) for fact in (_named(vote), NOTICE)],
                manufacturer=SOFTWARE,
            ),
            measurements=[
                Measurement(name=common.VOTES_FOR, value=len(vote.yes), unit=common.MODELS),
                Measurement(name=common.VOTES_GIVEN, value=len(vote.counted), unit=common.MODELS),
            ],
            qualitative_evaluations=[QualitativeEvaluation(name=common.VOTE, value=said[vote.decided])],
            source_images=_images(source, index),
        )
        for index, vote in enumerate(report.review.votes)
        if vote.counted
    ]


def _named(vote: Vote) -> str:
    return f"votes of {', '.join(voice.model for voice in vote.counted)}"


def _answer(
    report: CaseReport,
    source: DicomSource,
    index: int,
    name: str,
    said: tuple[float, float, Decision | None],
    algorithm: AlgorithmIdentification,
) -> MeasurementsAndQualitativeEvaluations:
    """What one model or the ensemble says of a slice: probability, threshold and the decision at it."""
    probability, threshold, decision = said
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=hd.UID(), identifier=common.plain(f"{name}, image {index + 1}")),
        finding_type=common.code(report.declared.coded_finding),
        finding_sites=sites(report),
        algorithm_id=algorithm,
        measurements=[
            Measurement(name=common.PROBABILITY, value=probability, unit=common.UNITLESS),
            Measurement(name=common.THRESHOLD, value=threshold, unit=common.UNITLESS),
        ],
        qualitative_evaluations=presence(report, decision is Decision.FINDING),
        source_images=_images(source, index),
    )


def _images(source: DicomSource, index: int) -> list[SourceImageForMeasurementGroup]:
    if source.projected:
        return [SourceImageForMeasurementGroup.from_source_image(header) for header in source.files]
    frames = [source.frames[index]] if source.multiframe else None
    return [SourceImageForMeasurementGroup.from_source_image(source.headers[index], frames)]


def _sizes(
    report: CaseReport,
    source: DicomSource,
    segmentation: hd.seg.Segmentation,
    result: ModelResult,
    uid: hd.UID,
) -> list[Group]:
    """Volume of the whole mask and area on each slice it is on; nothing for an empty mask or without spacing.

    No volume where the slices have no one distance.
    """
    assert result.mask is not None
    if report.series.spacing is None or not result.mask.any():
        return []
    common_facts: dict[str, Any] = {
        "finding_type": common.code(report.declared.coded_finding),
        "finding_sites": sites(report),
        "algorithm_id": identification(result),
    }
    tracked = TrackingIdentifier(uid=uid, identifier=common.plain(f"{result.state.name} on {report.key}"))
    if report.series.slices == 1:
        return [
            PlanarROIMeasurementsAndQualitativeEvaluations(
                tracking_identifier=tracked,
                referenced_segment=_only_frame(source, segmentation, 1),
                measurements=[area(report, result.mask[0])],
                **common_facts,
            )
        ]
    groups: list[Group] = []
    volume = measure.volume_ml(result.mask, report.series)
    if volume.unit == "ml":
        groups.append(
            VolumetricROIMeasurementsAndQualitativeEvaluations(
                tracking_identifier=tracked,
                referenced_segment=ReferencedSegment.from_segmentation(segmentation, segment_number=1),
                measurements=[Measurement(name=codes.SCT.Volume, value=volume.value, unit=ML)],
                **common_facts,
            )
        )
    for index in np.flatnonzero(result.mask.any((1, 2))):
        groups.append(
            MeasurementsAndQualitativeEvaluations(
                tracking_identifier=TrackingIdentifier(
                    uid=hd.UID(), identifier=common.plain(f"{result.state.name} mask, image {index + 1}")
                ),
                measurements=[area(report, result.mask[index])],
                source_images=_images(source, int(index)),
                **common_facts,
            )
        )
    return groups


def _only_frame(source: DicomSource, segmentation: hd.seg.Segmentation, number: int) -> ReferencedSegmentationFrame:
    """Reference to a segment of one frame by its segment number: PS3.3 C.18.4 wants that or the frame, not both.

    highdicom also gives the segmentation's frame number to the source image, where it means nothing.
    """
    frames = [
        place
        for place, item in enumerate(segmentation.PerFrameFunctionalGroupsSequence, 1)
        if int(item.SegmentIdentificationSequence[0].ReferencedSegmentNumber) == number
    ]
    reference = ReferencedSegmentationFrame.from_segmentation(segmentation, frames[0], number)
    segment, image = (item.ReferencedSOPSequence[0] for item in reference)
    del segment.ReferencedFrameNumber
    if source.multiframe:
        image.ReferencedFrameNumber = source.frames[0]
    elif "ReferencedFrameNumber" in image:
        del image.ReferencedFrameNumber
    return reference
