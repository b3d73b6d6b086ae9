"""One way in to every simulated scan: ``phantom(system, seed, finding)``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.imaging.study import Modality, Plane, Series, Unit, Window
from core.simulate import pet
from core.simulate.brain import MM_PER_PIXEL, brain
from core.simulate.breast import breast
from core.simulate.chest import PICTURE_CENTRE, PICTURE_WIDTH, chest, to_picture
from core.simulate.thigh import SLICE_STEP, thigh

LABELS: dict[str, tuple[str, ...]] = {
    "brain-mr": ("no tumour", "tumour"),
    "chest-ct": ("normal", "benign", "malignant"),
    "breast-mri": ("benign", "malignant"),
    "pet": ("no cancer", "breast cancer", "prostate cancer"),
    "mr-pet": ("no tumour", "tumour"),
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


@dataclass(frozen=True)
class _Order:
    """What a maker is asked to draw."""

    label: str
    hard: bool
    slices: int
    modality: str
    picture: bool | None


Maker = Callable[[np.random.Generator, _Order], Phantom]


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


def _brain(rng: np.random.Generator, order: _Order) -> Phantom:
    pixels, truth = brain(rng, order.label == "tumour", order.hard, order.slices)
    series = _series(
        pixels,
        f"Simulated brain MR, {order.slices} slice(s)",
        truth,
        unit=Unit.GREY,
        modality=Modality.MR,
        spacing=(5.0, MM_PER_PIXEL, MM_PER_PIXEL),
        plane=Plane.AXIAL,
        body_part="BRAIN",
        value_range=(0.0, 255.0),
    )
    note = f"An infiltrating tumour, {_hardness(order.hard)}." if order.label == "tumour" else "A head without tumour."
    return Phantom(series, order.label, truth, note)


def _chest(rng: np.random.Generator, order: _Order) -> Phantom:
    pixels, truth, step, gap = chest(rng, order.label, order.hard, order.slices)
    facts: dict[str, object] = {"unit": Unit.HU, "window": Window(PICTURE_CENTRE, PICTURE_WIDTH, "lung")}
    if order.picture:
        pixels = to_picture(pixels)
        facts = {"unit": Unit.GREY, "value_range": (0.0, 255.0)}
    series = _series(
        pixels,
        f"Simulated chest CT, {order.slices} slice(s)",
        truth,
        modality=Modality.CT,
        spacing=(gap, step, step),
        plane=Plane.AXIAL,
        body_part="CHEST",
        **facts,
    )
    notes = {
        "normal": "Lungs without a nodule.",
        "benign": f"A smooth, calcified nodule, {_hardness(order.hard)}.",
        "malignant": f"A lobulated or spiculated lesion, {_hardness(order.hard)}.",
    }
    return Phantom(series, order.label, truth, notes[order.label])


def _breast(rng: np.random.Generator, order: _Order) -> Phantom:
    pixels, truth = breast(rng, order.label == "malignant", order.hard)
    series = _series(
        pixels,
        "Simulated breast MR lesion crop",
        truth,
        unit=Unit.GREY,
        modality=Modality.MR,
        body_part="BREAST",
        value_range=(0.0, 255.0),
    )
    kind = "irregular, patchy" if order.label == "malignant" else "oval, smooth"
    return Phantom(series, order.label, truth, f"An {kind} lesion, {_hardness(order.hard)}.")


def _pet(rng: np.random.Generator, order: _Order) -> Phantom:
    suv, mask, _ = pet.projection(rng, order.label, order.hard)
    facts: dict[str, object] = {"unit": Unit.GREY, "value_range": (0.0, 255.0)}
    pixels = suv
    if order.picture is False:
        facts = {"unit": Unit.SUV}
    else:
        pixels = pet.to_picture(suv)
    series = _series(
        pixels[None],
        "Simulated whole-body FDG-PET projection",
        mask[None],
        modality=Modality.PT,
        plane=Plane.CORONAL,
        body_part="WHOLEBODY",
        projection="mip-coronal",
        **facts,
    )
    note = (
        "Normal uptake only." if order.label == "no cancer" else f"Pattern of {order.label}, {_hardness(order.hard)}."
    )
    return Phantom(series, order.label, mask[None], note)


def _thigh(rng: np.random.Generator, order: _Order) -> Phantom:
    pixels, truth, step = thigh(rng, order.label == "tumour", order.hard, order.slices, order.modality)
    mr = order.modality == "MR"
    series = _series(
        pixels,
        f"Simulated thigh, {'T1 MR' if mr else 'FDG-PET'}, {order.slices} slice(s)",
        truth,
        unit=Unit.ARBITRARY if mr else Unit.SUV,
        modality=Modality.MR if mr else Modality.PT,
        spacing=(SLICE_STEP, step, step),
        plane=Plane.AXIAL,
        body_part="THIGH",
    )
    note = f"A soft-tissue tumour, {_hardness(order.hard)}." if order.label == "tumour" else "A thigh without tumour."
    return Phantom(series, order.label, truth, note)


_MAKERS: dict[str, Maker] = {
    "brain-mr": _brain,
    "chest-ct": _chest,
    "breast-mri": _breast,
    "pet": _pet,
    "mr-pet": _thigh,
}


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
        system: ``brain-mr``, ``chest-ct``, ``breast-mri``, ``pet`` or ``mr-pet``.
        seed: the same seed and arguments give identical arrays.
        finding: one of ``LABELS[system]``; ``None`` lets the seed choose.
        hard: a small, faint or hidden lesion (no effect where there is none).
        slices: number of slices (``brain-mr``, ``chest-ct``, ``mr-pet``; the others draw one image).
        modality: ``"PT"`` (SUV) or ``"MR"`` for ``mr-pet``.
        picture: 8-bit grey picture or physical unit. By default ``chest-ct`` comes in HU and ``pet`` as a picture
            (white for no uptake); ``True`` gives the chest through the lung window, ``False`` the PET in SUV.

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
    return _MAKERS[system](rng, _Order(label, hard, slices, modality, picture))
