"""DICOM: from headers and frames to series, masks and display values."""
