"""Series made by rule, for the viewer's tests: what every pixel must be is known without reading a file."""

from __future__ import annotations

import functools

import numpy as np

from core.imaging.geometry import lps_affine
from core.imaging.study import Modality, Series, Unit, Window


def ct(slices: int = 120, side: int = 512) -> Series:
    """Whole Hounsfield values: a disc of tissue in air, and a slice's own number in a square."""
    y, x = np.mgrid[:side, :side]
    disc = np.hypot(x - side / 2, y - side / 2) < side * 0.4
    plane = np.where(disc, 40 + (x + 2 * y) % 61 - 30, -1000).astype(np.float32)
    pixels = np.repeat(plane[None], slices, axis=0)
    for index in range(slices):
        pixels[index, side // 2 - 16 : side // 2 + 16, side // 2 - 16 : side // 2 + 16] = index - 50
    affine = lps_affine(
        np.array([1.0, 0, 0, 0, 1, 0]), (0.7, 0.7), np.array([-180.0, -170.0, 10.0]), np.array([0, 0, 2.5])
    )
    return Series(
        key="ct",
        description="CT axial, 120 slices",
        pixels=pixels,
        unit=Unit.HU,
        modality=Modality.CT,
        spacing=(2.5, 0.7, 0.7),
        affine=affine,
        frame="abc",
        window=Window(40.0, 350.0, "stored"),
    )


def oblique() -> Series:
    """Turned about two axes; floating values that no integer holds."""
    turn = np.deg2rad(35.0)
    row = np.array([np.cos(turn), np.sin(turn), 0.0])
    column = np.array([-np.sin(turn) * 0.6, np.cos(turn) * 0.6, -0.8])
    return _series("oblique", np.concatenate([row, column]), (1.5, 1.5), 4.0, shear=0.0)


def tilted() -> Series:
    """A gantry tilt: slices follow each other along the body's axis, not along their normal."""
    tilt = np.deg2rad(20.0)
    return _series("tilted", np.array([1.0, 0, 0, 0, np.cos(tilt), -np.sin(tilt)]), (0.8, 0.8), 5.0, shear=1.0)


def anisotropic() -> Series:
    """Pixels twice as high as wide, in a sagittal plane."""
    return _series("anisotropic", np.array([0.0, 1, 0, 0, 0, -1]), (2.0, 1.0), 3.0, shear=0.0)


def _series(key: str, orientation: np.ndarray, spacing: tuple[float, float], between: float, shear: float) -> Series:
    rng = np.random.default_rng(len(key))
    pixels = (rng.normal(300.0, 90.0, (9, 96, 112)) + np.linspace(0, 200, 112)).astype(np.float32)
    normal = np.cross(orientation[:3], orientation[3:])
    step = np.array([0.0, 0.0, between]) if shear else normal * between
    affine = lps_affine(orientation, spacing, np.array([-30.0, 12.0, 44.0]), step)
    return Series(
        key=key,
        description=f"MR {key}",
        pixels=pixels,
        unit=Unit.ARBITRARY,
        modality=Modality.MR,
        spacing=(between, *spacing),
        affine=affine,
        frame=f"frame-{key}",
    )


def pet(between: float = 10.0) -> Series:
    """Uptake in the frame of reference of :func:`ct`, coarser, with one hot ball; slices so many mm apart."""
    z, y, x = np.mgrid[:30, :64, :64].astype(np.float64)
    away = ((x - 30) * 5.6) ** 2 + ((y - 34) * 5.6) ** 2 + ((z - 14) * between) ** 2
    affine = lps_affine(
        np.array([1.0, 0, 0, 0, 1, 0]), (5.6, 5.6), np.array([-178.0, -168.0, 12.0]), np.array([0, 0, between])
    )
    return Series(
        key="pet",
        description="PET, SUV",
        pixels=(0.6 + 0.01 * x + 9.0 * np.exp(-away / (2 * 11.0**2))).astype(np.float32),
        unit=Unit.SUV,
        modality=Modality.PT,
        spacing=(between, 5.6, 5.6),
        affine=affine,
        frame="abc",
    )


def mr() -> Series:
    """Axial MR slices in the frame of reference of :func:`pet`, closer together, from z = 20 mm on, 4 mm apart."""
    pixels = np.add.outer(np.arange(60.0) * 10, np.add.outer(np.arange(96.0), np.zeros(96))).astype(np.float32)
    orientation = np.array([1.0, 0, 0, 0, 1, 0])
    affine = lps_affine(orientation, (3.0, 3.0), np.array([-140.0, -130.0, 20.0]), np.array([0, 0, 4.0]))
    return Series(
        key="mr",
        description="MR axial, 60 slices",
        pixels=pixels,
        unit=Unit.ARBITRARY,
        modality=Modality.MR,
        spacing=(4.0, 3.0, 3.0),
        affine=affine,
        frame="abc",
    )


def ring(shape: tuple[int, int, int]) -> np.ndarray:
    """A mask with a hole, the same on every slice: what lies 8 to 20 pixels from column 50, row 40."""
    y, x = np.mgrid[: shape[1], : shape[2]]
    away = np.hypot(x - 50, y - 40)
    return np.broadcast_to((away > 8) & (away < 20), shape).copy()


def photo() -> Series:
    """A bare picture: no side, no scale."""
    y, x = np.mgrid[:80, :120]
    return Series(
        key="photo",
        description="Picture",
        pixels=((x + y) % 256).astype(np.float32)[None],
        unit=Unit.GREY,
        value_range=(0.0, 255.0),
    )


CASES = {
    "ct": ct,
    "oblique": oblique,
    "tilted": tilted,
    "anisotropic": anisotropic,
    "pet": pet,
    "pet-fine": functools.partial(pet, 3.0),
    "mr": mr,
    "photo": photo,
}
