"""DICOM objects made of a review: segmentations, structured reports, secondary captures."""

from core.reports.dicom.objects import dicom_objects, dicom_zip
from core.reports.dicom.source import DicomSource, find_source

__all__ = ["DicomSource", "dicom_objects", "dicom_zip", "find_source"]
