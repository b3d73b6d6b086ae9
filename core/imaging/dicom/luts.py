"""Look-up tables of DICOM headers (PS3.3 C.11.1 and C.11.2): explicit curves from one pixel value to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from core.errors import UnreadableFileError


@dataclass(frozen=True, eq=False)
class Table:
    """A look-up table.

    Attributes:
        first: the input value that the first entry belongs to.
        entries: output values, float64.
        bits: bits per entry; the largest output is ``2**bits - 1``.
        kind: Modality LUT Type, empty for a VOI LUT.
    """

    first: int
    entries: np.ndarray
    bits: int
    kind: str = ""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Output for every input value; below the first and above the last entry the end's value holds."""
        index = np.clip(np.asarray(values, dtype=np.float64) - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[np.floor(index + 1e-6).astype(np.int64)])


def read_table(item: Dataset, *, signed: bool, little_endian: bool = True) -> Table:
    """Table of a LUT sequence's item.

    Args:
        item: the item.
        signed: whether the input values may be negative (the descriptor does not say by itself).
        little_endian: byte order of the file, for entries that come as bytes.

    Raises:
        UnreadableFileError: the table is incomplete or contradicts itself.
    """
    try:
        count, first, bits = (int(value) for value in item.LUTDescriptor)
        data = item.LUTData
        count = count % 65536 or 65536  # 0 stands for 65536, which does not fit into the tag
        if isinstance(data, bytes):
            wide = len(data) >= 2 * count
            entries = np.frombuffer(data, ("<u2" if little_endian else ">u2") if wide else "u1").astype(np.int64)
        else:
            entries = np.atleast_1d(np.asarray(data, dtype=np.int64)) % 65536
            if bits == 8 and count > 1 and len(entries) == (count + 1) // 2:
                entries = np.stack([entries & 255, entries >> 8], axis=1).ravel()  # two entries packed in one word
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise _damaged() from error
    if len(entries) < count or not 1 <= bits <= 16:
        raise _damaged()
    first %= 65536
    if signed and first >= 32768:
        first -= 65536
    return Table(first, entries[:count].astype(np.float64), bits, str(item.get("ModalityLUTType", "") or ""))


def _damaged() -> UnreadableFileError:
    return UnreadableFileError("A look-up table of the DICOM header is incomplete.", "Export the series again.")
