"""Simulated whole-body FDG-PET: the coronal maximum-intensity projection, and a small volume in SUV."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from core.simulate.body import Anatomy, Blob, draw_body
from core.simulate.fields import Array, Noise, smooth, texture

STEP = 1.88  # mm per projection pixel
WIDTH = 400
SUV_AT_BLACK = 5.5  # the projection pictures run from white (0) to black at about this SUV
EDGE = 0.41  # lesion masks: 41 % of the maximum, the usual PET contour (Boellaard et al. 2015)


def to_picture(suv: Array, top: float = SUV_AT_BLACK) -> Array:
    """8-bit projection picture, white for no uptake, from SUV."""
    return np.clip(np.rint(255.0 * (1.0 - suv / top)), 0, 255).astype(np.float32)


def _stamp(canvas: Array, x: Array, z: Array, blob: Blob, soft: float, patch: Array | None = None) -> None:
    """Write ``max(canvas, blob)`` into the part of the projection that the blob covers."""
    # The margin also covers the gentle warp of the coordinates.
    reach = max(blob.rx, blob.rz) + 4 * soft + 22.0
    step = float(z[1, 0] - z[0, 0])
    c0 = max(int((blob.x - reach - x[0].mean()) / step + canvas.shape[1] / 2), 0)
    c1 = min(int((blob.x + reach - x[0].mean()) / step + canvas.shape[1] / 2) + 2, canvas.shape[1])
    r0 = max(int((blob.z - reach - z[0, 0]) / step), 0)
    r1 = min(int((blob.z + reach - z[0, 0]) / step) + 2, canvas.shape[0])
    if c0 >= c1 or r0 >= r1:
        return
    dx, dz = x[r0:r1, c0:c1] - blob.x, z[r0:r1, c0:c1] - blob.z
    c, s = np.cos(blob.tilt), np.sin(blob.tilt)
    u, v = (c * dx + s * dz) / blob.rx, (c * dz - s * dx) / blob.rz
    inside = (1.0 - np.sqrt(u * u + v * v)) * min(blob.rx, blob.rz)
    value = blob.suv * smooth(inside, soft)
    if patch is not None and blob.patchy:
        value = value * np.clip(1.0 + blob.patchy * patch[r0:r1, c0:c1], 0.3, 2.0)
    np.maximum(canvas[r0:r1, c0:c1], value, out=canvas[r0:r1, c0:c1])


def _outline(body: Anatomy, x: Array, z: Array) -> Array:
    """Signed depth (mm) inside the silhouette: trunk, head, legs and raised arms."""
    half = np.interp(z[:, 0], body.outline[:, 0], body.outline[:, 1])[:, None]
    inside = half - np.abs(x)
    inside = np.where(z < 0, -30.0, inside)
    gap = np.interp(z[:, 0], [905, 1000, 1300, 1760], [-20, 8, 24, 40])[:, None]
    inside = np.minimum(inside, np.abs(x) - gap)
    for arm in body.arms:
        for (x0, z0), (x1, z1) in pairwise(arm):
            length = (x1 - x0) ** 2 + (z1 - z0) ** 2
            t = np.clip(((x - x0) * (x1 - x0) + (z - z0) * (z1 - z0)) / length, 0, 1)
            near = np.hypot(x - x0 - t * (x1 - x0), z - z0 - t * (z1 - z0))
            inside = np.maximum(inside, 40.0 - 9.0 * t - near)
    return inside.astype(np.float32)


def projection(
    rng: np.random.Generator, label: str, hard: bool = False, height: int | None = None
) -> tuple[Array, Array, Array]:
    """Draw a coronal maximum-intensity projection.

    Args:
        rng: source of randomness.
        label: ``"no cancer"``, ``"breast cancer"`` or ``"prostate cancer"``.
        hard: few, small and faint foci.
        height: rows; by default drawn as real ones are: 360 to 520, seldom 860 to 930.

    Returns:
        SUV ``(h, 400)`` float32, the bool lesion mask and the noise-free lesion layer in SUV.
    """
    female = {"breast cancer": True, "prostate cancer": False}.get(label, bool(rng.random() < 0.5))
    body = draw_body(rng, female, label, hard)
    rows = height or int(rng.integers(360, 520) if rng.random() < 0.85 else rng.integers(860, 930))
    top = float(rng.uniform(20, 110)) if rows < 600 else 10.0
    if rows < 440:
        top = float(rng.uniform(85, 125))
    # Short scans must still hold the pelvis.
    scale = max(1.0, (1010.0 - top) / (rows * STEP)) if rows < 600 else 1.0
    step = STEP * scale
    x, z = np.meshgrid(
        (np.arange(WIDTH, dtype=np.float32) - WIDTH / 2 + float(rng.uniform(-8, 8))) * step,
        np.arange(rows, dtype=np.float32) * step + top,
    )
    slow, patch, ribs = Noise(rng, 60.0, 1, tiles=40), Noise(rng, 9.0, 1, tiles=96), Noise(rng, 26.0, 1, tiles=64)
    x = x + 4.0 * slow.at(x, z)
    depth = _outline(body, x, z)
    grain = patch.at(x, z)
    thick = np.sqrt(np.clip(depth, 0, 90) / 90.0)
    soft = body.muscle * (0.36 + 0.84 * thick) * (1.0 + 0.09 * ribs.at(x, z) + 0.07 * grain)
    suv = np.where(depth > 0, soft, 0.0) * smooth(depth, 4.0) + 0.02 * smooth(depth + 25.0, 25.0)
    lungs = np.zeros_like(suv)
    for s in (-1.0, 1.0):
        _stamp(lungs, x, z, Blob(s * 78, 0, 395, 50, 60, 110, 1.0, tilt=0.1 * s), 14.0)
    suv = suv * (1.0 - 0.16 * lungs)
    for k in range(9):
        arc = np.abs(z - (315.0 + 27.0 * k + 0.0035 * (np.abs(x) - 60.0) ** 2 + 2.0 * ribs.at(x, z)))
        suv += 0.14 * smooth(5.0 - arc, 4.0) * smooth(128.0 - np.abs(x), 10.0) * (depth > 15)
    organs: Array = np.zeros_like(suv)
    foci: Array = np.zeros_like(suv)
    for blob in body.organs:
        _stamp(organs, x, z, blob, 4.0, grain)
    for blob in body.lesions:
        _stamp(foci, x, z, blob, 4.5)
    blur = 3.3 / step
    organs, foci = cv2.GaussianBlur(organs, (0, 0), blur), cv2.GaussianBlur(foci, (0, 0), blur)
    mask = np.zeros(suv.shape, bool)
    for blob in body.lesions:
        one = np.zeros_like(suv)
        _stamp(one, x, z, blob, 4.5)
        mask |= one > EDGE * blob.suv
    clean = np.maximum(np.maximum(suv, organs + 0.25 * suv), foci + 0.1 * suv).astype(np.float32)
    shape = (rows, WIDTH)
    # The largest of many noisy voxels along the ray: skewed upwards, and rougher where the counts are high.
    noise = np.maximum(texture(rng, shape, 0.75), texture(rng, shape, 0.75)) - 0.56
    level = float(rng.uniform(0.13, 0.21))
    noisy = np.maximum(clean + level * np.sqrt(np.maximum(clean, 0.0)) * noise * smooth(depth, 5.0), 0.0)
    return noisy.astype(np.float32), mask, foci.astype(np.float32)


def volume(rng: np.random.Generator, label: str, hard: bool = False, step: float = 8.0) -> tuple[Array, Array]:
    """Draw a whole-body volume in SUV from the same anatomy.

    Args:
        rng: source of randomness.
        label: as for ``projection``.
        hard: as for ``projection``.
        step: edge of the cubic voxels, mm.

    Returns:
        SUV float32 ``(slices, h, w)``, axial, first slice at the head, and the bool lesion mask.
    """
    female = {"breast cancer": True, "prostate cancer": False}.get(label, bool(rng.random() < 0.5))
    body = draw_body(rng, female, label, hard)
    zs = np.arange(20.0, 1030.0, step, dtype=np.float32)
    ys = np.arange(-128.0, 136.0, step, dtype=np.float32)
    xs = np.arange(-256.0, 264.0, step, dtype=np.float32)
    flat_x, flat_z = np.meshgrid(xs, zs)
    depth = _outline(body, flat_x, flat_z)
    half = np.clip(depth, 0, None)
    front = np.minimum(110.0, 34.0 + 0.9 * half)
    inside = (1.0 - np.abs(ys[None, :, None]) / front[:, None, :]) * front[:, None, :]
    inside = np.minimum(inside, depth[:, None, :])
    suv = body.muscle * smooth(inside, step / 2)
    mask = np.zeros(suv.shape, bool)
    for blob in (*body.organs, *body.lesions):
        reach = np.array([max(blob.rx, blob.rz), blob.ry, max(blob.rx, blob.rz)]) + 2 * step
        i = [
            slice(*np.searchsorted(axis, [centre - r, centre + r]))
            for axis, centre, r in zip((zs, ys, xs), (blob.z, blob.y, blob.x), reach, strict=True)
        ]
        dz, dy, dx = np.meshgrid(zs[i[0]] - blob.z, ys[i[1]] - blob.y, xs[i[2]] - blob.x, indexing="ij")
        c, s = np.cos(blob.tilt), np.sin(blob.tilt)
        u, v = (c * dx + s * dz) / blob.rx, (c * dz - s * dx) / blob.rz
        cover = smooth((1.0 - np.sqrt(u * u + v * v + (dy / blob.ry) ** 2)) * min(blob.rx, blob.ry, blob.rz), step / 2)
        part = (i[0], i[1], i[2])
        suv[part] = np.maximum(suv[part], blob.suv * cover)
        if blob.name == "lesion":
            mask[part] |= cover > EDGE
    sigma = 3.0 / step
    for axis_first in (0, 1):
        moved = np.ascontiguousarray(np.moveaxis(suv, axis_first, 0))
        for plane in moved:
            plane[:] = cv2.GaussianBlur(plane, (0, 0), max(sigma, 0.3))
        suv = np.moveaxis(moved, 0, axis_first)
    noise = np.stack([texture(rng, (len(ys), len(xs)), 0.6) for _ in zs])
    noisy = np.maximum(suv + 0.12 * np.sqrt(np.maximum(suv, 0.0)) * noise, 0.0)
    return noisy.astype(np.float32), mask
