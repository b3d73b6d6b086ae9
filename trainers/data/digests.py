"""Which pictures a model has seen: short digests of their pixels, shipped beside its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np

from core.errors import DataLayoutError
from trainers.data.items import Item

DIGESTS = "training_digests.bin"
BYTES = 8  # of each SHA-256: two different pictures among a million share them once in 37 million such sets


def pixel_digest(plane: np.ndarray) -> str:
    """SHA-256 of a slice's pixels and shape."""
    return hashlib.sha256(f"{plane.shape}".encode() + np.ascontiguousarray(plane).tobytes()).hexdigest()


def write_digests(path: Path, items: Iterable[Item]) -> None:
    """Write the sorted short digests of all real slices, one after the other, 8 bytes each."""
    short = {bytes.fromhex(pixel_digest(p))[:BYTES] for i in items if i.counted for p in i.series.pixels}
    path.write_bytes(b"".join(sorted(short)))


def read_digests(path: Path) -> frozenset[str]:
    """The short digests of a file, in hexadecimal; none when there is no file.

    Raises:
        DataLayoutError: the file is cut off.
    """
    content = path.read_bytes() if path.is_file() else b""
    if len(content) % BYTES:
        raise DataLayoutError(f"{path} is damaged.", "Restore it from the repository.")
    return frozenset(content[at : at + BYTES].hex() for at in range(0, len(content), BYTES))


def seen_before(plane: np.ndarray, seen: Collection[str]) -> bool:
    """Whether a slice is exactly one of those whose digests, whole or short, are in ``seen``."""
    digest = pixel_digest(plane)
    return digest in seen or digest[: 2 * BYTES] in seen
