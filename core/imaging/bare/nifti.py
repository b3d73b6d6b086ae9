"""NIfTI files without the texts of their header, without extensions, and without what follows the voxels."""

from __future__ import annotations

import gzip
import io
from typing import Any

import nibabel as nib
import numpy as np

from core.imaging.archive import gunzip
from core.imaging.limits import DEFAULT_LIMITS
from core.imaging.nifti_header import data_offset

# Offset and length of the fields that hold text, by version.
_TEXTS = {1: ((4, 10), (14, 18), (148, 80), (228, 24), (328, 16)), 2: ((240, 80), (320, 24), (508, 16), (524, 15))}
_LENGTH = {1: 348, 2: 540}


def bare_nifti(data: bytes) -> bytes:
    """The header's numbers and the voxels, byte for byte; packed again where it was packed."""
    packed = data.startswith(b"\x1f\x8b")
    raw = bytearray(gunzip(data, DEFAULT_LIMITS.total_bytes) if packed else data)
    version = 2 if raw[4:8] in (b"n+2\0", b"ni2\0") else 1
    kind: Any = nib.Nifti2Header if version == 2 else nib.Nifti1Header
    header = kind.from_fileobj(io.BytesIO(bytes(raw[: _LENGTH[version]])), check=False)
    voxels = int(np.prod([int(size) or 1 for size in header.get_data_shape()], dtype=object))
    needed = voxels * int(header.get_data_dtype().itemsize)
    begin = data_offset(header, version == 2, len(raw), needed, [])
    if needed <= 0 or begin + needed > len(raw):
        raise ValueError("the NIfTI file is cut")
    for at, length in _TEXTS[version]:
        raw[at : at + length] = bytes(length)
    extensions = _LENGTH[version]
    raw[extensions:begin] = bytes(begin - extensions)
    del raw[begin + needed :]
    return gzip.compress(bytes(raw), 6, mtime=0) if packed else bytes(raw)
