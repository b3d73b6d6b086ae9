"""Whether a CT's numbers are Hounsfield units: only where the standard says so (PS3.3 C.8.2.1.1)."""

from __future__ import annotations

from pydicom import Dataset

from core.imaging.dicom import functional_groups as groups
from core.imaging.terms import code_or_none

# CT Image, Enhanced CT Image, Legacy Converted Enhanced CT Image
_CT_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")


def why_not_hounsfield(header: Dataset, index: int, transformed: str | None) -> str | None:
    """Why rescaled CT numbers are not in HU; ``None`` where they are.

    They are where the file names HU as output of the transformation, or where it is an original CT image, no localizer
    and of one energy: of such an image the standard demands HU unless another type is named.

    Args:
        header: of the file.
        index: frame within it.
        transformed: type that the modality transformation names, empty where it names none; ``None`` without one.
    """
    if transformed is None:
        return "the header has no rescale to HU"
    kinds = [part.strip().upper() for part in _image_type(header, index)]
    if len(kinds) > 2 and kinds[2] == "LOCALIZER":
        return "it is a localizer, a projection"
    kind = transformed.strip().upper()
    if kind:
        return None if kind == "HU" else f"the header names the type {code_or_none(transformed)}"
    if str(header.get("SOPClassUID", "") or "") not in _CT_CLASSES:
        return "it is no CT image but a picture made from one"
    if kinds and kinds[0] != "ORIGINAL":
        return "it is a derived image that does not name its unit"
    if str(header.get("MultienergyCTAcquisition", "") or "").upper() == "YES":
        return "it comes from several energies and does not name its unit"
    return None


def _image_type(header: Dataset, index: int) -> list[str]:
    frame = groups.item(header, index, "CTImageFrameTypeSequence")
    value = frame.get("FrameType") if frame is not None else None
    value = value or header.get("ImageType") or []
    return [str(value)] if isinstance(value, str) else [str(part) for part in value]
