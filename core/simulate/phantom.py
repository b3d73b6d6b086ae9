"""One way in to every simulated scan: ``phantom(system, seed, finding)``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.imaging.study import Modality, Plane, Series, Unit, Window
from core.simulate.brain import MM_PER_PIXEL, brain
from core.simulate.chest import PICTURE_CENTRE, PICTURE_WIDTH, chest, to_picture

LABELS: dict[str, tuple[str, ...]] = {
    "brain-mr": ("no tumour", "tumour"),
    "chest-ct": ("normal", "benign", "malignant"),
}


@dataclass(frozen=True, eq=False)
class Phantom:
    """A simulated scan whose truth is known.

    Attributes:
        series: the images, in the unit the real ones have.
        label: the class, one of ``LABELS[system]``.
        truth: bool ``(slices, height, width)``: the lesion; empty when there is none.
        note: one sentence on what was drawn.
    """

    series: Series
    label: str
    truth: np.ndarray
    note: str


Maker = Callable[[np.random.Generator, str, bool, int, str, bool], Phantom]


def _series(pixels: np.ndarray, description: str, truth: np.ndarray, **facts: object) -> Series:
    key = hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]
    return Series(
        key=f"sim-{key}",
        description=description,
        pixels=pixels.astype(np.float32),
        truth=truth,
        notes=("Simulated: drawn by a computer, not a patient.",),
        **facts,  # type: ignore[arg-type]
    )


def _hardness(hard: bool) -> str:
    return "hard to see" if hard else "plain to see"


def _brain(rng: np.random.Generator, label: str, hard: bool, slices: int, modality: str, picture: bool) -> Phantom:
    pixels, truth = brain(rng, label == "tumour", hard, slices)
    series = _series(
        pixels,
        f"Simulated brain MR, {slices} slice(s)",
        truth,
        unit=Unit.GREY,
        modality=Modality.MR,
        spacing=(5.0, MM_PER_PIXEL, MM_PER_PIXEL),
        plane=Plane.AXIAL,
        body_part="BRAIN",
        value_range=(0.0, 255.0),
    )
    note = f"An infiltrating tumour, {_hardness(hard)}." if label == "tumour" else "A head without tumour."
    return Phantom(series, label, truth, note)


def _chest(rng: np.random.Generator, label: str, hard: bool, slices: int, modality: str, picture: bool) -> Phantom:
    pixels, truth, step, gap = chest(rng, label, hard, slices)
    facts: dict[str, object]
    if picture:
        pixels = to_picture(pixels)
        facts = {"unit": Unit.GREY, "value_range": (0.0, 255.0)}
    else:
        facts = {"unit": Unit.HU, "window": Window(PICTURE_CENTRE, PICTURE_WIDTH, "lung")}
    series = _series(
        pixels,
        f"Simulated chest CT, {slices} slice(s)",
        truth,
        modality=Modality.CT,
        spacing=(gap, step, step),
        plane=Plane.AXIAL,
        body_part="CHEST",
        **facts,
    )
    notes = {
        "normal": "Lungs without a nodule.",
        "benign": f"A smooth, calcified nodule, {_hardness(hard)}.",
        "malignant": f"A lobulated or spiculated lesion, {_hardness(hard)}.",
    }
    return Phantom(series, label, truth, notes[label])


_MAKERS: dict[str, Maker] = {"brain-mr": _brain, "chest-ct": _chest}


def phantom(
    system: str,
    seed: int,
    finding: str | None = None,
    hard: bool = False,
    *,
    slices: int = 1,
    modality: str = "PT",
    picture: bool = False,
) -> Phantom:
    """Draw a simulated scan.

    Args:
        system: ``brain-mr``, ``chest-ct``, ``breast-mri``, ``pet`` or ``mr-pet``.
        seed: the same seed and arguments give identical arrays.
        finding: one of ``LABELS[system]``; ``None`` lets the seed choose.
        hard: a small, faint or hidden lesion (no effect where there is none).
        slices: number of slices, for the systems that look at slices.
        modality: ``"PT"`` (SUV) or ``"MR"`` for ``mr-pet``.
        picture: for ``chest-ct``, 8-bit grey through the lung window instead of HU.

    Returns:
        The scan with its label and its truth mask.

    Raises:
        ValueError: unknown system, finding or modality, or fewer than one slice.
    """
    if system not in LABELS:
        raise ValueError(f"unknown system {system!r}; known: {', '.join(LABELS)}")
    if finding is not None and finding not in LABELS[system]:
        raise ValueError(f"{system} has no finding {finding!r}; known: {', '.join(LABELS[system])}")
    if slices < 1:
        raise ValueError(f"slices must be 1 or more, got {slices}")
    if modality not in ("PT", "MR"):
        raise ValueError(f"modality must be 'PT' or 'MR', got {modality!r}")
    # Crossing the seed with the system keeps seed 1 of one system unrelated to seed 1 of another.
    rng = np.random.default_rng([seed, list(LABELS).index(system)])
    label = finding if finding is not None else str(rng.choice(LABELS[system]))
    return _MAKERS[system](rng, label, hard, slices, modality, picture)
