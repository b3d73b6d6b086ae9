"""How a DICOM file asks to be shown: windows, their functions and explicit curves (PS3.3 C.11.2)."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset

from core.errors import UnreadableFileError
from core.imaging.dicom import functional_groups as groups
from core.imaging.dicom.luts import read_table
from core.imaging.study import Voi, Window

_MACRO = "FrameVOILUTSequence"
_MOST = 8


def stored_windows(header: Dataset, index: int, *, signed: bool) -> tuple[Window, ...]:
    """Windows and curves of one frame, in the unit after rescale, in the order of the file; windows first.

    Args:
        header: of the file.
        index: frame within it.
        signed: whether values after rescale may be negative.
    """
    centres = groups.values(header, index, _MACRO, "WindowCenter")
    widths = groups.values(header, index, _MACRO, "WindowWidth")
    function = groups.text(header, index, _MACRO, "VOILUTFunction").strip().upper()
    voi = Voi(function) if function in (Voi.LINEAR_EXACT, Voi.SIGMOID) else Voi.LINEAR
    found = []
    for centre, width in zip(centres[:_MOST], widths[:_MOST], strict=False):
        at, wide = groups.as_number(centre), groups.as_number(width)
        if at is None or wide is None or not (wide >= 1 if voi is Voi.LINEAR else wide > 0):
            continue
        found.append(Window(at, wide, function=voi))
    for item in list(header.get("VOILUTSequence") or ())[:_MOST]:
        try:
            little = bool(header.file_meta.TransferSyntaxUID.is_little_endian)
            table = read_table(item, signed=signed, little_endian=little)
        except UnreadableFileError:
            continue  # display only: the picture is still shown, with an automatic window
        if len(table.entries) > 1:
            curve = np.clip(table.entries / (2.0**table.bits - 1.0), 0.0, 1.0)
            last = len(table.entries) - 1
            found.append(Window(table.first + last / 2, last, function=Voi.TABLE, curve=tuple(curve.tolist())))
    return tuple(found)
