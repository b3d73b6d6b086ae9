"""All DICOM objects of one review, and a zip of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from pydicom import Dataset
from pydicom.datadict import dictionary_description
from pydicom.uid import Comprehensive3DSRStorage, ParametricMapStorage

from core.errors import ReportError
from core.reports.case import CaseReport
from core.reports.dicom.capture import captures
from core.reports.dicom.measurements import structured_report
from core.reports.dicom.probability_map import SERIES_WORDS, probability_maps
from core.reports.dicom.regions import region_report
from core.reports.dicom.segmentation import drawn, segmentations, tracking_uids
from core.reports.dicom.source import CARRIED, DicomSource

_EPOCH = (1980, 1, 1, 0, 0, 0)
README = """DICOM objects by Overread. Research and teaching only, not for diagnosis.

They carry the patient's name and number exactly as the uploaded images did, so that an archive files them to the
right patient and study. Nothing else that Overread writes names a patient. Handle these files as patient data.

Taken over from the uploaded images, with their values:
{carried}
the identifiers (UIDs) of study, frame of reference and images; and what the pixels show, in the overlays.

Two structured reports by TID 1500: sr has every answer by slice, votes and sizes; sr-regions the outlines with
coordinates, for viewers that go to a finding.

{masks}"""
_FRACTIONAL = (
    "FRACTIONAL: the model's probability of every pixel, 255 is 1. No mask: a viewer must not draw its border."
)
_MAP = "Parametric Map: the model's probability of every pixel, 0 to 1, as a 32-bit number."
_BINARY = "BINARY: the model's mask, 1 where it outlines."
_INCOMPLETE = "The source images' headers are incomplete or contradict each other: no DICOM object can refer to them."
_REMEDY = "Export the series again from its archive."


def dicom_objects(report: CaseReport, source: DicomSource, *, probabilities: bool = False) -> list[Dataset]:
    """Segmentations (binary, fractional), structured report, report of the outlined regions and secondary captures.

    In this order. A projection made by Overread has neither segmentation nor regions: its pixels do not lie on the
    source images. Where no mask has a pixel there are no regions.

    Args:
        report: the review with its heat maps.
        source: headers of the reviewed series, from :func:`core.reports.dicom.find_source`.
        probabilities: at the end, Parametric Maps of the masks' probabilities too.

    Returns:
        New objects in new series of the source's study; patient and study are the source's.

    Raises:
        ReportError: no model answered, or the source images' headers do not allow the objects.
    """
    if not report.review.ready:
        raise ReportError("No model has answered: there is nothing to write.", "Let a model with weights read it.")
    try:
        tracking = tracking_uids(report)
        masks = [] if source.projected else segmentations(report, source, tracking)
        binary = dict(zip((r.state.name for r in drawn(report)), masks, strict=False))
        document = structured_report(report, source, binary, tracking)
        places = region_report(report, source, binary, tracking)
        made: list[Dataset] = [*masks, document, *([] if places is None else [places]), *captures(report, source)]
        if probabilities and masks:
            made += probability_maps(report, source)
    except ReportError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # what incomplete headers bring about
        raise ReportError(_INCOMPLETE, _REMEDY) from error
    for item in made:
        source.measure(item)
        source.sign(item)
    return made


def dicom_zip(objects: Sequence[Dataset]) -> bytes:
    """The objects as DICOM files in a zip, named by kind, with a note on whom they name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        names = [f"{number:03d}-{file_kind(item)}{_model(item)}.dcm" for number, item in enumerate(objects, 1)]
        archive.writestr(zipfile.ZipInfo("README.txt", _EPOCH), _readme(objects, names))
        for name, item in zip(names, objects, strict=True):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, written(item))
    return out.getvalue()


def written(item: Dataset) -> bytes:
    """An object as a DICOM file.

    Raises:
        ReportError: something that it took over from its source cannot be written.
    """
    out = io.BytesIO()
    try:
        item.save_as(out, enforce_file_format=True)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReportError(_INCOMPLETE, _REMEDY) from error
    return out.getvalue()


def carried(objects: Sequence[Dataset]) -> list[str]:
    """Names of the patient's and study's attributes that hold a value in some object, as DICOM calls them."""
    held = [k for k in CARRIED if any(str(item.get(k, "") or "") for item in objects)]
    return [dictionary_description(keyword) for keyword in held]


def _readme(objects: Sequence[Dataset], names: Sequence[str]) -> str:
    told = "\n".join(f"- {name}" for name in carried(objects)) or "- nothing but"
    masks = [
        f"{name}: {_FRACTIONAL if item.SegmentationType == 'FRACTIONAL' else _BINARY}\n"
        for name, item in zip(names, objects, strict=True)
        if item.Modality == "SEG"
    ]
    masks += [f"{name}: {_MAP}\n" for name, item in zip(names, objects, strict=True) if file_kind(item) == "map"]
    return README.format(carried=told, masks="".join(masks))


def _model(item: Dataset) -> str:
    """Name of the model that a segmentation or a map is of."""
    if item.SOPClassUID == ParametricMapStorage:
        return "-" + str(item.SeriesDescription).removeprefix(SERIES_WORDS).split()[0]
    if item.Modality != "SEG":
        return ""
    return "-" + str(item.SegmentSequence[0].SegmentAlgorithmName).rpartition("/")[2]


def file_kind(item: Dataset) -> str:
    """Short word for an object: ``seg-binary``, ``seg-fractional``, ``sr``, ``sr-regions``, ``overlay`` or ``map``."""
    if item.SOPClassUID == ParametricMapStorage:
        return "map"
    if item.Modality == "SEG":
        return f"seg-{str(item.SegmentationType).lower()}"
    if item.Modality == "SR":
        return "sr-regions" if item.SOPClassUID == Comprehensive3DSRStorage else "sr"
    return "overlay"
