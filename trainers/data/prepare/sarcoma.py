"""TCIA Soft-tissue-Sarcoma: a DICOM tree with RTSTRUCT outlines to cropped NIfTI volumes of PET, T1 MR and CT."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from scipy.ndimage import map_coordinates
from skimage.draw import polygon2mask

from core.errors import OverreadError
from core.imaging import Series, Unit, read
from trainers.data.prepare.writing import Prepared, publisher

AROUND = 50.0  # mm kept on every side of the tumour
_MASS = "gtv_mass"  # the visible mass; "gtv_edema" includes what swells around it
_TAGS = ["PatientID", "Modality", "SeriesInstanceUID", "SeriesDescription", "SOPClassUID"]
_COLUMNS = (
    *("patient", "pet", "pet_mask", "mr_t1", "mr_t1_mask", "pet_slices_with_tumour", "pet_slices"),
    *("mr_slices_with_tumour", "mr_slices", "ct"),
)
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass
class _Files:
    """The files of one series."""

    modality: str
    description: str
    paths: list[Path]


@publisher("sts-pet-mr")
def sts_pet_mr(source: Path, out: Prepared) -> None:
    """One row a patient: PET in SUV with its mask, and where they are there T1 MR with its mask, and CT."""
    for patient, series in sorted(_patients(source).items()):
        out.tell(patient)
        try:
            out.rows.append(_patient(patient, series, out))
        except OverreadError as error:
            out.left_out.append((patient, str(error)))
        except LookupError as error:
            out.left_out.append((patient, f"no {error.args[0]}"))


def _patients(source: Path) -> dict[str, dict[str, _Files]]:
    found: dict[str, dict[str, _Files]] = defaultdict(dict)
    for path in sorted(p for p in source.rglob("*") if p.is_file() and not p.name.startswith(".")):
        try:
            head = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
        except (pydicom.errors.InvalidDicomError, OSError):
            continue
        patient, uid = str(head.get("PatientID", "")), str(head.get("SeriesInstanceUID", ""))
        description = str(head.get("SeriesDescription", "")).lower()
        found[patient].setdefault(uid, _Files(str(head.get("Modality", "")), description, [])).paths.append(path)
    return found


def _patient(patient: str, series: dict[str, _Files], out: Prepared) -> dict[str, str]:
    outlines: dict[str, list[np.ndarray]] = {}
    for files in series.values():
        if files.modality == "RTSTRUCT":
            for path in files.paths:
                outlines |= _outlines(pydicom.dcmread(path))

    def volume(modality: str, word: str = "") -> tuple[Series, np.ndarray] | None:
        for uid, files in series.items():
            if files.modality == modality and word in files.description and uid in outlines:
                return _whole(files), _mask(_whole(files), outlines[uid])
        return None

    pet = volume("PT")
    if pet is None:
        raise LookupError("PET with an outline of the mass")
    image, mask = pet
    if image.unit is not Unit.SUV:
        raise LookupError("SUV: " + " ".join(image.notes))
    row = dict.fromkeys(_COLUMNS, "")
    row |= {"patient": patient} | _written(patient, "pet", image, mask, out)
    mr = volume("MR", "t1")
    if mr is not None:
        row |= _written(patient, "mr_t1", *mr, out)
    ct = next((files for files in series.values() if files.modality == "CT"), None)
    if ct is not None:
        row["ct"] = _ct(patient, _whole(ct), image, mask, out)
    return row


def _whole(files: _Files) -> Series:
    series = read([(path.name, path.read_bytes()) for path in files.paths]).series
    return next(one for one in series if one.projection == "slice" and one.affine is not None and not one.uneven)


def _outlines(dataset: pydicom.Dataset) -> dict[str, list[np.ndarray]]:
    """Outlines of the mass in LPS millimetres, ``(points, 3)`` each, by the series they were drawn on."""
    numbers = {
        int(roi.ROINumber)
        for roi in dataset.get("StructureSetROISequence", [])
        if str(roi.get("ROIName", "")).lower().replace(" ", "_").startswith(_MASS)
    }
    shapes = [
        np.asarray(contour.ContourData, float).reshape(-1, 3)
        for roi in dataset.get("ROIContourSequence", [])
        if int(roi.ReferencedROINumber) in numbers
        for contour in roi.get("ContourSequence", [])
    ]
    uids = [
        str(one.SeriesInstanceUID)
        for frame in dataset.get("ReferencedFrameOfReferenceSequence", [])
        for study in frame.get("RTReferencedStudySequence", [])
        for one in study.get("RTReferencedSeriesSequence", [])
    ]
    return {uid: shapes for uid in uids if shapes}


def _mask(series: Series, outlines: Sequence[np.ndarray]) -> np.ndarray:
    """Bool ``(slices, height, width)``: pixels whose centre lies inside; an outline within another cuts a hole."""
    assert series.affine is not None
    mask = np.zeros(series.pixels.shape, bool)
    to_voxel = np.linalg.inv(series.affine)
    for outline in outlines:
        voxels = outline @ to_voxel[:3, :3].T + to_voxel[:3, 3]
        at = round(float(voxels[:, 2].mean()))
        if 0 <= at < series.slices and len(outline) > 2:
            mask[at] ^= polygon2mask(mask.shape[1:], voxels[:, [1, 0]])
    return mask


def _box(series: Series, mask: np.ndarray) -> tuple[slice, slice, slice]:
    """The mass and :data:`AROUND` on every side, in (slices, rows, columns)."""
    assert series.spacing is not None
    if not mask.any():
        raise LookupError("pixel inside the outline of the mass")
    out = []
    for axis, step in enumerate(series.spacing):
        at = np.nonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))[0]
        more = int(np.ceil(AROUND / step))
        out.append(slice(max(int(at[0]) - more, 0), int(at[-1]) + more + 1))
    return out[0], out[1], out[2]


def _cropped(series: Series, box: tuple[slice, slice, slice]) -> np.ndarray:
    """Affine, voxel (column, row, slice) to RAS millimetres, of the part of a series within the box."""
    assert series.affine is not None
    move = np.eye(4)
    move[:3, 3] = [box[2].start, box[1].start, box[0].start]
    return np.asarray(_LPS_TO_RAS @ series.affine @ move)


def _written(patient: str, name: str, series: Series, mask: np.ndarray, out: Prepared) -> dict[str, str]:
    box = _box(series, mask)
    affine = _cropped(series, box)
    short = name.split("_")[0]
    inside = mask[box]
    return {
        name: _save(series.pixels[box].astype(np.float32), affine, f"{patient}/{name}.nii.gz", out),
        f"{name}_mask": _save(inside.astype(np.uint8), affine, f"{patient}/{name}_mask.nii.gz", out),
        f"{short}_slices_with_tumour": str(int(inside.any(axis=(1, 2)).sum())),
        f"{short}_slices": str(len(inside)),
    }


def _ct(patient: str, ct: Series, pet: Series, mask: np.ndarray, out: Prepared) -> str:
    """CT on the PET's slices, twice as fine in the plane; what the CT does not reach is air."""
    assert ct.affine is not None
    box = _box(pet, mask)
    shape = tuple(len(range(*one.indices(n))) for one, n in zip(box, pet.pixels.shape, strict=True))
    finer = np.diag([0.5, 0.5, 1.0, 1.0])
    finer[:2, 3] = -0.25  # two fine pixels cover a coarse one: the first centre lies a quarter of it before its centre
    affine = _cropped(pet, box) @ finer
    columns, rows, slices = np.meshgrid(
        np.arange(2 * shape[2]), np.arange(2 * shape[1]), np.arange(shape[0]), indexing="ij"
    )
    points = np.stack([columns, rows, slices, np.ones_like(columns)]).reshape(4, -1)
    at = (np.linalg.inv(ct.affine) @ _LPS_TO_RAS @ affine @ points)[[2, 1, 0]]
    values = map_coordinates(ct.pixels, at, order=1, mode="constant", cval=-1000.0)
    grid = values.reshape(2 * shape[2], 2 * shape[1], shape[0]).transpose(2, 1, 0)
    return _save(np.rint(grid).astype(np.int16), affine, f"{patient}/ct.nii.gz", out)


def _save(values: np.ndarray, affine: np.ndarray, name: str, out: Prepared) -> str:
    path = out.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(values.transpose(2, 1, 0), affine), path)
    return name
