"""Lesions inserted into a given image, real or simulated: the same canvas with and without, so only the pattern tells.

Pixels outside the returned mask are the given ones, bit for bit. The inserted part carries the image's own grain.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.errors import ContractError
from core.imaging.study import Unit
from core.simulate.fields import Array, Noise, smooth, texture
from core.simulate.landmarks import Landmarks, find_landmarks

KINDS = (
    "breast cancer",
    "prostate cancer",
    "physiological",
    "brain tumour",
    "lung malignant",
    "lung benign",
    "breast malignant",
)


def insert_lesion(pixels: Array, rng: np.random.Generator, *, kind: str, unit: Unit) -> tuple[Array, Array]:
    """Insert a lesion, or a pattern of lesions, into one image.

    Args:
        pixels: ``(h, w)``; any real dtype. A PET projection is a coronal MIP in SUV, or an 8-bit picture with white
            for no uptake; a brain is an axial slice; a chest is an axial slice in HU or a lung-window picture; a
            breast is a crop around a lesion ("breast malignant": a second, spiculated one with a bright rim).
        rng: source of randomness.
        kind: one of ``KINDS``. ``"physiological"`` puts foci where bowel, ureters and thyroid take up FDG: a decoy
            that carries every trace of insertion without being cancer.
        unit: unit of ``pixels``.

    Returns:
        The image with the lesion, of the same shape and dtype, and the bool mask of all pixels that changed or belong
        to the lesion.

    Raises:
        ContractError: the anatomy that the lesion needs is not found in the image.
        ValueError: unknown kind, or ``pixels`` is not two-dimensional.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    if pixels.ndim != 2:
        raise ValueError(f"pixels must be (height, width), got shape {pixels.shape}")
    values = pixels.astype(np.float32)
    if kind in ("breast cancer", "prostate cancer", "physiological"):
        changed, mask = _insert_pet(values, rng, kind, unit)
    elif kind == "brain tumour":
        changed, mask = _insert_brain(values, rng)
    elif kind == "breast malignant":
        changed, mask = _insert_breast(values, rng)
    else:
        changed, mask = _insert_lung(values, rng, kind == "lung malignant", unit)
    if np.issubdtype(pixels.dtype, np.integer):
        info = np.iinfo(pixels.dtype)
        changed = np.clip(np.rint(changed), info.min, info.max)
    out = pixels.copy()
    out[mask] = changed[mask].astype(pixels.dtype)
    return out, mask


def _grain(values: Array, rng: np.random.Generator, where: Array) -> tuple[Array, float]:
    """Noise of the image's own correlation and its spread, taken from the pixels ``where``."""
    rough = values - cv2.GaussianBlur(values, (0, 0), 1.5)
    sample = rough[where]
    spread = float(np.median(np.abs(sample)) * 1.4826) if sample.size else 0.0
    neighbour = float(np.mean(rough[:, 1:] * rough[:, :-1]) / max(float(np.mean(rough * rough)), 1e-9))
    return texture(rng, (values.shape[0], values.shape[1]), 0.35 + max(neighbour, 0.0)), spread


# Places by body landmarks: along = 0 at the skull's base, 1 at the bladder; aside = fraction of the trunk's half width.
def _pet_foci(rng: np.random.Generator, kind: str, body: Landmarks) -> list[tuple[float, float, float, float]]:
    """Foci of a pattern as (row, column, radius in mm, strength relative to the first)."""
    u = rng.uniform
    out: list[tuple[float, float, float, float]] = []

    def put(along: float, aside: float, radius: float, strength: float) -> None:
        row = body.row(along)
        out.append((row, body.column(row, aside), radius, strength))

    late = rng.random() < 0.4
    if kind == "breast cancer":
        s = float(rng.choice([-1.0, 1.0]))
        put(u(0.37, 0.46), s * u(0.45, 0.74), u(8, 18), 1.0)
        for _ in range(int(rng.integers(1, 6))):
            put(u(0.26, 0.35), s * u(0.72, 0.92), u(5, 10), u(0.5, 1.0))
        for _ in range(int(rng.integers(2, 7)) if late else 0):
            put(u(0.22, 0.88), u(-0.06, 0.06), u(7, 12), u(0.5, 1.0))
        for _ in range(int(rng.integers(0, 4)) if late else 0):
            put(u(0.53, 0.63), u(-0.65, -0.2), u(7, 14), u(0.6, 1.1))
    elif kind == "prostate cancer":
        out.append(
            (body.bladder_bottom + u(6, 14) / body.step, body.bladder_column + u(-8, 8) / body.step, u(9, 17), 1.0)
        )
        for _ in range(int(rng.integers(1, 7))):
            put(u(0.9, 1.0), float(rng.choice([-1.0, 1.0])) * u(0.2, 0.45), u(5, 9), u(0.5, 1.0))
        for _ in range(int(rng.integers(3, 9)) if late else 0):
            put(u(0.45, 0.88), u(-0.06, 0.06), u(7, 12), u(0.5, 1.0))
        for _ in range(int(rng.integers(2, 5)) if late else 0):
            put(u(0.87, 1.02), float(rng.choice([-1.0, 1.0])) * u(0.33, 0.6), u(7, 13), u(0.5, 1.0))
    else:
        for _ in range(int(rng.integers(2, 9))):
            put(u(0.72, 0.9), u(-0.6, 0.6), u(5, 14), u(0.4, 1.0))
        if rng.random() < 0.3:
            put(u(0.08, 0.13), u(-0.1, 0.1), u(7, 12), u(0.5, 1.0))
    return out


def _insert_pet(values: Array, rng: np.random.Generator, kind: str, unit: Unit) -> tuple[Array, Array]:
    picture = unit is not Unit.SUV
    uptake = 255.0 - values if picture else values
    top = 255.0 if picture else 5.5
    body = find_landmarks(uptake / top)
    y, x = np.mgrid[0 : values.shape[0], 0 : values.shape[1]].astype(np.float32)
    rough = Noise(rng, 9.0 / body.step, 1, tiles=96).at(x, y)
    grain, spread = _grain(uptake, rng, body.trunk)
    level = max(float(np.median(uptake[body.trunk])), 1e-3)
    peak = top * float(rng.uniform(0.6, 2.2))
    layer = np.zeros_like(uptake)
    for row, column, radius, strength in _pet_foci(rng, kind, body):
        r = radius / body.step
        long, tilt = float(rng.uniform(0.8, 1.3)), float(rng.uniform(0, np.pi))
        c, s = np.cos(tilt), np.sin(tilt)
        dx, dy = (c * (x - column) + s * (y - row)) / long, (c * (y - row) - s * (x - column)) * long
        inside = r * (1.0 + 0.12 * rough) - np.hypot(dx, dy)
        np.maximum(layer, peak * strength * smooth(inside, max(4.5 / body.step, 1.0)), out=layer)
    layer = cv2.GaussianBlur(layer, (0, 0), max(3.0 / body.step, 0.6))
    # Counting noise grows with the root of the uptake.
    layer = np.maximum(layer + spread * np.sqrt(layer / level) * grain * (layer > 0.02 * top), 0.0)
    mask = (layer > np.maximum(0.12 * peak, uptake)) & body.silhouette
    if not mask.any():
        # Every focus fell on hotter normal uptake: strengthen it where it is.
        mask = (layer > 0.4 * float(layer.max())) & body.silhouette
    merged = np.minimum(np.maximum(uptake, layer), top) if picture else np.maximum(uptake, layer)
    return (255.0 - merged if picture else merged), mask


def irregular(
    rng: np.random.Generator, shape: tuple[int, int], centre: tuple[float, float], radius: float, rough: float
) -> Array:
    """Signed depth in pixels inside an irregular blob."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    slow, quick = Noise(rng, max(radius * 0.6, 2.0), 1, tiles=48), Noise(rng, max(radius * 0.22, 1.2), 1, tiles=96)
    long, tilt = float(rng.uniform(0.8, 1.25)), float(rng.uniform(0, np.pi))
    c, s = np.cos(tilt), np.sin(tilt)
    dx, dy = x - centre[1], y - centre[0]
    r = np.hypot((c * dx + s * dy) / long, (c * dy - s * dx) * long)
    return (radius * (1.0 + rough * (slow.at(x, y) + 0.5 * quick.at(x, y))) - r).astype(np.float32)


def _insert_brain(values: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    blurred = cv2.GaussianBlur(values, (0, 0), 2.0)
    threshold = 0.25 * float(np.percentile(blurred, 98))
    head = largest(blurred > threshold)
    depth = cv2.distanceTransform(head.astype(np.uint8), cv2.DIST_L2, 5)
    reach = float(depth.max())
    if reach < 12:
        raise ContractError("No head was found in the image.", "Use an axial brain slice that shows the brain.")
    places = np.argwhere((depth > 0.4 * reach) & (depth < 0.85 * reach))
    centre = places[int(rng.integers(len(places)))]
    radius = reach * float(rng.uniform(0.14, 0.34))
    inside = irregular(rng, values.shape, (float(centre[0]), float(centre[1])), radius, 0.22)
    brain = (depth > 0.3 * reach) & head
    grain, spread = _grain(values, rng, brain)
    level = float(np.median(values[brain]))
    target = level * (1.0 + float(rng.uniform(0.25, 0.7))) + spread * grain
    mask = (inside > 0) & (depth > 0.22 * reach)
    cover = smooth(inside - 0.1 * radius, 0.1 * radius + 0.5)
    # Own structure shows through: sulci and vessels are not painted over.
    seen = cover * np.clip(0.35 + 0.6 * values / max(level, 1e-3), 0.3, 0.92)
    return values + seen * (target - values), mask


def _insert_lung(values: Array, rng: np.random.Generator, malignant: bool, unit: Unit) -> tuple[Array, Array]:
    if unit is Unit.HU:
        dark = values < -500.0
    else:
        split = cv2.threshold(np.clip(values, 0, 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)[0]
        dark = values < split
    body = _fill(largest(cv2.morphologyEx((~dark).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0))
    lung = (cv2.morphologyEx((dark & body).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0) & body
    depth = cv2.distanceTransform(lung.astype(np.uint8), cv2.DIST_L2, 5)
    size = float(np.sqrt(body.sum()))
    if float(depth.max()) < 0.04 * size:
        raise ContractError("No lung was found in the image.", "Use an axial chest slice that shows the lungs.")
    radius = size * float(rng.uniform(0.03, 0.075) if malignant else rng.uniform(0.014, 0.028))
    places = np.argwhere(depth > min(0.8 * radius, 0.8 * float(depth.max())))
    centre = places[int(rng.integers(len(places)))]
    place = (float(centre[0]), float(centre[1]))
    inside = irregular(rng, values.shape, place, radius, 0.16 if malignant else 0.04)
    tissue = body & ~dark
    grain, spread = _grain(values, rng, tissue)
    value = float(np.median(values[tissue]))
    if not malignant:
        value += (300.0 if unit is Unit.HU else 30.0) * float(rng.uniform(0.2, 1.0))
    cover = smooth(inside, 0.8)
    if malignant:
        y, x = np.mgrid[0 : values.shape[0], 0 : values.shape[1]].astype(np.float32)
        theta, r = np.arctan2(y - place[0], x - place[1]), np.hypot(y - place[0], x - place[1])
        for at in rng.uniform(-np.pi, np.pi, 16):
            turn = np.abs((theta - at + np.pi) % (2 * np.pi) - np.pi)
            far = radius * float(rng.uniform(1.1, 1.8))
            cover = np.maximum(cover, 0.6 * smooth(0.06 * radius + 0.5 - turn * r, 0.5) * smooth(far - r, 1.5))
    mask = (cover > 0.05) & lung
    return values + cover * (value + spread * grain - values), mask


def _insert_breast(values: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    side = float(min(values.shape))
    if side < 10 or float(np.ptp(values)) <= 0:
        raise ContractError(
            "No breast was found in the image.", "Use a crop around a lesion, 10 pixels a side at least."
        )
    radius = side * float(rng.uniform(0.16, 0.26))
    # off the middle, where the crop's own lesion is, and whole inside the crop
    turn, out = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.35, 0.8))
    free = [size / 2.0 - 1.25 * radius for size in values.shape]
    place = tuple(
        (size - 1) / 2.0 + out * room * part
        for size, room, part in zip(values.shape, free, (np.sin(turn), np.cos(turn)), strict=True)
    )
    inside = irregular(rng, values.shape, (float(place[0]), float(place[1])), radius, 0.18)
    grain, spread = _grain(values, rng, np.ones(values.shape, bool))
    low, high = (float(v) for v in np.percentile(values, (5.0, 98.0)))
    bright = low + (high - low) * float(rng.uniform(0.95, 1.2))
    rim = bright * (1.0 - float(rng.uniform(0.15, 0.4)) * smooth(inside - 0.5 * radius, 0.3 * radius))
    y, x = np.mgrid[0 : values.shape[0], 0 : values.shape[1]].astype(np.float32)
    theta, r = np.arctan2(y - place[0], x - place[1]), np.hypot(y - place[0], x - place[1])
    cover = smooth(inside, 0.8)
    for at in rng.uniform(-np.pi, np.pi, 10):
        away = np.abs((theta - at + np.pi) % (2 * np.pi) - np.pi)
        far = radius * float(rng.uniform(1.1, 1.5))
        cover = np.maximum(cover, 0.6 * smooth(0.05 * radius + 0.4 - away * r, 0.5) * smooth(far - r, 1.0))
    mask = cover > 0.05
    return values + cover * (rim + spread * grain - values), mask


def largest(mask: Array) -> Array:
    """The largest connected part of a mask."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return np.zeros(mask.shape, bool)
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))


def _fill(mask: Array) -> Array:
    """A mask without its holes."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    out = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(out, contours, -1, 1, cv2.FILLED)
    return out > 0
