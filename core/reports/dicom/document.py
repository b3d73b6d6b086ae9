"""What both structured reports have in common: a TID 1500 measurement report, and who and what its groups name."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    ComprehensiveSR,
    CoordinatesForMeasurement3D,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from core.engine import measure
from core.engine.results import ModelResult
from core.imaging.study import Modality
from core.reports.case import SOFTWARE, CaseReport
from core.reports.dicom import common

MM2 = Code("mm2", "UCUM", "square millimeter")
ML = Code("ml", "UCUM", "milliliter")
_PROCEDURES = {
    Modality.CT: codes.cid100.CTUnspecifiedBodyRegion,
    Modality.MR: codes.cid100.MRIUnspecifiedBodyRegion,
    Modality.PT: codes.cid100.PETUnspecifiedBodyRegion,
}

Group = (
    MeasurementsAndQualitativeEvaluations
    | PlanarROIMeasurementsAndQualitativeEvaluations
    | VolumetricROIMeasurementsAndQualitativeEvaluations
)
Kind = type[ComprehensiveSR] | type[Comprehensive3DSR]


def document(
    kind: Kind,
    report: CaseReport,
    evidence: Sequence[Dataset],
    groups: Sequence[Group],
    number: int,
    words: str,
    title: Code = codes.cid7021.ImagingMeasurementReport,
) -> hd.base.SOPClass:
    """A measurement report in a new series.

    Args:
        kind: the class of SR. evidence: headers of all objects that the groups refer to.
        number: of the series. words: its description. title: one of CID 7021.
    """
    observer = ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=common.DEVICE_UID, name=SOFTWARE, manufacturer_name=SOFTWARE, model_name=SOFTWARE
        ),
    )
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=_PROCEDURES.get(report.series.modality, codes.cid100.ImagingProcedure),
        imaging_measurements=groups,
        title=title,
    )
    return kind(
        evidence=evidence,
        content=content[0],
        series_instance_uid=hd.UID(),
        series_number=number,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description=common.plain(words),
        **common.EQUIPMENT,
    )


def identification(result: ModelResult, *, pedigree: bool = False) -> AlgorithmIdentification:
    """Name and version of the model; its pedigree once per model, so that the document stays small."""
    name, version = common.algorithm(result)
    return AlgorithmIdentification(
        name=name,
        version=version,
        parameters=common.parameters(common.card_of(result)) if pedigree else None,
        manufacturer=SOFTWARE,
    )


def sites(report: CaseReport) -> list[FindingSite] | None:
    """Where the system's findings lie, if it declares one place."""
    site = report.declared.coded_site
    return [FindingSite(anatomic_location=common.code(site))] if site else None


def presence(report: CaseReport, present: bool) -> list[QualitativeEvaluation]:
    """The system's finding, present or absent."""
    finding = common.code(report.declared.coded_finding)
    return [QualitativeEvaluation(name=finding, value=common.PRESENT if present else common.ABSENT)]


def area(
    report: CaseReport,
    mask: np.ndarray,
    derivation: Code | None = None,
    places: Sequence[CoordinatesForMeasurement3D] | None = None,
) -> Measurement:
    """Area of a mask ``(height, width)`` in mm², which the series must have the spacing for.

    Args:
        derivation: how it was chosen among several. places: what it is inferred from.
    """
    value = measure.area_mm2(mask, report.series).value
    return Measurement(name=codes.SCT.Area, value=value, unit=MM2, derivation=derivation, referenced_coordinates=places)
