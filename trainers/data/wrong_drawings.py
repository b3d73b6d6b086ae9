"""More images that no system reads, drawn: shapes, clouds, stars, lit bodies, photographed pages, cut photographs.

They only train: what they teach is measured on families that no training sees (see ``trainers.data.wrong_images``).
"""

from __future__ import annotations

import cv2
import numpy as np
import skimage.data
from sklearn.datasets import load_sample_images

from trainers.data.wrong_images import SEEN_PHOTOS, Image, document, grey, size_of, stretched


def leaves(rng: np.random.Generator) -> Image:
    """Dead leaves: shapes of all sizes on top of each other, with the edges of photographs."""
    height, width = size_of(rng)
    image = np.full((height, width), rng.uniform(0, 255), np.float32)
    for _ in range(int(rng.integers(60, 400))):
        radius = min(height, width) * 0.5 * rng.power(0.35 if rng.random() < 0.5 else 0.7) + 2
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        other, level = max(2, int(radius * rng.uniform(0.3, 1))), float(rng.uniform(0, 255))
        if rng.random() < 0.6:
            cv2.ellipse(image, (x, y), (int(radius), other), float(rng.uniform(0, 180)), 0, 360, level, -1)
        else:
            cv2.rectangle(image, (x, y), (x + int(radius), y + other), level, -1)
    return _shot(rng, image, (0.01, 0.8, 2, 5))


def clouds(rng: np.random.Generator) -> Image:
    """Noise whose spectrum falls like that of nature, thresholded or behind a round window at times."""
    height, width = size_of(rng)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1
    waves = (rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)) / frequency ** rng.uniform(
        0.6, 2.2
    )
    image = np.fft.irfft2(waves, (height, width))
    image = (image - image.mean()) / image.std()
    if rng.random() < 0.5:
        image = np.clip(image - rng.uniform(-0.5, 1.5), 0, None)
    if rng.random() < 0.4:
        y, x = np.mgrid[:height, :width]
        wide, high = width * rng.uniform(0.25, 0.5), height * rng.uniform(0.25, 0.5)
        image = image * (((x - width / 2) / wide) ** 2 + ((y - height / 2) / high) ** 2 < 1)
    return stretched(image)


def stars(rng: np.random.Generator) -> Image:
    """Bright spots on black: a night sky, not uptake."""
    height, width = size_of(rng)
    image = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(20, 500))):
        where = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        cv2.circle(
            image, where, int(rng.integers(0, max(2, min(height, width) // 40))), float(rng.uniform(30, 255)), -1
        )
    return _shot(rng, image, (0.5, 1, 2, 3))


def paper(rng: np.random.Generator) -> Image:
    """A page as a camera sees it: uneven light, blur, noise; often a part of it."""
    page = document(rng)
    height, width = page.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    light = 1 + 0.5 * (x / width - 0.5) * rng.normal() + 0.5 * (y / height - 0.5) * rng.normal()
    page = (page * light).astype(np.float32)
    if rng.random() < 0.5:
        page = _part(rng, page, rng.uniform(0.3, 1))
    return _shot(rng, page, (0.01, 0.8, 1.5, 2.5))


def snapshot(rng: np.random.Generator) -> Image:
    """A cut-out of a photograph: any size, turned into its negative, brighter, darker or out of focus at times."""
    photos = _photos()
    image: np.ndarray = _part(rng, photos[int(rng.integers(0, len(photos)))], rng.uniform(0.12, 1))
    if rng.random() < 0.5:
        image = image[:, ::-1]
    if rng.random() < 0.3:
        image = 255 - image
    if rng.random() < 0.3:
        image = (np.clip(image, 0, 255) / 255) ** rng.uniform(0.4, 2.5) * 255
    image = np.ascontiguousarray(image, dtype=np.float32)
    blur = rng.uniform(0.5, 0.04 * min(image.shape) + 0.6) if rng.random() < 0.4 else 0.01
    return cv2.GaussianBlur(image, (0, 0), float(blur)).astype(np.float32)


def mirrored(rng: np.random.Generator) -> Image:
    """A cut-out of a photograph beside its mirror image: alike on both sides, as much that is photographed is."""
    image = snapshot(rng)
    half = image[:, : max(16, image.shape[1] // 2)]
    return np.ascontiguousarray(np.hstack([half, half[:, ::-1]]))


def relief(rng: np.random.Generator) -> Image:
    """Rounded bodies on one another before a ramp, lit from one side, often in pairs left and right."""
    height, width = size_of(rng)
    short = min(height, width)
    wide, high = width / short, height / short
    y, x = np.mgrid[:height, :width].astype(np.float32) / short
    image = rng.uniform(0, 1) + rng.normal() * 0.3 * x / wide + rng.normal() * 0.3 * y / high
    light = rng.normal(size=3)
    light[2] = abs(light[2]) + 0.3
    light /= np.linalg.norm(light)
    pairs = rng.random() < 0.6
    for number in range(int(rng.integers(2, 14))):
        large = number < 2
        radius, reach = (rng.uniform(0.25, 0.6), (0.35, 0.65)) if large else (rng.uniform(0.03, 0.25), (0.1, 0.9))
        axes = (radius, radius * rng.uniform(0.4, 1.3))
        centre, turn = (wide * rng.uniform(*reach), high * rng.uniform(*reach)), rng.uniform(0, np.pi)
        level, soft = rng.uniform(0.1, 1), rng.uniform(0.05, 0.5)
        both = pairs and not large
        for cx, angle in [(centre[0], turn), *([(wide - centre[0], np.pi - turn)] if both else [])]:
            across, down = x - cx, y - centre[1]
            u = (across * np.cos(angle) + down * np.sin(angle)) / axes[0]
            v = (down * np.cos(angle) - across * np.sin(angle)) / axes[1]
            outward = np.sqrt(np.clip(1 - u * u - v * v, 0, 1))
            facing = (
                (u * np.cos(angle) - v * np.sin(angle)) * light[0]
                + (u * np.sin(angle) + v * np.cos(angle)) * light[1]
                + outward * light[2]
            )
            body = level * (0.35 + 0.65 * np.clip(facing, 0, None))
            share = np.clip((1 - u * u - v * v) / soft, 0, 1)
            image = image * (1 - share) + body * share
    return _shot(rng, stretched(image), (0.01, 1, 2, 4))


_HELD: list[Image] = []


def _photos() -> list[Image]:
    if not _HELD:
        _HELD.extend(grey(np.asarray(getattr(skimage.data, name)())) for name in SEEN_PHOTOS)
        _HELD.extend(grey(image) for image in load_sample_images().images)
    return _HELD


def _part(rng: np.random.Generator, image: Image, share: float) -> Image:
    height, width = (min(n, max(24, int(n * share))) for n in image.shape)
    top, left = (int(rng.integers(0, n - s + 1)) for n, s in zip(image.shape, (height, width), strict=True))
    return image[top : top + height, left : left + width]


def _shot(rng: np.random.Generator, image: Image, blurs: tuple[float, ...]) -> Image:
    """Out of focus and grainy, as it comes."""
    soft = cv2.GaussianBlur(np.ascontiguousarray(image), (0, 0), float(rng.choice(blurs)))
    return stretched(soft + rng.normal(0, rng.choice([0, 3, 10]), soft.shape))
