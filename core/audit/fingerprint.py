"""What an audit keeps of one picture: hashes, a thumbnail and the trivial features a lazy model would use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import DataLayoutError

THUMBNAIL = 16
FLAT_SPREAD = 2.0  # of 255 grey levels: below it a picture shows nothing and resembles every other empty one


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """One picture of a set.

    Attributes:
        name: identifier. label, positive: its class, and whether that counts as a finding.
        group, split: patient and part, when known.
        sha256: of shape, type and decoded pixels: the same picture in another container has the same value.
        hashes: ``(2,)`` uint64: DCT hash and gradient hash of ImageHash, 64 bits each.
        thumbnail: float32 ``(256,)`` 16 x 16 block means with mean 0 and length 1; zero for a flat picture.
        flat: too little contrast to be compared.
        features: shortcut features by name.
    """

    name: str
    label: str
    positive: bool
    group: str | None
    split: str | None
    sha256: str
    hashes: NDArray[np.uint64]
    thumbnail: NDArray[np.float32]
    flat: bool
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Table:
    """Fingerprints of a whole set, by column; ``N`` rows. ``groups`` and ``splits`` are ``None`` when unknown."""

    names: tuple[str, ...]
    labels: NDArray[np.str_]
    positive: NDArray[np.bool_]
    groups: NDArray[np.str_] | None
    splits: NDArray[np.str_] | None
    sha256: NDArray[np.str_]
    hashes: NDArray[np.uint64]
    thumbnails: NDArray[np.float32]
    flat: NDArray[np.bool_]
    features: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.names)


def _packed(bits: NDArray[np.bool_]) -> np.uint64:
    return np.packbits(bits.reshape(-1)).view(">u8").astype(np.uint64)[0]


def grey_levels(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """8-bit version, as hashes and thumbnails see it; physical values are stretched over their whole range."""
    if pixels.dtype == np.uint8:
        return pixels
    low, high = float(pixels.min()), float(pixels.max())
    return np.zeros(pixels.shape, np.uint8) if high <= low else ((pixels - low) / (high - low) * 255).astype(np.uint8)


def features_of(pixels: NDArray[Any], file_bytes: int | None = None) -> dict[str, float]:
    """Features that know nothing of anatomy.

    Args:
        pixels: ``(height, width)``. file_bytes: size of the encoded file, when there is one.

    Returns:
        width, height, mean, spread (standard deviation), corner mean (four corners, 1/16 of a side), border mean
        (outer frame, 1/32 of the shorter side), and the file size when given.
    """
    values = pixels.astype(np.float64)
    height, width = values.shape
    h, w = max(1, height // 16), max(1, width // 16)
    edge = max(1, min(height, width) // 32)
    inner = np.zeros(values.shape, dtype=bool)
    inner[edge : height - edge, edge : width - edge] = True
    corners = [values[:h, :w], values[:h, -w:], values[-h:, :w], values[-h:, -w:]]
    found = {
        "width": float(width),
        "height": float(height),
        "mean": float(values.mean()),
        "spread": float(values.std()),
        "corner mean": float(np.mean([corner.mean() for corner in corners])),
        "border mean": float(values[~inner].mean()),
    }
    if file_bytes is not None:
        found["file size"] = float(file_bytes)
    return found


def fingerprint(
    name: str,
    pixels: NDArray[Any],
    label: str,
    positive: bool,
    *,
    group: str | None = None,
    split: str | None = None,
    file_bytes: int | None = None,
    more: Mapping[str, float] | None = None,
) -> Fingerprint:
    """Reduce one picture to what the audit compares.

    Args:
        pixels: ``(height, width)`` grey, any real type.
        more: further shortcut features (SUVmax, slice position); every picture of a set needs the same ones.

    Raises:
        DataLayoutError: the pixels are no single grey plane.
    """
    if pixels.ndim != 2 or not pixels.size:
        raise DataLayoutError(f"{name} has shape {pixels.shape}.", "The audit takes single grey planes.")
    grey = grey_levels(pixels)
    image = Image.fromarray(grey)
    small = np.asarray(image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX), dtype=np.float32).reshape(-1)
    small = small - small.mean()
    length = float(np.linalg.norm(small))
    flat = float(grey.std()) < FLAT_SPREAD
    key = f"{pixels.dtype.str}{pixels.shape}".encode()
    return Fingerprint(
        name=name,
        label=label,
        positive=positive,
        group=group,
        split=split,
        sha256=hashlib.sha256(key + np.ascontiguousarray(pixels).tobytes()).hexdigest(),
        hashes=np.array([_packed(imagehash.phash(image).hash), _packed(imagehash.dhash(image).hash)], dtype=np.uint64),
        thumbnail=small / length if length > 0 and not flat else np.zeros_like(small),
        flat=flat,
        features={**features_of(pixels, file_bytes), **(more or {})},
    )


def tabulate(prints: Iterable[Fingerprint]) -> Table:
    """Turn fingerprints into columns.

    Raises:
        DataLayoutError: no pictures, or features, groups or splits present in some pictures only.
    """
    rows = list(prints)
    if not rows:
        raise DataLayoutError("There are no pictures to audit.", "Check the index of the set.")
    if any(set(row.features) != set(rows[0].features) for row in rows):
        raise DataLayoutError("Pictures carry different features.", "Give every picture of a set the same ones.")

    def column(values: list[str | None], what: str) -> NDArray[np.str_] | None:
        missing = sum(value is None for value in values)
        if missing == len(values):
            return None
        if missing:
            raise DataLayoutError(
                f"{missing} of {len(values)} pictures have no {what}.", f"Name a {what} for all or none."
            )
        return np.array(values, dtype=np.str_)

    return Table(
        names=tuple(row.name for row in rows),
        labels=np.array([row.label for row in rows]),
        positive=np.array([row.positive for row in rows]),
        groups=column([row.group for row in rows], "group"),
        splits=column([row.split for row in rows], "split"),
        sha256=np.array([row.sha256 for row in rows]),
        hashes=np.stack([row.hashes for row in rows]),
        thumbnails=np.stack([row.thumbnail for row in rows]),
        flat=np.array([row.flat for row in rows]),
        features={key: np.array([row.features[key] for row in rows]) for key in rows[0].features},
    )
