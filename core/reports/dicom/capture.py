"""What the reviewer saw, as DICOM secondary captures: the slice with outlines or heat map, and a caption below."""

from __future__ import annotations

import highdicom as hd
import numpy as np
from highdicom.sc import SCImage
from pydicom.uid import ExplicitVRLittleEndian

from core.reports import figures
from core.reports.case import CaseReport
from core.reports.dicom import common
from core.reports.dicom.source import DEIDENTIFIED, DicomSource

MOST = 64  # captures; the slices with the highest probabilities are kept


def captures(report: CaseReport, source: DicomSource) -> list[SCImage]:
    """One RGB capture per slice with a mask and per key slice, and one per heat map, in one new series."""
    series_uid = hd.UID()
    pictures = [
        *(figures.overlay(report, index) for index in figures.outlined_slices(report, MOST)),
        *(figures.heat(report, heat) for heat in figures.heat_maps(report)),
    ]
    return [
        _capture(report, source, figures.captioned(picture), series_uid, number)
        for number, picture in enumerate(pictures, 1)
    ]


def _capture(report: CaseReport, source: DicomSource, pixels: np.ndarray, series_uid: hd.UID, number: int) -> SCImage:
    across, down = figures.directions(report.series)
    made = SCImage.from_ref_dataset(
        ref_dataset=source.first,
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=(across, down),
        series_instance_uid=series_uid,
        series_number=common.FIRST_SERIES_NUMBER + 3,
        sop_instance_uid=hd.UID(),
        instance_number=number,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=common.plain("Overread overlays (research only)"),
        **{k: v for k, v in common.EQUIPMENT.items() if k != "device_serial_number"},
    )
    if "Laterality" not in made:
        made.Laterality = ""  # type 2C, and nothing here knows the side: one slice shows both
    # The caption names models and slice, never the patient; what the source's pixels show, the capture shows too.
    for keyword in ("BurnedInAnnotation", "PatientIdentityRemoved", *DEIDENTIFIED):
        if keyword in made:
            del made[keyword]
        if keyword in source.first:
            made[keyword] = source.first[keyword]
    made.DerivationDescription = common.plain(f"Overread overlay, window {report.display.name}", 1024)
    return made
