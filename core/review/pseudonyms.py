"""Patients by pseudonym: a keyed hash of their number, and DICOM files without what names them.

The key lies beside the images, not in the database: an export of the database alone leads back to nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom import Dataset
from pydicom.dataelem import DataElement

from core.errors import ArchiveError
from core.imaging.formats import Format, sniff
from core.imaging.tag_lists import IDENTIFYING
from core.review.images import write_atomically

KEY_FILE = "pseudonyms.key"
# Kept although the basic profile drops them: uptake values need times and weight, and what is written later (masks,
# structured reports) must point to the very instances that the hospital's archive holds.
_NEEDED = {
    *("PatientWeight", "PatientSize", "PatientSexNeutered"),
    *("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "AcquisitionDateTime", "TimezoneOffsetFromUTC"),
    *("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"),
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"),
    *("ReferencedSOPInstanceUID", "ReferencedStudySequence", "ReferencedImageSequence", "SourceImageSequence"),
}
_DROPPED = tuple(keyword for keyword in IDENTIFYING if keyword not in _NEEDED)
_REQUIRED = ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyID", "ReferringPhysicianName")
_UPTAKE_MAKER = 0x7053  # Philips' private group that holds the factors of uptake values


@dataclass(frozen=True)
class Pseudonyms:
    """Turns patient numbers into pseudonyms; the same number gives the same one wherever the key is the same."""

    key: bytes

    @classmethod
    def of(cls, images_folder: Path) -> Pseudonyms:
        """The key of a store; made on first use.

        Args:
            images_folder: ``store.images_folder``; the key lies beside it, readable by its owner only.
        """
        path = images_folder.parent / KEY_FILE
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{KEY_FILE}-{secrets.token_hex(8)}")
            write_atomically(fresh, secrets.token_bytes(32))
            try:
                os.link(fresh, path)  # fails when another process was first; then its key counts
            except FileExistsError:
                pass
            finally:
                fresh.unlink(missing_ok=True)
        key = path.read_bytes()
        if len(key) != 32:
            raise ArchiveError(f"{path} is no key.", "Restore it from a backup: without it pseudonyms change.")
        return cls(key)

    def patient(self, number: str) -> str:
        """``P-`` and ten hex digits (40 bits) of HMAC-SHA-256; the empty number stays empty."""
        text = number.strip()
        if not text:
            return ""
        return "P-" + hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:10]

    def clean(self, data: bytes) -> bytes:
        """A DICOM file without direct identifiers, the patient's number replaced; other formats as they are.

        Raises:
            ArchiveError: the identifiers cannot be taken out of a damaged file; it must not be kept as it is.
        """
        if sniff(data) is not Format.DICOM:
            return data
        try:
            header = pydicom.dcmread(io.BytesIO(data), force=True)
            number = str(header.get("PatientID", "") or "")
            _strip(header)
            for keyword in _REQUIRED:
                setattr(header, keyword, "")
            header.PatientID = header.PatientName = self.patient(number)
            header.PatientIdentityRemoved = "NO"  # instance UIDs and times are kept, see above
            out = io.BytesIO()
            header.save_as(out)
        except Exception as error:  # pydicom raises anything on damaged headers
            raise ArchiveError(
                "Its identifying tags cannot be taken out, so it is not kept.", "Export the series again."
            ) from error
        return out.getvalue()


def _strip(header: Dataset) -> None:
    """Drop identifying tags at every depth, and private ones but those that uptake values need."""
    for element in list(header):
        group = element.tag.group
        if (element.tag.is_private and group != _UPTAKE_MAKER) or element.keyword in _DROPPED or element.VR == "PN":
            del header[element.tag]
        elif _nested(element):
            for item in element.value:
                _strip(item)


def _nested(element: DataElement) -> bool:
    return element.VR == "SQ"
