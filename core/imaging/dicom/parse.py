"""DICOM bytes to a data set, with clear words for everything that is DICOM but no image."""

from __future__ import annotations

import io
import zlib

import pydicom
from pydicom import Dataset, FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset, read_preamble
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from core.errors import UnreadableFileError
from core.imaging.limits import MIB, Budget

# Values that break the standard's rules are taken as they are: pydicom's warnings would write them, and so perhaps a
# patient's name, to the log.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_NO_IMAGES = ("RT Dose", "RT Structure", "RT Plan", "RT Ion Plan", "Presentation State", "Encapsulated", "Waveform",
              "Spectroscopy", "Whole Slide Microscopy")  # fmt: skip
_DIRECTORY = "1.2.840.10008.1.3.10"


def parse(data: bytes, budget: Budget) -> Dataset | None:
    """Data set of a DICOM image file, with or without preamble.

    Returns:
        The data set, or ``None`` for a DICOMDIR (an index that holds no image).

    Raises:
        UnreadableFileError: damaged, truncated, or a DICOM object without an image (structure set, report, ...).
        LimitExceededError: a deflated file unpacks to too much.
    """
    try:
        header = pydicom.dcmread(io.BytesIO(_inflated(data, budget)), force=True)
    except (InvalidDicomError, EOFError) as error:
        raise _damaged() from error
    kind = str(header.get("SOPClassUID", "") or header.file_meta.get("MediaStorageSOPClassUID", "") or "")
    if kind == _DIRECTORY or "DirectoryRecordSequence" in header:
        return None
    if len(header) == 0:
        raise _damaged()
    name = UID(kind).name if kind else ""
    has_pixels = any(keyword in header for keyword in _PIXELS)
    if any(words in name for words in _NO_IMAGES) or (not has_pixels and "Rows" not in header and "Image" not in name):
        raise UnreadableFileError(
            f"It is a DICOM {name or 'object'} without an image that can be reviewed.",
            "Upload the image series itself.",
        )
    if not has_pixels:
        raise UnreadableFileError(
            "The DICOM file has no pixel data: it is truncated, or only the header was saved.",
            "Export the series again.",
        )
    _name_syntax(header)
    return header


def _damaged() -> UnreadableFileError:
    return UnreadableFileError("The DICOM file is truncated or damaged.", "Export the series again.")


def _inflated(data: bytes, budget: Budget) -> bytes:
    """The file with a deflated data set unpacked, bounded and counted; any other file as it is.

    pydicom would inflate it without a bound, so it never gets to see a deflated one.
    """
    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    try:
        meta = read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return data
    except Exception:  # damaged meta information: reading proper says so in its own words
        return data
    worker = zlib.decompressobj(-zlib.MAX_WBITS)
    packed, parts, total = stream.read(), [], 0
    try:
        while packed and not worker.eof:
            parts.append(worker.decompress(packed, MIB))
            packed = worker.unconsumed_tail
            total += len(parts[-1])
            budget.add_bytes(len(parts[-1]))
            budget.check_ratio(len(data), total)
    except zlib.error as error:
        raise _damaged() from error
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = DicomBytesIO()
    out.write(b"\x00" * 128 + b"DICM")
    write_file_meta_info(out, FileMetaDataset(meta), enforce_standard=False)
    out.write(b"".join(parts))
    return out.getvalue()


def _name_syntax(header: FileDataset) -> None:
    """Files without meta information say their encoding only by how they had to be read."""
    if header.file_meta.get("TransferSyntaxUID"):
        return
    implicit, little = header.original_encoding
    plain = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    header.file_meta.TransferSyntaxUID = plain if little else ExplicitVRBigEndian
