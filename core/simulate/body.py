"""A whole body's FDG uptake as a list of soft ellipsoids and strokes: one anatomy for projections and volumes.

Millimetres: ``x`` to the image's right (patient's left), ``y`` to the back, ``z`` down from the top of the head.
SUV (body weight). Typical uptake after Zincirkeser et al. 2007 and Wang et al. 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Blob:
    """An ellipsoid of uptake: centre and radii in mm, SUV, tilt in the coronal plane (radians), patchiness 0..1."""

    x: float
    y: float
    z: float
    rx: float
    ry: float
    rz: float
    suv: float
    tilt: float = 0.0
    patchy: float = 0.0
    name: str = ""


@dataclass(frozen=True)
class Anatomy:
    """Blobs of normal uptake, the outline's polyline (z, half width) of the trunk, the arms, and the lesions."""

    organs: tuple[Blob, ...]
    outline: np.ndarray
    arms: tuple[tuple[tuple[float, float], ...], ...]
    lesions: tuple[Blob, ...]
    female: bool
    muscle: float


def draw_body(rng: np.random.Generator, female: bool, pattern: str, hard: bool) -> Anatomy:
    """Choose one body. ``pattern`` is ``"no cancer"``, ``"breast cancer"`` or ``"prostate cancer"``."""
    w = float(rng.uniform(0.9, 1.18))
    hip = float(rng.uniform(1.0, 1.12)) if female else float(rng.uniform(0.93, 1.02))
    u = rng.uniform
    outline = np.array(
        [
            [0, 30], [12, 62], [60, 80], [130, 78], [185, 66], [225, 58], [262, 78], [292, 148 * w], [330, 166 * w],
            [420, 163 * w], [520, 156 * w], [620, 152 * w * (0.93 if female else 1.0)], [740, 168 * w * hip],
            [860, 182 * w * hip], [930, 178 * w * hip], [1060, 168 * w], [1250, 150 * w], [1500, 128 * w],
            [1760, 105 * w],
        ],
        float,
    )  # fmt: skip
    bend = float(u(0.0, 1.0))
    arms = tuple(
        (
            (s * 140 * w, 318.0),
            (s * (172 + 30 * bend) * w, 120.0 + 70 * bend + u(-20, 20)),
            (s * (120 - 50 * bend) * w, -90.0 + 60 * bend),
        )
        for s in (-1.0, 1.0)
    )
    organs: list[Blob] = []
    add = organs.append
    add(Blob(0, 0, 72, 66, 82, 62, float(u(7, 13)), patchy=0.25, name="brain"))
    add(Blob(0, 10, 142, 20, 25, 14, float(u(2.0, 4.5)), patchy=0.6))
    for s in (-1.0, 1.0):
        add(Blob(s * 42, 0, 160, 11, 14, 22, float(u(1.5, 2.6)), tilt=-0.2 * s))
        add(Blob(s * 16, 0, 172, 7, 9, 12, float(u(2.0, 4.5))))
    add(Blob(0, -8, 215, 13, 10, 26, float(u(1.4, 2.2))))
    add(Blob(2, -10, 385, 40, 40, 74, float(u(1.7, 2.2)), patchy=0.12, name="mediastinum"))
    heart = float(rng.choice([u(1.8, 2.6), u(4, 14)], p=[0.4, 0.6]))
    add(Blob(42 * w, -30, 462, 36, 34, 30, heart, tilt=0.5, patchy=0.2, name="heart"))
    liver = float(u(2.1, 3.1))
    add(Blob(-62 * w, 0, 545, 72, 72, 60, liver, tilt=-0.25, patchy=0.12, name="liver"))
    add(Blob(-92 * w, 0, 590, 42, 55, 62, liver, patchy=0.12))
    add(Blob(0, -10, 522, 66, 40, 34, liver * 0.98, tilt=-0.15, patchy=0.12))
    add(Blob(100 * w, 40, 548, 24, 40, 46, liver * 0.82, patchy=0.12, name="spleen"))
    add(Blob(62 * w, -10, 545, 34, 40, 44, float(u(1.5, 3.0)), tilt=0.5, patchy=0.5))
    for s in (-1.0, 1.0):
        z = 642 - 14 * s
        add(Blob(s * 68 * w, 40, z, 25, 24, 50, float(u(2.4, 3.6)), tilt=-0.25 * s, patchy=0.2))
        for _ in range(4):
            add(
                Blob(s * (62 * w + u(-9, 9)), 40, z + u(-32, 32), u(5, 10), 9, u(7, 13), float(u(4, 15)), tilt=u(-1, 1))
            )
        for zu in rng.uniform(690, 850, 3):
            add(Blob(s * (36 + u(-6, 6)), 30, zu, 4, 4, u(8, 22), float(u(1.5, 6.0))))
    add(Blob(0, 0, 690, 128 * w, 90, 190, float(u(0.95, 1.35)), patchy=0.14))
    for k in range(17):
        add(Blob(u(-2, 2), 55, 262 + 32.0 * k, 15 + 0.35 * k, 16, 11.5, float(u(1.5, 2.1)), name="spine"))
    for s in (-1.0, 1.0):
        add(Blob(s * 72 * w, 30, 800, 40, 25, 22, float(u(1.3, 1.9)), tilt=0.75 * s, patchy=0.4))
        add(Blob(s * 92 * w, 0, 888, 20, 22, 22, float(u(1.0, 1.5)), patchy=0.4))
    bowel = float(u(1.4, 5.5))
    path = [(-88, 745), (-90, 690), (-78, 640), (-30, 668), (30, 672), (84, 628), (96, 690), (94, 760), (60, 800)]
    for (x0, z0), (x1, z1) in pairwise(path):
        for t in rng.uniform(0, 1, 3):
            x, z = x0 + (x1 - x0) * t + u(-8, 8), z0 + (z1 - z0) * t + u(-8, 8)
            add(Blob(x * w, -30, z, u(9, 15), 14, u(9, 19), float(bowel * u(0.4, 1.0)), tilt=u(-1, 1), patchy=0.5))
    for _ in range(14):
        add(
            Blob(
                u(-60, 60),
                -40,
                u(670, 800),
                u(7, 11),
                9,
                u(10, 26),
                float(u(1.2, 0.8 * bowel + 1.2)),
                tilt=u(-1.5, 1.5),
            )
        )
    bladder = (float(u(26, 46)), float(u(16, 34)))
    base = 905.0
    add(Blob(u(-4, 4), -20, base - bladder[1], bladder[0], 30, bladder[1], float(u(9, 30)), name="bladder"))
    if not female:
        add(Blob(u(-3, 3), -50, 975, 9, 10, 26, float(u(1.5, 6.0)), patchy=0.3))
        for s in (-1.0, 1.0):
            add(Blob(s * 13, -40, 1010, 12, 12, 15, float(u(1.8, 2.8))))
    else:
        for s in (-1.0, 1.0):
            add(Blob(s * 92 * w, -90, 440, 52, 30, 46, float(u(0.9, 1.3)), patchy=0.3, name="breast"))
    for s in (-1.0, 1.0):
        for z in range(940, 1700, 40):
            add(Blob(s * (70 - 0.012 * (z - 940)) * w + u(-4, 4), 0, z, 4, 4, 24, float(u(1.0, 1.5))))
    lesions = _lesions(rng, pattern, hard, w, base)
    return Anatomy(tuple(organs), outline, arms, tuple(lesions), female, float(u(0.78, 1.2)))


def _lesions(rng: np.random.Generator, pattern: str, hard: bool, w: float, base: float) -> list[Blob]:
    """Where the two cancers go: the organ, its nodes, then bone and (breast) liver."""
    u = rng.uniform
    out: list[Blob] = []

    def put(x: float, y: float, z: float, radius: float, suv: float) -> None:
        r = radius * float(u(0.85, 1.2))
        out.append(
            Blob(x, y, z, r, r, radius * float(u(0.85, 1.3)), suv, tilt=float(u(-1, 1)), patchy=0.15, name="lesion")
        )

    late = bool(not hard and rng.random() < 0.45)
    hot = float(u(3.2, 4.5) if hard else u(6.5, 15))
    if pattern == "breast cancer":
        s = float(rng.choice([-1.0, 1.0]))
        put(s * u(72, 122) * w, -90, u(405, 470), u(7, 9) if hard else u(10, 19), hot)
        for _ in range(1 if hard else int(rng.integers(2, 6))):
            put(s * u(122, 150) * w, -20, u(325, 392), u(5, 6.5) if hard else u(6, 11), hot * float(u(0.6, 1.0)))
        if late:
            for _ in range(int(rng.integers(2, 7))):
                put(u(-12, 12), 55, u(300, 780), u(8, 13), hot * float(u(0.6, 1.1)))
            for _ in range(int(rng.integers(0, 4))):
                put(u(-115, -30) * w, 0, u(520, 610), u(8, 15), hot * float(u(0.7, 1.1)))
    elif pattern == "prostate cancer":
        put(u(-9, 9), 0, base + u(8, 17), u(8, 10) if hard else u(11, 18), hot)
        for _ in range(1 if hard else int(rng.integers(2, 7))):
            s = float(rng.choice([-1.0, 1.0]))
            put(s * u(34, 76) * w, 0, u(800, 885), u(5, 6.5) if hard else u(6, 10), hot * float(u(0.55, 1.0)))
        if late:
            for _ in range(int(rng.integers(3, 9))):
                put(u(-12, 12), 55, u(480, 790), u(8, 13), hot * float(u(0.6, 1.1)))
            for _ in range(int(rng.integers(2, 5))):
                s = float(rng.choice([-1.0, 1.0]))
                put(s * u(60, 108) * w, 20, u(775, 900), u(8, 14), hot * float(u(0.6, 1.1)))
    return out
