"""JPEG and JPEG 2000 streams without comments, camera data, colour profiles, thumbnails and what follows their end."""

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
# Frames, tables, restart intervals, number of lines, JPEG-LS parameters: all that decoding goes by.
_CODING = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xE0), 0xF7, 0xF8})
_J2K_CODESTREAM, _J2K_TILE, _J2K_DATA, _J2K_COMMENT, _J2K_END = b"\xff\x4f", 0x90, 0x93, 0x64, b"\xff\xd9"
_JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"


def bare_jpeg(data: bytes) -> bytes:
    """A JPEG file with its coded samples untouched; the orientation stays, as the only thing of its camera data."""
    with Image.open(io.BytesIO(data), formats=("JPEG", "MPO")) as image:
        turned = int(image.getexif().get(_ORIENTATION, 1) or 1)
    return _stripped(data, _orientation(turned) if 2 <= turned <= 8 else b"")


def bare_frame(value: bytes, syntax: UID, count: int) -> bytes:
    """Encapsulated pixel data of a DICOM file, JPEG comments and application data taken out of its frames."""
    if syntax in JPEG2000TransferSyntaxes:
        strip = bare_j2k
    elif syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes):
        strip = _stripped
    else:
        return value
    frames = list(generate_frames(value, number_of_frames=count))
    slim = [strip(frame) for frame in frames]
    return value if slim == frames else encapsulate(slim)


def bare_stream(data: bytes) -> bytes:
    """A JPEG stream of a TIFF file's strip, or the tables that its strips share."""
    return _stripped(data)


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
    return marker in _CODING


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


def bare_j2k(data: bytes) -> bytes:
    """A JPEG 2000 code stream without the comments of its headers, the boxes of a JP2 file around it, and its tail."""
    data = _code_stream(data)
    if data[:2] != _J2K_CODESTREAM:
        raise ValueError("no JPEG 2000 code stream")
    out, at = [data[:2]], 2
    header, at = _j2k_header(data, at, _J2K_TILE)
    out.append(header)
    while data[at : at + 2] != _J2K_END:
        if data[at : at + 2] != bytes([0xFF, _J2K_TILE]):
            raise ValueError("a JPEG 2000 tile does not begin with its marker")
        length = int.from_bytes(data[at + 6 : at + 10], "big")
        end = at + length if length else data.find(_J2K_END, at)  # no length: the last tile, up to the end
        if not at + 12 <= end <= len(data):
            raise ValueError("a JPEG 2000 tile is cut")
        slim, begin = _j2k_header(data, at + 12, _J2K_DATA)
        kept = 12 + len(slim) + end - begin
        out += [data[at : at + 6], (kept if length else 0).to_bytes(4, "big"), data[at + 10 : at + 12], slim]
        out.append(data[begin:end])
        at = end
    return b"".join([*out, _J2K_END])


def _code_stream(data: bytes) -> bytes:
    """What a JP2 file's box of the code stream holds; any other data as it is."""
    if not data.startswith(_JP2):
        return data
    at = 0
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        head = 16 if size == 1 else 8
        size = int.from_bytes(data[at + 8 : at + 16], "big") if size == 1 else size or len(data) - at
        if kind == b"jp2c":
            return data[at + head : at + size]
        at += max(size, 8)
    raise ValueError("no JPEG 2000 code stream")


def _j2k_header(data: bytes, at: int, last: int) -> tuple[bytes, int]:
    """Segments from ``at`` up to the marker ``last`` without comments, and where that marker stands."""
    out = []
    while data[at] == 0xFF and data[at + 1] != last:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            raise ValueError("a JPEG 2000 segment is cut")
        if data[at + 1] != _J2K_COMMENT:
            out.append(data[at : at + 2 + length])
        at += 2 + length
    return b"".join(out), at
