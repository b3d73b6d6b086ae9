"""More images that no system reads, drawn: shapes, clouds, stars, photographed pages, cut-outs of photographs.

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
