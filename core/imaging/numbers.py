"""Single numbers and private elements out of DICOM headers, whatever type a careless writer gave them."""

from __future__ import annotations

import math

from pydicom import Dataset


def positive(value: object) -> float | None:
    """A finite number above 0 from a tag's value, text too; ``None`` for anything else."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def private(header: Dataset, group: int, creator: str, element: int) -> object:
    """Value of a private element in the block that its maker reserved, bytes as text; ``None`` where there is none."""
    try:
        value = header.private_block(group, creator)[element].value
    except KeyError:
        return None
    return value.decode("ascii", "ignore").strip("\x00 ") if isinstance(value, bytes) else value
