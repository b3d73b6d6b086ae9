"""Tells a file's format by its content, never by its name."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """Formats that reading tells apart."""

    PNG = "PNG"
    JPEG = "JPEG"
    TIFF = "TIFF"
    DICOM = "DICOM"
    NIFTI = "NIfTI"
    ZIP = "zip"
    GZIP = "gzip"
    UNKNOWN = "unknown"


READABLE = "PNG, JPEG, TIFF, DICOM, NIfTI (.nii, .nii.gz) or a zip of those"

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"II+\x00", Format.TIFF),
    (b"MM\x00+", Format.TIFF),
    (b"PK\x03\x04", Format.ZIP),
    (b"PK\x05\x06", Format.ZIP),
    (b"PK\x07\x08", Format.ZIP),
    (b"\x1f\x8b", Format.GZIP),
)

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"NRRD", "an NRRD volume"),
    (b"\x89HDF", "an HDF5 or MINC file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"ObjectType", "a MetaImage header"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML file"),
    (b"{", "a text file (JSON)"),
)


def sniff(data: bytes) -> Format:
    """Format of a file from its first bytes.

    A DICOM file may carry a TIFF header in its preamble (PS3.10 section 7.1), so DICOM is asked first.
    """
    if data[128:132] == b"DICM":
        return Format.DICOM
    if is_nifti(data):
        return Format.NIFTI
    for magic, found in _MAGIC:
        if data.startswith(magic):
            return found
    return Format.DICOM if _bare_dicom(data) else Format.UNKNOWN


def is_nifti(data: bytes) -> bool:
    """Whether the bytes start with a NIfTI-1 or NIfTI-2 header (single file or the header of a pair)."""
    return data[344:348] in (b"n+1\x00", b"ni1\x00") or data[4:8] in (b"n+2\x00", b"ni2\x00")


def describe(data: bytes) -> str:
    """What unreadable bytes look like, in words for the user."""
    if not data:
        return "an empty file"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP picture"
    if data[4:8] == b"ftyp":
        return "a HEIC picture or a video"
    if data[257:262] == b"ustar":
        return "a tar archive"
    if data[:4] in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c"):
        return "an Analyze 7.5 header"
    if data[:4] == b"\x00\x00\x00\x01" and 1 <= int.from_bytes(data[4:8], "big") < 65536:
        return "a FreeSurfer volume (MGH or MGZ; mri_convert makes a NIfTI file of it)"
    for magic, words in _FOREIGN:
        if data.startswith(magic):
            return words
    head = data[:2048]
    printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in head)
    if printable >= 0.95 * len(head):
        return "a text file"
    return "binary data of an unknown kind"


def _bare_dicom(data: bytes) -> bool:
    """Whether the bytes may be a DICOM data set without preamble: group 2 or 8 first, then a plausible element."""
    if len(data) < 16:
        return False
    for order in ("little", "big"):
        group = int.from_bytes(data[0:2], order)  # type: ignore[arg-type]
        element = int.from_bytes(data[2:4], order)  # type: ignore[arg-type]
        if group not in (0x0002, 0x0008) or element > 0x0100:
            continue
        length = int.from_bytes(data[4:8], order)  # type: ignore[arg-type]
        if (data[4:6].isalpha() and data[4:6].isupper()) or length < min(len(data), 4096):
            return True
    return False
