"""What DICOM says that may tell the images of one series apart, as short texts to compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag

from core.imaging.dicom import functional_groups as groups
from core.imaging.dicom import private_tags

_DIFFUSION = "MRDiffusionSequence"
_CONTENT = "FrameContentSequence"
_TIMING = "MRTimingAndRelatedParametersSequence"
_CARDIAC = "CardiacSynchronizationSequence"
_RESPIRATORY = "RespiratorySynchronizationSequence"
_FRAME_TYPES = ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence")
_PLACE_POINTERS = {"InStackPositionNumber", "ImagePositionPatient", "StackID", "TemporalPositionIndex"}
_DIRECTIONALITY = ("none", "directional", "isotropic", "bmatrix")
_BETWEEN = "\\"
_PARTS = {
    "magnitude": ("M", "MAGNITUDE", "M_FFE", "M_SE", "M_IR", "M_B0"),
    "phase": ("P", "PHASE", "P_FFE", "P_SE", "P_IR", "PHASE MAP", "VELOCITY MAP"),
    "real": ("R", "REAL", "R_FFE", "R_SE", "R_IR"),
    "imaginary": ("I", "IMAGINARY", "I_FFE", "I_SE", "I_IR"),
}


class Kind(Enum):
    """What a difference between two images of a series means."""

    CONTRAST = auto()  # other images: never one volume, wherever they lie
    METHOD = auto()  # other images where they show one place, or where no series was named
    TIME = auto()  # the same images at another time, where they show one place


@dataclass(frozen=True)
class Fact:
    """One fact.

    Attributes:
        name: DICOM keyword, or a keyword-like name for what several tags say.
        kind: what a difference means.
        read: data set and frame number (from 0) to its text; empty where the image does not say.
        words: text to words for the volume's name ("echo 2"); ``None`` where the text says nothing to a reader or
            could name a date: then it is numbered.
        quoted: the words are text of the header, and may name somebody.
        tolerance: numbers that differ by less than this part of themselves are the same.
        images_each: the fewest images that each value must have on average to count away from one place.
    """

    name: str
    kind: Kind
    read: Callable[[Dataset, int], str]
    words: Callable[[str], str] | None = None
    tolerance: float = 0.0
    images_each: int = 2
    quoted: bool = False


def _tag(keyword: str, *macros: str) -> Callable[[Dataset, int], str]:
    """Reader of one attribute, from the first macro that has it, else from the data set."""

    def read(header: Dataset, index: int) -> str:
        for macro in macros or ("",):
            item = groups.item(header, index, macro) if macro else None
            found = None if item is None else item.get(keyword)
            if found is not None:
                return _text(found)
        return _text(header.get(keyword))

    return read


def _text(found: object) -> str:
    if found is None or found == "":
        return ""
    if isinstance(found, float):
        return f"{float(found):g}"
    return str(found).strip()


def _first_of(*readers: Callable[[Dataset, int], str]) -> Callable[[Dataset, int], str]:
    return lambda header, index: next((found for read in readers if (found := read(header, index))), "")


def _b_value(header: Dataset, index: int) -> str:
    found = groups.number(header, index, _DIFFUSION, "DiffusionBValue")
    if found is None and header.get("Modality") == "MR":
        found = private_tags.b_value(header)
    return "" if found is None else f"{found:g}"


def _direction(header: Dataset, index: int) -> str:
    macro = groups.item(header, index, _DIFFUSION)
    nested = macro.get("DiffusionGradientDirectionSequence") if macro is not None else None
    found = nested[0].get("DiffusionGradientOrientation") if nested else header.get("DiffusionGradientOrientation")
    if found is not None:
        return private_tags.spelled([float(part) for part in found])
    if macro is not None:
        said = str(macro.get("DiffusionDirectionality", "") or "").lower()
        return said if said in _DIRECTIONALITY else ""
    return private_tags.direction(header) if header.get("Modality") == "MR" else ""


def _image_type(header: Dataset, index: int) -> str:
    for macro in _FRAME_TYPES:
        item = groups.item(header, index, macro)
        if item is not None and item.get("FrameType"):
            return _joined(item.FrameType)
    return _joined(header.get("ImageType"))


def _joined(found: object) -> str:
    """Values of an attribute as DICOM writes them, between backslashes."""
    return found if isinstance(found, str) else _BETWEEN.join(map(str, found if isinstance(found, Iterable) else ()))


def _component(header: Dataset, index: int) -> str:
    item = groups.item(header, index, _FRAME_TYPES[0])
    for source in (item, header):
        said = str(source.get("ComplexImageComponent", "") or "").lower() if source is not None else ""
        if said in _PARTS:
            return said
    words = [word.upper() for word in _image_type(header, index).split(_BETWEEN)]
    for part, spellings in _PARTS.items():
        if any(word in spellings for word in words[2:]):
            return part
    return private_tags.component(header) if header.get("Modality") == "MR" else ""


def _agent(header: Dataset, index: int) -> str:
    """Only whether one was given: the agent is free text."""
    usage = groups.item(header, index, "ContrastBolusUsageSequence")
    if usage is not None:
        return "given" if str(usage.get("ContrastBolusAgentAdministered", "YES")) == "YES" else ""
    return "given" if header.get("ContrastBolusAgent") or header.get("ContrastBolusAgentSequence") else ""


def _dimensions(header: Dataset, index: int) -> str:
    """Dimension indices of a frame, but those of its place (PS3.3 C.7.6.17)."""
    content = groups.item(header, index, _CONTENT)
    indices = content.get("DimensionIndexValues") if content is not None else None
    pointers = header.get("DimensionIndexSequence")
    if indices is None or not pointers:
        return ""
    indices = [indices] if isinstance(indices, int) else list(indices)
    kept = []
    for value, item in zip(indices, pointers, strict=False):
        if keyword_for_tag(item.get("DimensionIndexPointer", 0)) not in _PLACE_POINTERS:
            kept.append(str(value))
    return " ".join(kept)


def _vector(keyword: str) -> Callable[[Dataset, int], str]:
    """Reader of a nuclear medicine vector, that has one number for every frame (PS3.3 C.8.4.8)."""

    def read(header: Dataset, index: int) -> str:
        found = header.get(keyword)
        values = [found] if isinstance(found, int) else list(found or ())
        return str(values[index]) if index < len(values) else ""

    return read


def _plain(before: str, after: str = "") -> Callable[[str], str]:
    return lambda text: f"{before} {text}{after}" if text else f"no {before}"


def _b_words(text: str) -> str:
    return f"b={text}" if text else "no b-value"


_ECHO_TIME = _first_of(_tag("EffectiveEchoTime", "MREchoSequence"), _tag("EchoTime"))

FACTS: tuple[Fact, ...] = (
    Fact("Patient", Kind.CONTRAST, _tag("PatientID")),
    Fact("Study", Kind.CONTRAST, _tag("StudyInstanceUID")),
    Fact("ReferencedSegmentNumber", Kind.CONTRAST, _tag("ReferencedSegmentNumber", "SegmentIdentificationSequence"),
         _plain("segment"), images_each=1),
    Fact("StackID", Kind.CONTRAST, _tag("StackID", _CONTENT), _plain("stack"), quoted=True),
    Fact("EnergyWindowVector", Kind.CONTRAST, _vector("EnergyWindowVector"), _plain("energy window")),
    Fact("DetectorVector", Kind.CONTRAST, _vector("DetectorVector"), _plain("detector")),
    Fact("RRIntervalVector", Kind.CONTRAST, _vector("RRIntervalVector"), _plain("RR interval")),
    Fact("TimeSlotVector", Kind.CONTRAST, _vector("TimeSlotVector"), _plain("time slot")),
    Fact("SeriesNumber", Kind.CONTRAST, _tag("SeriesNumber"), _plain("series")),
    Fact("FrameOfReferenceUID", Kind.CONTRAST, _tag("FrameOfReferenceUID")),
    Fact("EchoNumbers", Kind.CONTRAST, _tag("EchoNumbers"), _plain("echo")),
    Fact("EchoTime", Kind.CONTRAST, _ECHO_TIME, _plain("TE", " ms"), tolerance=0.02),
    Fact("ComplexImageComponent", Kind.CONTRAST, _component, lambda text: text or "no part of the complex signal"),
    Fact("DiffusionBValue", Kind.CONTRAST, _b_value, _b_words, tolerance=0.02),
    Fact("ContrastBolusAgent", Kind.CONTRAST, _agent,
         lambda text: "with contrast agent" if text else "without contrast agent"),
    Fact("RepetitionTime", Kind.CONTRAST, _tag("RepetitionTime", _TIMING), _plain("TR", " ms"), 0.25, 3),
    Fact("SeriesDescription", Kind.CONTRAST, _tag("SeriesDescription"), str, images_each=3, quoted=True),
    Fact("ProtocolName", Kind.CONTRAST, _tag("ProtocolName"), str, images_each=3, quoted=True),
    Fact("DiffusionBValue", Kind.METHOD, _b_value, _b_words),
    Fact("DiffusionGradientOrientation", Kind.METHOD, _direction, _plain("direction")),
    Fact("EchoTime", Kind.METHOD, _ECHO_TIME, _plain("TE", " ms")),
    Fact("RepetitionTime", Kind.METHOD, _tag("RepetitionTime", _TIMING), _plain("TR", " ms")),
    Fact("ImageType", Kind.METHOD, _image_type, str, quoted=True),
    Fact("InversionTime", Kind.METHOD, _first_of(_tag("InversionTime"), _tag("InversionTimes", "MRModifierSequence")),
         _plain("TI", " ms")),
    Fact("FlipAngle", Kind.METHOD, _tag("FlipAngle", _TIMING), _plain("flip angle", "°")),
    Fact("KVP", Kind.METHOD, _tag("KVP", "CTXRayDetailsSequence"), _plain("tube voltage", " kV")),
    Fact("ConvolutionKernel", Kind.METHOD, _tag("ConvolutionKernel", "CTReconstructionSequence"), str, quoted=True),
    Fact("SliceThickness", Kind.METHOD, _tag("SliceThickness", "PixelMeasuresSequence"),
         _plain("slice thickness", " mm")),
    Fact("SequenceName", Kind.METHOD, _tag("SequenceName"), str, quoted=True),
    Fact("ScanningSequence", Kind.METHOD, _tag("ScanningSequence"), str, quoted=True),
    Fact("CorrectedImage", Kind.METHOD, _tag("CorrectedImage")),
    Fact("SeriesDescription", Kind.METHOD, _tag("SeriesDescription"), str, quoted=True),
    Fact("ProtocolName", Kind.METHOD, _tag("ProtocolName"), str, quoted=True),
    Fact("LowRRValue", Kind.TIME, _tag("LowRRValue"), _plain("RR from", " ms")),
    Fact("HighRRValue", Kind.TIME, _tag("HighRRValue"), _plain("RR to", " ms")),
    Fact("NominalPercentageOfCardiacPhase", Kind.TIME, _tag("NominalPercentageOfCardiacPhase", _CARDIAC),
         _plain("cardiac phase", " %")),
    Fact("NominalPercentageOfRespiratoryPhase", Kind.TIME, _tag("NominalPercentageOfRespiratoryPhase", _RESPIRATORY),
         _plain("respiratory phase", " %")),
    Fact("NominalCardiacTriggerDelayTime", Kind.TIME, _tag("NominalCardiacTriggerDelayTime", _CARDIAC),
         _plain("trigger delay", " ms")),
    Fact("NominalRespiratoryTriggerDelayTime", Kind.TIME, _tag("NominalRespiratoryTriggerDelayTime", _RESPIRATORY),
         _plain("respiratory delay", " ms")),
    Fact("TemporalPositionIdentifier", Kind.TIME,
         _first_of(_tag("TemporalPositionIndex", _CONTENT), _tag("TemporalPositionIdentifier")), _plain("time point")),
    Fact("TemporalPositionTimeOffset", Kind.TIME, _tag("TemporalPositionTimeOffset", "TemporalPositionSequence"),
         _plain("time", " s")),
    Fact("TriggerTime", Kind.TIME, _tag("TriggerTime"), _plain("trigger", " ms")),
    Fact("FrameReferenceTime", Kind.TIME, _tag("FrameReferenceTime"), _plain("reference time", " ms")),
    Fact("AcquisitionNumber", Kind.TIME,
         _first_of(_tag("FrameAcquisitionNumber", _CONTENT), _tag("AcquisitionNumber")), _plain("acquisition")),
    Fact("ActualFrameDuration", Kind.TIME, _tag("ActualFrameDuration"), _plain("frame of", " ms")),
    Fact("AcquisitionDateTime", Kind.TIME,
         _first_of(_tag("FrameAcquisitionDateTime", _CONTENT), _tag("AcquisitionDateTime"))),
    Fact("AcquisitionTime", Kind.TIME, _tag("AcquisitionTime")),
    Fact("ContentTime", Kind.TIME, _tag("ContentTime")),
    Fact("DimensionIndexValues", Kind.TIME, _dimensions),
)  # fmt: skip


def facts_of(header: Dataset, index: int) -> dict[str, str]:
    """All facts that an image states, by name; frame ``index`` counts from 0."""
    return {fact.name: found for fact in FACTS if (found := fact.read(header, index))}
