#!/usr/bin/env bash
# highdicom 0.28.2, highdicom.seg.Segmentation: the caller's pixel_array is changed where it lies when a FRACTIONAL
# segmentation is made from whole numbers: every 1 becomes max_fractional_value. A mask written twice, first as
# FRACTIONAL and then as BINARY, is refused the second time ("Pixel array contains segments that lack descriptions").
#
# Observed with highdicom 0.28.2 and pydicom 3.0.2:
#   largest value of the mask before: 1, after: 255
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet highdicom==0.28.2 pydicom==3.0.2
"$work/venv/bin/python" - <<'PY'
import sys
import warnings

import highdicom as hd
import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

warnings.simplefilter("ignore")
print("highdicom", hd.__version__)
source = Dataset()
source.file_meta = FileMetaDataset()
source.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
source.SOPClassUID, source.SOPInstanceUID = CTImageStorage, generate_uid()
for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
    setattr(source, keyword, generate_uid())
for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber"):
    setattr(source, keyword, "")
source.StudyDate = source.StudyTime = source.ReferringPhysicianName = ""
source.Modality, source.InstanceNumber, source.Rows, source.Columns = "CT", 1, 8, 8
source.SamplesPerPixel, source.PhotometricInterpretation = 1, "MONOCHROME2"
source.BitsAllocated = source.BitsStored = 16
source.HighBit, source.PixelRepresentation = 15, 0
source.ImageOrientationPatient, source.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 0]
source.PixelSpacing, source.SliceThickness = [1, 1], 1
source.PixelData = bytes(128)

mask = np.zeros((1, 8, 8), np.uint8)
mask[0, 2:4, 2:4] = 1
before = int(mask.max())
part = hd.seg.SegmentDescription(1, "lesion", codes.SCT.Tissue, codes.SCT.Tissue, "MANUAL")
hd.seg.Segmentation(
    [source], mask, "FRACTIONAL", [part], hd.UID(), 2, hd.UID(), 1, "m", "m", "1", "1",
    fractional_type="PROBABILITY", max_fractional_value=255,
)
after = int(mask.max())
print(f"largest value of the mask before: {before}, after: {after}")
sys.exit(0 if (before, after) == (1, 255) else 1)
PY
