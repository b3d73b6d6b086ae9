"""Where the models outlined, as a DICOM Comprehensive 3D SR: TID 1500 with coordinates that viewers can jump to.

A document of its own beside :mod:`core.reports.dicom.measurements`: OHIF loads no report in which any group has no
coordinates, and not every archive takes this class. So every group here has some:

* by region on a slice, a model's largest first: its outline in pixels of the image (SCOORD), area, probability,
  decision;
* at the end, by outlining model, the whole mask: measured on its segmentation, the volume inferred from all outlines,
  the largest area from the largest outline, both in millimetres of the patient (SCOORD3D; TID 1501, since the templates
  for regions allow no such inference, PS3.16 TID 1419). At the end, because viewers open a report at its first group,
  and OHIF's stacks of slices do not go to a place in millimetres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import highdicom as hd
import numpy as np
from highdicom.sr import (
    Comprehensive3DSR,
    CoordinatesForMeasurement3D,
    GraphicTypeValues,
    GraphicTypeValues3D,
    ImageRegion,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TrackingIdentifier,
)
from pydicom.sr.codedict import codes
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours

from core.engine import measure
from core.engine.results import Decision, ModelResult
from core.reports.case import CaseReport
from core.reports.dicom import common
from core.reports.dicom.document import ML, Group, area, document, identification, presence, sites
from core.reports.dicom.segmentation import drawn
from core.reports.dicom.source import DicomSource

MOST = 100  # regions of a model, the largest: each costs the writer some 50 ms, and nobody steps through more
_MOST_POINTS = 4000  # of an outline: three coordinates of more than 5461 points do not fit into one DICOM element


@dataclass(frozen=True, eq=False)
class Region:
    """A connected part of a mask on one slice.

    Attributes:
        index: the slice.
        part: bool, the smallest box of the slice that holds it, nothing else in it. Pixels that meet only at a corner
            are not connected.
        outline: float64 ``(points, 2)`` closed, column and row with 0 in the middle of the slice's first pixel. It goes
            round holes as if they were filled.
    """

    index: int
    part: np.ndarray
    outline: np.ndarray

    @property
    def on_image(self) -> np.ndarray:
        """The outline as SCOORD wants it (PS3.3 C.18.6): 0 at the corner of the first pixel."""
        return self.outline + 0.5

    def in_patient(self, affine: np.ndarray) -> np.ndarray:
        """The outline in millimetres, ``(points, 3)``, by the 4x4 affine of the slice."""
        flat = np.column_stack([self.outline, np.zeros(len(self.outline)), np.ones(len(self.outline))])
        return np.asarray((flat @ affine.T)[:, :3])


def regions(mask: np.ndarray, most: int) -> tuple[list[Region], int]:
    """Connected parts of a mask ``(slices, height, width)`` by slice: the largest ones, and how many there are."""
    pieces = []
    for place in np.flatnonzero(mask.any((1, 2))):
        index = int(place)
        labels, _ = ndimage.label(mask[index])
        sizes = np.bincount(labels.ravel())[1:]
        for number, box in enumerate(ndimage.find_objects(labels), 1):
            pieces.append((int(sizes[number - 1]), index, number, box, labels))
    pieces.sort(key=lambda piece: -piece[0])
    found = []
    for _, index, number, box, labels in pieces[:most]:
        part = labels[box] == number
        corner = np.array([box[1].start, box[0].start])
        found.append(Region(index, part, _outline(part) + corner))
    return found, len(pieces)


def _outline(part: np.ndarray) -> np.ndarray:
    """Round a connected part ``(height, width)``, half a pixel outside the middles of its pixels."""
    filled = np.pad(ndimage.binary_fill_holes(part), 1).astype(np.float32)
    line = max(find_contours(filled, 0.5), key=len)
    tolerance = 1e-6  # points on one straight line say nothing
    fine = approximate_polygon(line, tolerance)
    while len(fine) > _MOST_POINTS:
        tolerance = max(2 * tolerance, 0.25)
        fine = approximate_polygon(line, tolerance)
    return np.asarray(fine[:, ::-1] - 1.0)


def region_report(
    report: CaseReport,
    source: DicomSource,
    segmentations: Mapping[str, hd.seg.Segmentation],
    tracking: dict[str, hd.UID],
) -> hd.base.SOPClass | None:
    """The document; ``None`` where no mask has a pixel or none lies on the source images.

    Args:
        segmentations: the binary ones by model. tracking: identifiers shared with them.
    """
    groups: list[Group] = []
    wholes: list[Group] = []
    for result in drawn(report):
        name = result.state.name
        if name in segmentations and result.mask is not None and result.mask.any():
            found, count = regions(result.mask, MOST)
            cut = f", the largest {len(found)} of {count} regions" if count > len(found) else ""
            whole = TrackingIdentifier(uid=tracking[name], identifier=common.plain(f"{name} on {report.key}{cut}"))
            wholes.append(_whole(report, result, segmentations[name], whole, found))
            groups += [_region(report, source, result, number, one) for number, one in enumerate(found, 1)]
    if not groups:
        return None
    return document(
        Comprehensive3DSR,
        report,
        [*source.files, *segmentations.values()],
        [*groups, *wholes],
        common.FIRST_SERIES_NUMBER + 4,
        "Overread regions (research only)",
    )


def _whole(
    report: CaseReport,
    result: ModelResult,
    segmentation: hd.seg.Segmentation,
    tracked: TrackingIdentifier,
    found: list[Region],
) -> Group:
    """The mask of a model: largest area, and the volume where the slices have one distance."""
    assert result.mask is not None
    places = [_coordinates(report, segmentation, one) for one in found]
    measurements = [area(report, found[0].part, derivation=codes.SCT.Maximum, places=places[:1])]
    volume = measure.volume_ml(result.mask, report.series)
    if volume.unit == "ml":
        measurements.insert(
            0, Measurement(name=codes.SCT.Volume, value=volume.value, unit=ML, referenced_coordinates=places)
        )
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracked,
        source_images=[
            SourceImageForMeasurementGroup(segmentation.SOPClassUID, segmentation.SOPInstanceUID)  # an image too
        ],
        finding_type=common.code(report.declared.coded_finding),
        finding_sites=sites(report),
        algorithm_id=identification(result, pedigree=True),
        measurements=measurements,
    )


def _coordinates(report: CaseReport, segmentation: hd.seg.Segmentation, one: Region) -> CoordinatesForMeasurement3D:
    """A closed POLYLINE: common viewers do not know POLYGON."""
    affine = report.series.affine_at(one.index)
    if affine is None:
        raise ValueError("the slices have no place in the patient")
    return CoordinatesForMeasurement3D(
        graphic_type=GraphicTypeValues3D.POLYLINE,
        graphic_data=one.in_patient(affine),
        frame_of_reference_uid=segmentation.FrameOfReferenceUID,
    )


def _region(report: CaseReport, source: DicomSource, result: ModelResult, number: int, one: Region) -> Group:
    """A region of its own identifier: OHIF takes groups of one tracking UID for one finding and draws the first."""
    measurements = [area(report, one.part)]
    said = []
    if result.finding is not None and not result.failed(one.index):
        probability, threshold = float(result.finding[one.index]), float(result.threshold or 0.0)
        measurements += [
            Measurement(name=common.PROBABILITY, value=probability, unit=common.UNITLESS),
            Measurement(name=common.THRESHOLD, value=threshold, unit=common.UNITLESS),
        ]
        said = presence(report, result.decision(one.index) is Decision.FINDING)
    frames = [source.frames[one.index]] if source.multiframe else None
    words = f"{result.state.name} region {number}, image {one.index + 1}"
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=hd.UID(), identifier=common.plain(words)),
        referenced_region=ImageRegion(
            graphic_type=GraphicTypeValues.POLYLINE,
            graphic_data=one.on_image,
            source_image=SourceImageForRegion.from_source_image(source.headers[one.index], frames),
        ),
        finding_type=common.code(report.declared.coded_finding),
        finding_sites=sites(report),
        algorithm_id=identification(result),
        measurements=measurements,
        qualitative_evaluations=said,
    )
