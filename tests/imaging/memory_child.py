"""Reads an upload in a process of its own and says what that took; run by test_memory."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from core.imaging import read
from core.imaging.limits import Budget, Limits

SIDE = 512
MIB = 1024 * 1024
Files = list[tuple[str, bytes]]


def image(number: int, frames: int = 0, *, colour: bool = False) -> bytes:
    """A CT slice with padding, a multi-frame file of such, or a cine loop in colour."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{number + 1}"
    ds.SeriesInstanceUID, ds.Modality, ds.InstanceNumber = "1.2.3", "US" if colour else "CT", number + 1
    ds.Rows = ds.Columns = SIDE
    ds.SamplesPerPixel, ds.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    ds.BitsAllocated = ds.BitsStored = 8 if colour else 16
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, 0 if colour else 1
    if colour:
        ds.PlanarConfiguration = 0
    else:
        ds.PixelPaddingValue, ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = -2000, 1, -1024, "HU"
    ds.PixelSpacing, ds.SliceThickness = [1, 1], 1
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    if frames:
        ds.NumberOfFrames = frames
    count = max(frames, 1) * SIDE * SIDE
    values = (np.arange(count * (3 if colour else 1)) % 97).astype(np.uint8 if colour else np.int16)
    if not colour:
        values[::5] = -2000
    ds.PixelData = values.tobytes()
    out = io.BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def series(count: int) -> Files:
    return [(f"{number}.dcm", image(number)) for number in range(count)]


def in_a_zip(count: int) -> Files:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.dcm", image(0, count))
    return [("a.zip", out.getvalue())]


def volume(count: int) -> Files:
    values = np.zeros((SIDE, SIDE, count), np.int16) + np.arange(SIDE, dtype=np.int16)[:, None, None]
    return [("a.nii.gz", nib.Nifti1Image(values, np.diag([1, 1, 1, 1])).to_bytes())]


def pictures(count: int) -> Files:
    out = io.BytesIO()
    Image.fromarray((np.arange(SIDE * SIDE) % 251).astype(np.uint8).reshape(SIDE, SIDE)).save(out, "PNG")
    return [(f"{number}.png", out.getvalue()) for number in range(count)]


def large(count: int) -> Files:
    out = io.BytesIO()
    Image.new("RGBA", (SIDE * 8, SIDE * count // 8), (9, 8, 7, 200)).save(out, "PNG")
    return [("a.png", out.getvalue())]


KINDS: dict[str, Callable[[int], Files]] = {
    "series": series,
    "one file": lambda count: [("a.dcm", image(0, count))],
    "colour": lambda count: [("a.dcm", image(0, count, colour=True))],
    "zip": in_a_zip,
    "volume": volume,
    "pictures": pictures,
    "large": large,
}


def resident(name: str) -> int:
    """Bytes of a line of the process's own status: VmRSS now, VmHWM at most."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024


def main(kind: str, count: int) -> None:
    """Print the bytes of an upload by its account, the most that reading took, and the slices that came out."""
    files = KINDS[kind](count)
    read(KINDS[kind](2))  # what is loaded on the way is no part of it
    counted: list[int] = []
    taken = Budget._take_out

    def noted(budget: Budget) -> None:
        taken(budget)
        counted.append(budget.memory)

    Budget._take_out = noted  # type: ignore[method-assign]
    Path("/proc/self/clear_refs").write_text("5")  # the highest mark begins anew
    before = resident("VmHWM")
    study = read(files, Limits(ratio=100_000))
    print(max(counted), resident("VmHWM") - before, sum(one.slices for one in study.series))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
