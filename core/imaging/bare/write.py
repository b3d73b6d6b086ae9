"""One file of any readable format to its bare twin, by the format its bytes show."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from core.errors import UnreadableFileError
from core.imaging.bare.dicom import bare_dicom
from core.imaging.bare.jpeg import bare_jpeg
from core.imaging.bare.nifti import bare_nifti
from core.imaging.bare.png import bare_png
from core.imaging.bare.tiff import bare_tiff
from core.imaging.deidentify import Identity
from core.imaging.formats import Format, sniff
from core.imaging.nifti import HINT_WORDS
from core.imaging.truth import looks_like_mask, stem_of

Code = Callable[[str], str]
"""Turns a text that may name somebody into a word of six letters that names nobody; equal texts into equal words."""

_ENDINGS = {Format.DICOM: "dcm", Format.PNG: "png", Format.JPEG: "jpg", Format.TIFF: "tif", Format.NIFTI: "nii"}


def bare(data: bytes, identity: Identity, code: Code, patient: str = "") -> bytes:
    """The file without any text, date of birth or comment; pixels bit for bit as they were.

    Of DICOM the tags of :mod:`core.imaging.tag_lists` stay, and of the texts among them what names the image; dates,
    times and instance UIDs stay too, since uptake values and references to the images need them.

    Args:
        data: a PNG, JPEG, TIFF, DICOM or NIfTI file, packed or not.
        identity: what the case's files say about the patient.
        code: for words that tell series apart but may name somebody.
        patient: pseudonym that DICOM files get.

    Raises:
        UnreadableFileError: another format, or too damaged to be written anew: it must not be kept as it is.
    """
    kind = sniff(data)
    try:
        if kind is Format.DICOM:
            return bare_dicom(data, identity, code, patient)
        if kind is Format.PNG:
            return bare_png(data)
        if kind is Format.JPEG:
            return bare_jpeg(data)
        if kind is Format.TIFF:
            return bare_tiff(data)
        if kind in (Format.NIFTI, Format.GZIP):
            return bare_nifti(data)
    except Exception as error:  # damaged files bring about anything, and none may be kept with what it says
        raise UnreadableFileError(
            "It cannot be written without what may name the patient, so it is not kept.",
            "Export it again as DICOM, PNG or NIfTI.",
        ) from error
    raise UnreadableFileError("Files of this kind are not kept.", "Convert it to DICOM, PNG, TIFF or NIfTI.")


def hinted_name(number: int, path: str, data: bytes) -> str:
    """Name under which a file of a case is kept: its number, and of its own name the words that reading goes by."""
    kind = sniff(data)
    words = [w for w in re.split(r"[^a-z0-9]+", stem_of(path).lower()) if w in HINT_WORDS]
    hint = "".join(f"-{word}" for word in dict.fromkeys(words)) if kind in (Format.NIFTI, Format.GZIP) else ""
    mask = "_mask" if looks_like_mask(PurePosixPath(path).name) else ""
    ending = "nii.gz" if kind is Format.GZIP else _ENDINGS[kind]
    return f"{number:04d}{hint}{mask}.{ending}"
