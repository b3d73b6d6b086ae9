"""Reports: one case or one archive, as PDF, CSV, JSON and DICOM objects.

Plain values come in, bytes go out. Only the DICOM objects name a patient, as their source files do.
"""
