"""Valid small files of every kind that is read, all made here; mutations start from them."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from functools import cache

import highdicom as hd
import imagecodecs
import nibabel as nib
import numpy as np
import tifffile
from PIL import Image
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.sr.codedict import codes
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from tests.imaging import builders as make

PLANE = (2000 + 1500 * np.sin(np.arange(1280).reshape(32, 40) / 40)).astype(np.uint16)
BYTES = (PLANE >> 4).astype(np.uint8)
RGB = np.stack([BYTES, BYTES[::-1], BYTES[:, ::-1]], -1)


def tiff(values: np.ndarray, **options: object) -> bytes:
    """A TIFF file."""
    out = io.BytesIO()
    tifffile.imwrite(out, values, **options)
    return out.getvalue()


def encapsulated(frame: bytes, like: np.ndarray, syntax: UID, **tags: object) -> bytes:
    """A DICOM image of one frame that is compressed already."""
    header = make.dataset(like, make.CT, "CT", **tags)
    header.file_meta.TransferSyntaxUID = syntax
    header.PixelData = encapsulate([frame])
    header["PixelData"].VR = "OB"
    return make.to_bytes(header)


def stored_as(syntax: UID) -> bytes:
    """A DICOM image in another encoding."""
    header = make.dataset(PLANE)
    if syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
        header.compress(syntax)
        return make.to_bytes(header)
    header.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        header.PixelData = PLANE.astype(">u2").tobytes()
        header["PixelData"].VR = "OW"
    return make.to_bytes(header)


def segmentation(kind: str) -> bytes:
    """A zip of a CT and a mask drawn on it."""
    source = _ct()
    mask = np.zeros((3, *PLANE.shape), np.uint8)
    mask[1, 4:9, 5:9] = 1
    values = mask.astype(np.float32) if kind == "FRACTIONAL" else mask
    part = hd.seg.SegmentDescription(1, "x", codes.SCT.Tissue, codes.SCT.Tissue, "MANUAL")
    options = {"fractional_type": "PROBABILITY"} if kind == "FRACTIONAL" else {}
    made = hd.seg.Segmentation(
        source, values, kind, [part], hd.UID(), 2, hd.UID(), 1, "m", "m", "1", "1", **options
    )  # fmt: skip
    out = io.BytesIO()
    made.save_as(out)
    return make.zipped([*make.named(source), ("seg.dcm", out.getvalue())])


def _ct() -> list[FileDataset]:
    empty = dict.fromkeys(
        ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber"), ""
    )
    tags = {"RescaleSlope": 1, "RescaleIntercept": -1024, "FrameOfReferenceUID": "1.2.3.4", **empty}
    tags |= {"StudyDate": "20200101", "StudyTime": "1000", "ReferringPhysicianName": "", "PixelPaddingValue": 0}
    tags |= {"WindowCenter": [40, 50], "WindowWidth": [400, 10], "VOILUTFunction": "SIGMOID"}
    return make.stack(np.stack([PLANE] * 3), sop_class=make.CT, modality="CT", **tags)


def _enhanced() -> bytes:
    header = make.dataset(np.stack([PLANE] * 3), make.ENHANCED_MR)
    shared = make.item(
        PlaneOrientationSequence=[make.item(ImageOrientationPatient=list(make.AXIAL))],
        PixelMeasuresSequence=[make.item(PixelSpacing=[0.5, 0.75], SliceThickness=2.0)],
    )
    header.SharedFunctionalGroupsSequence = [shared]
    header.PerFrameFunctionalGroupsSequence = [
        make.item(
            PlanePositionSequence=[make.item(ImagePositionPatient=[0.0, 0.0, 2.5 * number])],
            PixelValueTransformationSequence=[make.item(RescaleSlope=2.0, RescaleIntercept=1.0)],
            FrameVOILUTSequence=[make.item(WindowCenter=100.0, WindowWidth=200.0)],
        )
        for number in range(3)
    ]
    return make.to_bytes(header)


def _curves() -> bytes:
    header = make.dataset(BYTES)
    for name in ("ModalityLUTSequence", "VOILUTSequence"):
        table = make.item(ModalityLUTType="US")
        table.add_new("LUTDescriptor", "US", [256, 0, 16])
        table.add_new("LUTData", "US", list(range(256)))
        setattr(header, name, [table])
    return make.to_bytes(header)


def _colour() -> bytes:
    header = make.dataset(BYTES, modality="OT", SamplesPerPixel=3, PhotometricInterpretation="RGB")
    header.PlanarConfiguration, header.PixelData = 0, RGB.tobytes()
    return make.to_bytes(header)


def _pet() -> bytes:
    volume = np.stack([PLANE] * 17)
    tags = make.pet_tags(RadiopharmaceuticalStartDateTime="20200102100000.0+0000", TimezoneOffsetFromUTC="+0000")
    return make.zipped(make.named(make.stack(volume, sop_class=make.PET, modality="PT", **tags)))


def _lossless(bits: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(PLANE, lossless=True, bitspersample=bits))


def _twelve() -> bytes:
    return bytes(imagecodecs.jpeg8_encode(PLANE, level=90, bitspersample=12))


VOXELS = np.stack([PLANE] * 3, -1).astype(np.int16)
AFFINE = np.diag([1.5, 2.0, 2.5, 1.0])
SEEDS: dict[str, Callable[[], bytes]] = {
    "PNG grey": lambda: make.picture(BYTES),
    "PNG colour": lambda: make.picture(RGB),
    "PNG 16 bit": lambda: make.picture(PLANE),
    "PNG palette": lambda: make.picture(Image.fromarray(RGB).quantize(16)),
    "PNG alpha": lambda: make.picture(Image.fromarray(RGB).convert("RGBA")),
    "JPEG grey": lambda: make.picture(BYTES, "JPEG"),
    "JPEG colour": lambda: make.picture(RGB, "JPEG", progressive=True),
    "TIFF pages": lambda: tiff(np.stack([BYTES] * 3), photometric="minisblack"),
    "TIFF signed": lambda: tiff(BYTES.astype(np.int8), tile=(16, 16)),
    "TIFF double": lambda: tiff(PLANE.astype(np.float64)),
    "TIFF half": lambda: tiff(PLANE.astype(np.float16), bigtiff=True),
    "TIFF packed": lambda: make.picture(PLANE, "TIFF", compression="tiff_lzw"),
    "DICOM implicit": lambda: stored_as(ImplicitVRLittleEndian),
    "DICOM big endian": lambda: stored_as(ExplicitVRBigEndian),
    "DICOM deflated": lambda: stored_as(DeflatedExplicitVRLittleEndian),
    "DICOM RLE": lambda: stored_as(RLELossless),
    "DICOM JPEG 2000": lambda: stored_as(JPEG2000Lossless),
    "DICOM JPEG-LS": lambda: stored_as(JPEGLSLossless),
    "DICOM JPEG": lambda: encapsulated(make.picture(BYTES, "JPEG"), BYTES, JPEGBaseline8Bit),
    "DICOM JPEG lossless": lambda: encapsulated(_lossless(12), PLANE, JPEGLosslessSV1, BitsStored=12, HighBit=11),
    "DICOM JPEG 12 bit": lambda: encapsulated(_twelve(), PLANE, JPEGExtended12Bit, BitsStored=12, HighBit=11),
    "DICOM CT": lambda: make.to_bytes(_ct()[0]),
    "DICOM enhanced": _enhanced,
    "DICOM curves": _curves,
    "DICOM colour": _colour,
    "DICOM PET": _pet,
    "DICOM SEG bits": lambda: segmentation("BINARY"),
    "DICOM SEG fractions": lambda: segmentation("FRACTIONAL"),
    "DICOM SEG labels": lambda: segmentation("LABELMAP"),
    "NIfTI": lambda: make.nifti(VOXELS, AFFINE),
    "NIfTI packed": lambda: make.nifti(VOXELS.astype(np.float32), AFFINE, packed=True),
    "NIfTI 2": lambda: nib.Nifti2Image(VOXELS, AFFINE).to_bytes(),
    "NIfTI complex": lambda: nib.Nifti1Image(VOXELS.astype(np.complex64), AFFINE).to_bytes(),
    "zip": lambda: make.zipped([("a/b.png", make.picture(BYTES)), ("a/b_mask.png", make.picture(BYTES))]),
    "zip in zip": lambda: make.zipped([("in.zip", make.zipped([("t1.nii", make.nifti(VOXELS, AFFINE))]))]),
    "gzip": lambda: gzip.compress(make.to_bytes(_ct()[0])),
}


@cache
def seed(name: str) -> bytes:
    """The valid file of a kind."""
    return SEEDS[name]()
