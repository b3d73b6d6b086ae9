"""One way in to every simulated scan: ``phantom(system, seed, finding)``.

What a system's scans look like is told by its own module (``core/systems``), which hands a :class:`Drawing` to
:func:`register`; this room knows no system by name.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from core.imaging.study import Modality, Plane, Series


@dataclass(frozen=True, eq=False)
class Phantom:
    """A simulated scan whose truth is known.

    Attributes:
        series: the images, in the unit the real ones have.
        label: the class, one of the drawing's labels.
        truth: bool ``(slices, height, width)``: the lesion; empty when there is none.
        note: one sentence on what was drawn.
    """

    series: Series
    label: str
    truth: np.ndarray
    note: str


@dataclass(frozen=True)
class Order:
    """What is to be drawn: a label, hard to see or not, so many slices, ``"PT"`` or ``"MR"``, a picture or not."""

    label: str
    hard: bool
    slices: int
    modality: str
    picture: bool | None


@dataclass(frozen=True)
class Sample:
    """One built-in sample: what to draw and in which format to keep it.

    Attributes:
        system, number: its identifier, which does not give the answer away. label, seed, hard, slices: as for
            :func:`phantom`.
        title: neutral title. note: what it is meant to show, which does give the answer away.
        form: ``png``, ``nifti``, ``dicom``, or one of the drawing's own forms.
        modality: ``PT``, ``MR`` or, for both in one sample, ``PT+MR``.
    """

    system: str
    number: int
    label: str
    seed: int
    title: str
    note: str
    hard: bool = False
    slices: int = 1
    form: str = "png"
    modality: str = "PT"

    @property
    def id(self) -> str:
        """Identifier that does not give the answer away."""
        return f"{self.system}-{self.number:02d}"


@dataclass(frozen=True, eq=False)
class Drawing:
    """How a system's scans are simulated.

    Attributes:
        labels: what can be drawn, the clear one first.
        draw: draws one scan from a generator and an order.
        stream: crossed with every seed, so that seed 1 of one system is unrelated to seed 1 of another; by default from
            the system's name.
        modalities: both, for a system whose scans are drawn in either; the first is the usual one.
        modality, body_part, plane, projection: facts that a picture file of such a scan cannot hold; ``None`` for a
            modality that the file's name tells.
        description: what a scanner would call such a series, for a picture file.
        samples: the built-in ones.
        forms: further formats of samples: from the sample to its files by name.
        stem: beginning of the names of its volumes, where the system's own name would mislead the reader of file names.
        hints: end of those names by modality.
    """

    labels: tuple[str, ...]
    draw: Callable[[np.random.Generator, Order], Phantom]
    stream: int | None = None
    modalities: tuple[str, ...] = ()
    modality: Modality | None = None
    body_part: str = ""
    plane: Plane | None = None
    projection: str = "slice"
    description: str = ""
    samples: tuple[Sample, ...] = ()
    forms: Mapping[str, Callable[[Sample], dict[str, bytes]]] = field(default_factory=dict)
    stem: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)


DRAWINGS: dict[str, Drawing] = {}


def register(system: str, drawing: Drawing) -> None:
    """Make a system's scans known under its name."""
    DRAWINGS[system] = drawing


def drawn_series(pixels: np.ndarray, description: str, truth: np.ndarray, **facts: object) -> Series:
    """A series of drawn pixels ``(slices, height, width)`` with its truth, marked as simulated."""
    key = hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]
    return Series(
        key=f"sim-{key}",
        description=description,
        pixels=pixels.astype(np.float32),
        truth=truth,
        notes=("Simulated: drawn by a computer, not a patient.",),
        **facts,  # type: ignore[arg-type]
    )


def hardness(hard: bool) -> str:
    """In words."""
    return "hard to see" if hard else "plain to see"


def phantom(
    system: str,
    seed: int,
    finding: str | None = None,
    hard: bool = False,
    *,
    slices: int = 1,
    modality: str = "PT",
    picture: bool | None = None,
) -> Phantom:
    """Draw a simulated scan.

    Args:
        system: one that is simulated: of :data:`DRAWINGS`.
        seed: the same seed and arguments give identical arrays.
        finding: one of the drawing's labels; ``None`` lets the seed choose.
        hard: a small, faint or hidden lesion (no effect where there is none).
        slices: number of slices; systems that read single images draw one.
        modality: ``"PT"`` (SUV) or ``"MR"``, where a system is drawn in both.
        picture: 8-bit grey picture or physical unit. By default a chest CT comes in HU and a PET projection as a
            picture (white for no uptake); ``True`` gives the chest through the lung window, ``False`` the PET in SUV.

    Returns:
        The scan with its label and its truth mask.

    Raises:
        ValueError: unknown system, finding or modality, or fewer than one slice.
    """
    if system not in DRAWINGS:
        raise ValueError(f"unknown system {system!r}; known: {', '.join(DRAWINGS)}")
    drawing = DRAWINGS[system]
    if finding is not None and finding not in drawing.labels:
        raise ValueError(f"{system} has no finding {finding!r}; known: {', '.join(drawing.labels)}")
    if slices < 1:
        raise ValueError(f"slices must be 1 or more, got {slices}")
    if modality not in ("PT", "MR"):
        raise ValueError(f"modality must be 'PT' or 'MR', got {modality!r}")
    stream = zlib.crc32(system.encode()) if drawing.stream is None else drawing.stream
    rng = np.random.default_rng([seed, stream])
    label = finding if finding is not None else str(rng.choice(drawing.labels))
    return drawing.draw(rng, Order(label, hard, slices, modality, picture))
