"""JPEG streams without comments, camera data, colour profiles, thumbnails and anything after their end."""

from __future__ import annotations

import io

from PIL import Image
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    UID,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

_ORIENTATION = 0x0112
_START, _SCAN, _END = 0xD8, 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
# Application data that say how the samples are coded: JPEG-LS colour transform, Adobe's colour transform.
_ADOBE, _COLOUR_TRANSFORM = 0xEE, 0xE8
_COMMENT = 0xFE
_J2K_CODESTREAM, _J2K_TILE, _J2K_COMMENT = b"\xff\x4f", 0x90, 0x64


def bare_jpeg(data: bytes) -> bytes:
    """A JPEG file with its coded samples untouched; the orientation stays, as the only thing of its camera data."""
    with Image.open(io.BytesIO(data), formats=("JPEG", "MPO")) as image:
        turned = int(image.getexif().get(_ORIENTATION, 1) or 1)
    return _stripped(data, _orientation(turned) if 2 <= turned <= 8 else b"")


def bare_frame(value: bytes, syntax: UID, count: int) -> bytes:
    """Encapsulated pixel data of a DICOM file, JPEG comments and application data taken out of its frames."""
    if syntax in JPEG2000TransferSyntaxes:
        strip = _j2k
    elif syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes):
        strip = _stripped
    else:
        return value
    frames = list(generate_frames(value, number_of_frames=count))
    slim = [strip(frame) for frame in frames]
    return value if slim == frames else encapsulate(slim)


def _stripped(data: bytes, after_start: bytes = b"") -> bytes:
    if data[:2] != b"\xff\xd8":
        raise ValueError("no JPEG stream")
    out, at = [data[:2]], 2
    jfif = False
    while True:
        if data[at] != 0xFF:
            raise ValueError("a JPEG segment does not begin with a marker")
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        if marker == _END:
            out.append(b"\xff\xd9")
            break
        if marker in _ALONE:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at + 2 : at + 2 + length]
        if length < 2 or len(segment) < length:
            raise ValueError("a JPEG segment is cut")
        if marker == 0xE0 and segment[2:7] == b"JFIF\0" and not jfif:
            jfif = True  # that it is there says how colour is coded; its thumbnail goes
            out.append(b"\xff\xe0\x00\x10JFIF\0\x01\x01" + segment[9:14].ljust(5, b"\0") + b"\0\0")
        elif _stays(marker, segment):
            out.append(b"\xff" + bytes([marker]) + segment)
        at += 2 + length
        if marker == _SCAN:
            end = _scan_end(data, at)
            out.append(data[at:end])
            at = end
            if at + 1 >= len(data):
                break  # a stream without an end marker
    if after_start:
        place = 2 if jfif else 1
        out.insert(place, after_start)
    return b"".join(out)


def _stays(marker: int, segment: bytes) -> bool:
    if marker == _ADOBE:
        return segment[2:7] == b"Adobe" and len(segment) == 14
    if marker == _COLOUR_TRANSFORM:
        return segment[2:6] == b"mrfx" and len(segment) <= 7
    return not (0xE0 <= marker <= 0xEF or marker == _COMMENT)


def _scan_end(data: bytes, at: int) -> int:
    """Where the coded samples end: at the next marker that is no restart and no stuffed byte."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        following = data[at + 1]
        if following == 0xFF:
            at += 1
        elif following == 0x00 or following < 0x80 or following in _ALONE:  # JPEG-LS stuffs a bit: 0x00 to 0x7f
            at += 2
        else:
            return at


def _orientation(turned: int) -> bytes:
    """An EXIF segment that holds the orientation alone."""
    tiff = b"II*\0\x08\0\0\0\x01\0" + (0x0112).to_bytes(2, "little") + b"\x03\0\x01\0\0\0" + bytes([turned, 0, 0, 0])
    body = b"Exif\0\0" + tiff + b"\0\0\0\0"
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


def _j2k(data: bytes) -> bytes:
    """A JPEG 2000 code stream without the comments of its main header."""
    if data[:2] != _J2K_CODESTREAM:
        return data
    out, at = [data[:2]], 2
    while data[at] == 0xFF and data[at + 1] != _J2K_TILE:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            raise ValueError("a JPEG 2000 segment is cut")
        if data[at + 1] != _J2K_COMMENT:
            out.append(data[at : at + 2 + length])
        at += 2 + length
    return b"".join([*out, data[at:]])
