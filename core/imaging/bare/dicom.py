"""A DICOM file written by the reader's allow list, value by value; private numbers by name, texts word by word."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable

import pydicom
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from core.imaging.bare.jpeg import bare_frame
from core.imaging.bare.private import copy_private
from core.imaging.deidentify import Identity
from core.imaging.dicom.private_tags import COMMENTED
from core.imaging.tag_lists import CODES, STORED
from core.imaging.terms import is_term
from core.imaging.uptake.nuclides import nuclide

_TOKEN = re.compile(r"[^\W_]+")
_SIGNS = re.compile(r"[^A-Za-z0-9 _.,+*/\\#()=:<>%&-]")
_SHAPES = {
    "UI": re.compile(r"[0-9.]{1,64}"),
    "DA": re.compile(r"\d{8}|\d{4}\.\d{2}\.\d{2}"),
    "TM": re.compile(r"\d{2}(:?\d{2}(:?\d{2}(\.\d{1,6})?)?)?"),
    "DT": re.compile(r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?"),
    "AS": re.compile(r"\d{3}[DWMY]"),
    "DS": re.compile(r"[-+.\deE]{1,16}"),
    "IS": re.compile(r"[-+]?\d{1,12}"),
}
_OFFSET = re.compile(r"[-+]\d{4}")
_BINARY = frozenset({"US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"})
_PIXELS = frozenset({"PixelData", "FloatPixelData", "DoubleFloatPixelData"})
_PALETTES = [f"{kind}{colour}Palette" for kind in ("", "Segmented") for colour in ("Red", "Green", "Blue")]
_BULK = frozenset({"LUTData", *(f"{palette}ColorLookupTableData" for palette in _PALETTES)})
_REQUIRED = ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyID", "ReferringPhysicianName")
_YEARS = re.compile(r"(\d{3})Y")


def bare_dicom(data: bytes, identity: Identity, code: Callable[[str], str], patient: str) -> bytes:
    """See :func:`core.imaging.bare.bare`."""
    header = pydicom.dcmread(io.BytesIO(data), force=True)
    if len(header) == 0:
        raise ValueError("no data set")
    syntax = _syntax(header)
    if syntax == RLELossless:  # whatever lies between and behind its segments goes when they are decoded
        header.decompress(as_rgb=False, generate_instance_uid=False)
        syntax = ExplicitVRLittleEndian
    kept = Dataset()
    _copy(header, kept, identity, code)
    copy_private(header, kept)
    _copy_pixels(header, kept, syntax)
    for keyword in _REQUIRED:
        setattr(kept, keyword, "")
    kept.PatientID = kept.PatientName = patient
    kept.PatientIdentityRemoved = "NO"  # instance UIDs and times are kept, see above
    out = io.BytesIO()
    meta = FileMetaDataset()
    written = ExplicitVRLittleEndian if syntax == DeflatedExplicitVRLittleEndian else syntax
    meta.TransferSyntaxUID = written
    kind = kept.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID") or "1.2"
    meta.MediaStorageSOPClassUID = UID(kind)
    meta.MediaStorageSOPInstanceUID = UID(kept.get("SOPInstanceUID") or "1.2")
    file = FileDataset(
        "",
        kept,
        file_meta=meta,
        preamble=b"\0" * 128,
        is_implicit_VR=written.is_implicit_VR,
        is_little_endian=written.is_little_endian,
    )
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _syntax(header: FileDataset) -> UID:
    """Transfer syntax; files without meta information say it only by how they had to be read."""
    named = header.file_meta.get("TransferSyntaxUID")
    if named:
        return UID(named)
    implicit, little = header.original_encoding
    plain = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return plain if little else ExplicitVRBigEndian


def _copy(source: Dataset, target: Dataset, identity: Identity, code: Callable[[str], str]) -> None:
    for tag in list(source.keys()):
        keyword = keyword_for_tag(tag)
        if keyword not in STORED or keyword in _PIXELS:
            continue
        element = source[tag]
        if element.VR == "SQ":
            items = []
            for item in element.value:
                inner = Dataset()
                _copy(item, inner, identity, code)
                items.append(inner)
            if items:
                target.add(DataElement(tag, "SQ", items))
            continue
        value = _value(keyword, element, identity, code)
        if value is not None:
            target.add(DataElement(tag, element.VR, value))


def _value(keyword: str, element: DataElement, identity: Identity, code: Callable[[str], str]) -> object:
    """What stays of a value; ``None`` for nothing."""
    vr = element.VR if element.VR != "UN" else dictionary_VR(element.tag)
    found = element.value
    if found is None or found == "" or vr == "UN":
        return None
    if keyword in _BULK:
        return found
    if vr in _BINARY:
        return found
    texts = [str(one) for one in found] if _several(found) else [str(found)]
    if vr in _SHAPES:
        shape = _SHAPES[vr]
        if keyword == "PatientAge":
            years = _YEARS.fullmatch(texts[0])
            texts = ["090Y"] if years and int(years[1]) > 89 else texts
        texts = [getattr(one, "original_string", None) or str(one) for one in found] if _several(found) else texts
        return texts if all(shape.fullmatch(text.strip()) for text in texts if text.strip()) else None
    if keyword == "TimezoneOffsetFromUTC":
        return texts[0].strip() if _OFFSET.fullmatch(texts[0].strip()) else None
    if keyword == "ImageComments":
        said = COMMENTED.search(texts[0])
        return said[0] if said else None
    if keyword == "CodeMeaning":
        return nuclide(texts[0]) or None
    if keyword == "PatientSex":
        return texts[0] if texts[0] in ("M", "F", "O") else None
    if identity.names_somebody("\\".join(texts)):  # as the reader judges it
        return [code(text) for text in texts if text.strip()] or None
    coded = [_coded(text, identity, code) for text in texts]
    return coded if any(coded) else None


def _several(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes))


def _coded(text: str, identity: Identity, code: Callable[[str], str]) -> str:
    """A text whose words are terms; any other word becomes one that names nobody, so that texts stay apart."""
    whole = " ".join(text.split())[:64]
    if not whole:
        return ""
    if identity.names_somebody(whole):
        return code(whole)
    said = _TOKEN.sub(lambda t: t[0] if is_term(t[0]) or t[0] in CODES else code(t[0]), whole)
    return _SIGNS.sub("", said)[:64]


def _copy_pixels(header: Dataset, kept: Dataset, syntax: UID) -> None:
    for keyword in _PIXELS:
        if keyword not in header:
            continue
        element = header[keyword]
        value = element.value
        if syntax.is_encapsulated:
            value = bare_frame(value, syntax, max(int(header.get("NumberOfFrames", 1) or 1), 1))
        else:
            most = get_expected_length(header)
            value = value[: most + most % 2] if most and len(value) > most else value
        made = DataElement(element.tag, element.VR, value)
        made.is_undefined_length = syntax.is_encapsulated
        kept.add(made)
