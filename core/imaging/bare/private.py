"""The few private numbers that reading needs, written under their makers' names; nothing else of private tags."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from pydicom import Dataset

from core.imaging.dicom import private_tags

CSA = "SIEMENS CSA HEADER"
_NUMBERS = (
    *((0x0019, "SIEMENS MR HEADER", element) for element in (0x0A, 0x0C, 0x0E)),
    *((0x0019, "GEMS_ACQU_01", element) for element in (0xBB, 0xBC, 0xBD)),
    *((0x0043, "GEMS_PARM_01", element) for element in (0x2F, 0x39)),
    (0x2001, "Philips Imaging DD 001", 0x03),
    *((0x2005, "Philips MR Imaging DD 001", element) for element in (0xB0, 0xB1, 0xB2)),
    *((0x0065, "Image Private Header", element) for element in (0x09, 0x37, 0x50)),
    *((0x7053, "Philips PET Private Group", element) for element in (0x00, 0x09)),
)


def copy_private(source: Dataset, target: Dataset) -> None:
    """Put the private numbers of ``source`` into ``target``, as decimal text."""
    for group, creator, element in _NUMBERS:
        found = private_tags.private_numbers(source, group, creator, element)
        if found:
            block = target.private_block(group, creator, create=True)
            block.add_new(element, "DS", [f"{number:.10g}" for number in found])
    told = private_tags.siemens_csa(source)
    if told:
        target.private_block(0x0029, CSA, create=True).add_new(0x10, "OB", _csa(told))


def _csa(told: Mapping[str, Sequence[float]]) -> bytes:
    """A Siemens CSA header of the second kind that holds these numbers and no more."""
    out = [b"SV10\x04\x03\x02\x01", struct.pack("<II", len(told), 77)]
    for name, numbers in told.items():
        out.append(struct.pack("<64si4siii", name.encode(), len(numbers), b"FD\0\0", 4, max(6, len(numbers)), 77))
        for place in range(max(6, len(numbers))):
            text = f"{numbers[place]:.10g}".encode() + b"\0" if place < len(numbers) else b""
            out.append(struct.pack("<4i", len(text), len(text), 77, len(text)))
            out.append(text + b"\0" * (-len(text) % 4))
    return b"".join(out) + b"\0" * 4
