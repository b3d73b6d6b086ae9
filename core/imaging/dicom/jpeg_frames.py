"""What a compressed picture says of itself in its markers (JPEG, JPEG-LS, JPEG 2000), without decoding it."""

from __future__ import annotations

from collections.abc import Iterator

_PROCESS = {0xC3: "lossless", 0xC7: "lossless, hierarchical", 0xCB: "lossless, arithmetic-coded", 0xF7: "JPEG-LS"}


def uncommon_jpeg(frame: bytes) -> str | None:
    """What sets a JPEG stream apart from the 8-bit ones that every reader decodes; ``None`` for those."""
    for marker, at in _segments(frame):
        if _is_frame(marker) and at + 2 < len(frame):
            bits = frame[at + 2]
            kind = _PROCESS.get(marker)
            return kind or (f"{bits}-bit" if bits > 8 else "arithmetic-coded" if marker in (0xC9, 0xCA) else None)
    return None


def coded_size(frame: bytes) -> tuple[int, int] | None:
    """Width and height in a JPEG, JPEG-LS or JPEG 2000 frame; ``None`` when no size marker is found."""
    siz = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    if siz >= 0:
        width, height, left, top = (int.from_bytes(frame[at : at + 4], "big") for at in range(siz + 8, siz + 24, 4))
        return width - left, height - top
    for marker, at in _segments(frame):
        if _is_frame(marker):
            height, width = (int.from_bytes(frame[i : i + 2], "big") for i in (at + 3, at + 5))
            return (width, height) if height and width else None
    return None


def _segments(frame: bytes) -> Iterator[tuple[int, int]]:
    """Marker codes of a JPEG stream and where their segments begin."""
    at = 2
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        yield marker, at + 2
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")


def _is_frame(marker: int) -> bool:
    return (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7
