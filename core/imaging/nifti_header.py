"""What a NIfTI header says, where careless tools wrote it: begin of the voxels, scale, orientation, unit of length."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.errors import UnreadableFileError

MILLIMETRES = {1: 1000.0, 2: 1.0, 3: 0.001}
UNORIENTED = "The header does not state the orientation: left and right may be swapped."
_KNOWN_CODES = range(1, 6)
_DISAGREE = 0.1  # of the smallest voxel side


def data_offset(header: Any, second_version: bool, size: int, needed: int, notes: list[str]) -> int:
    """Byte at which the voxels begin: never within the header, whatever vox_offset says.

    Args:
        header: nibabel's header.
        second_version: NIfTI-2, whose header is longer.
        size: bytes of the file, unpacked, as far as that is known.
        needed: bytes of all voxels.
        notes: gets a sentence when vox_offset was not used.

    Raises:
        UnreadableFileError: vox_offset is no number.
    """
    length = 540 if second_version else 348
    given = float(header["vox_offset"])
    if not np.isfinite(given):
        raise UnreadableFileError("The NIfTI header is damaged: vox_offset is no number.", "Convert the scan again.")
    if given >= length + 4:
        return int(given)
    # four bytes for extensions follow the header; files without them exist, and their size shows it
    begin = length if size == length + needed else length + 4
    if given != begin:
        notes.append(f"The header lets the voxels begin within itself (vox_offset {given:g}): byte {begin} was taken.")
    return begin


def scale(header: Any, notes: list[str]) -> tuple[float, float]:
    """Slope and intercept; 1 and 0 where the header names none that is a number."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope):
        if np.isfinite(slope) or np.isnan(slope):  # 0 and NaN stand for "not scaled"
            return 1.0, 0.0
        notes.append("The scale factor in the header is infinite: values are shown as stored.")
        return 1.0, 0.0
    if not np.isfinite(intercept):
        notes.append("The intercept in the header is no number: 0 was taken.")
        intercept = 0.0
    return slope, intercept


def orientation(header: Any, shape: tuple[int, ...], notes: list[str]) -> tuple[np.ndarray, bool]:
    """Voxel to RAS in the header's unit of length, and whether voxel sizes are known.

    The sform counts before the qform, as with other readers; one that cannot be true counts for nothing.
    """
    sides = np.asarray(header["pixdim"], dtype=float)[1:4]
    forms = {"sform": _sform(header), "qform": _qform(header)}
    codes = {name: int(header[f"{name}_code"]) for name in forms}
    usable = {name: form for name, form in forms.items() if codes[name] > 0 and _is_affine(form)}
    for name, code in codes.items():
        if code > 0 and name not in usable:
            notes.append(f"The {name} in the header is unusable and was left out.")
        elif code not in (0, *_KNOWN_CODES):
            notes.append(f"The {name} in the header has the unknown code {code}.")
    known = {name: form for name, form in usable.items() if codes[name] in _KNOWN_CODES}
    chosen = known or usable
    if len(chosen) == 2 and _apart(chosen["sform"], chosen["qform"], shape):
        notes.append("The header gives two orientations that differ (qform and sform): the sform was used.")
    if chosen:
        form = next(iter(chosen.values()))
        own = np.linalg.norm(form[:3, :3], axis=0)
        given = np.isfinite(sides).all() and (sides > 0).all()
        if "sform" in chosen and given and np.abs(own / sides - 1).max() > 0.01:
            told = " x ".join(f"{side:.3g}" for side in sides)
            notes.append(f"The voxel size in the header ({told}) is not that of the orientation, which was used.")
        return form, True
    notes.append(UNORIENTED)
    sides = np.abs(sides)
    if not np.isfinite(sides).all() or not (sides > 0).all():
        return _upright(np.ones(3), shape), False
    return _upright(sides, shape), True


def length_unit(header: Any) -> float | None:
    """Millimetres of the header's unit of length; ``None`` where it names none."""
    return MILLIMETRES.get(int(header["xyzt_units"]) & 7)


def _upright(sides: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Voxels in the order of the older Analyze format, centred: from the patient's right, the back and the feet."""
    form = np.diag([-sides[0], sides[1], sides[2], 1.0])
    form[:3, 3] = -(form[:3, :3] @ ((np.array(shape[:3]) - 1) / 2.0))
    return form


def _sform(header: Any) -> np.ndarray:
    rows = [np.asarray(header[name], dtype=float) for name in ("srow_x", "srow_y", "srow_z")]
    return np.vstack([*rows, [0.0, 0.0, 0.0, 1.0]])


def _qform(header: Any) -> np.ndarray:
    """Affine from the quaternion, as nifti1.h has it: qfac 0 counts as 1, a quaternion above 1 is normalised."""
    b, c, d = (float(header[f"quatern_{axis}"]) for axis in "bcd")
    rest = 1.0 - (b * b + c * c + d * d)
    if rest < 1e-7:
        size = np.sqrt(b * b + c * c + d * d) or 1.0
        a, b, c, d = 0.0, b / size, c / size, d / size
    else:
        a = float(np.sqrt(rest))
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    pixdim = np.asarray(header["pixdim"], dtype=float)
    sides = np.abs(pixdim[1:4]) * (1.0, 1.0, -1.0 if pixdim[0] < 0 else 1.0)
    form = np.eye(4)
    form[:3, :3] = turn * sides
    form[:3, 3] = [float(header[f"qoffset_{axis}"]) for axis in "xyz"]
    return form


def _is_affine(form: np.ndarray) -> bool:
    """Whether the voxel axes are directions of a length above 0 that span space."""
    if not np.isfinite(form).all():
        return False
    sizes = np.linalg.norm(form[:3, :3], axis=0)
    return bool((sizes > 0).all() and np.isfinite(sizes).all() and abs(np.linalg.det(form[:3, :3] / sizes)) > 1e-3)


def _apart(one: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether two affines put a corner of the volume at places that differ by more than rounding does."""
    last = np.array(shape[:3], dtype=float) - 1
    corners = np.array([[i, j, k] for i in (0, last[0]) for j in (0, last[1]) for k in (0, last[2])])
    places = [corners @ form[:3, :3].T + form[:3, 3] for form in (one, other)]
    side = min(np.linalg.norm(one[:3, :3], axis=0).min(), np.linalg.norm(other[:3, :3], axis=0).min())
    return bool(np.linalg.norm(places[0] - places[1], axis=1).max() > _DISAGREE * side)
