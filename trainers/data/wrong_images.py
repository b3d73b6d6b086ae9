"""Images that no system reads: drawn documents, charts, textures, masks, photographs, cut-up scans.

Grey, float32 ``(height, width)`` in [0, 255]. Some families are kept from training, so that the gate is measured on
kinds of wrong images that it never saw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

Image = NDArray[np.float32]
Maker = Callable[[np.random.Generator], Image]
SEEN_PHOTOS = ("astronaut", "camera", "chelsea", "coins", "brick", "grass", "moon", "immunohistochemistry")
UNSEEN_PHOTOS = ("coffee", "rocket", "clock", "hubble_deep_field", "retina", "gravel", "horse", "cell", "logo")
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz  0123456789.,:-/"


def size_of(rng: np.random.Generator) -> tuple[int, int]:
    """Height and width of a picture, in pixels."""
    side = int(rng.integers(96, 420))
    return side, max(48, int(side * rng.uniform(0.5, 1.6)))


def _words(rng: np.random.Generator, longest: int) -> str:
    return "".join(rng.choice(list(_LETTERS), int(rng.integers(3, max(longest, 4)))))


def document(rng: np.random.Generator) -> Image:
    """Lines of writing, dark on light or the other way round, sometimes with boxes and rules."""
    height, width = size_of(rng)
    paper, ink = (rng.uniform(200, 255), rng.uniform(0, 80))
    if rng.random() < 0.4:
        paper, ink = ink, paper
    page = np.full((height, width), paper, np.uint8)
    font, size = int(rng.choice(_FONTS)), float(rng.uniform(0.25, 1.0))
    step, y = max(6, int(34 * size * rng.uniform(0.6, 1.4))), int(rng.integers(8, 30))
    while y < height:
        if rng.random() < 0.85:
            indent = int(rng.integers(2, max(3, width // 4)))
            cv2.putText(page, _words(rng, int(width / (14 * size))), (indent, y), font, size, float(ink), 1)
        y += step
    for _ in range(int(rng.integers(0, 5))):
        a, b = rng.integers(0, (width, height)), rng.integers(0, (width, height))
        cv2.rectangle(page, tuple(a.tolist()), tuple(b.tolist()), float(ink), int(rng.integers(1, 3)))
    return page.astype(np.float32)


def texture(rng: np.random.Generator) -> Image:
    """Filtered noise, stripes, squares, ramps or flat grey."""
    height, width = size_of(rng)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    kind = int(rng.integers(0, 5))
    if kind == 0:
        sigma = float(rng.choice([0.01, 0.7, 1.5, 4, 12]))
        image = cv2.GaussianBlur(rng.normal(size=(height, width)).astype(np.float32), (0, 0), sigma)
    elif kind == 1:
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 60)
        image = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
    elif kind == 2:
        side = int(rng.integers(4, 60))
        image = ((x // side + y // side) % 2).astype(np.float32)
    elif kind == 3:
        image = x * rng.normal() + y * rng.normal()
    else:
        image = np.zeros((height, width), np.float32)
    image = image + rng.normal(0, rng.choice([0.0, 0.05, 0.3]), image.shape)
    return stretched(image)


def shapes(rng: np.random.Generator) -> Image:
    """Filled ellipses, boxes and lines: also what a drawn mask looks like."""
    height, width = size_of(rng)
    flat = rng.random() < 0.5
    image = np.full((height, width), 0 if flat else rng.uniform(0, 255), np.uint8)
    for _ in range(int(rng.integers(1, 3 if flat else 12))):
        grey = 255.0 if flat else float(rng.uniform(0, 255))
        centre = rng.integers(0, (width, height)).tolist()
        axes = (rng.uniform(0.03, 0.35, 2) * min(height, width)).astype(int).clip(2).tolist()
        kind = int(rng.integers(0, 3)) if not flat else 0
        if kind == 0:
            cv2.ellipse(image, tuple(centre), tuple(axes), float(rng.uniform(0, 180)), 0, 360, grey, -1)
        elif kind == 1:
            cv2.rectangle(image, tuple(centre), (centre[0] + axes[0], centre[1] + axes[1]), grey, -1)
        else:
            cv2.line(image, tuple(centre), (axes[0] * 3, axes[1] * 3), grey, int(rng.integers(1, 8)))
    return image.astype(np.float32)


def whole_breasts(rng: np.random.Generator) -> Image:
    """Two domes on a chest wall with bright strands: the outline of an axial breast MR, not a lesion crop."""
    side = int(rng.integers(40, 400))
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    image = np.zeros((side, side), np.float32)
    wall = rng.uniform(0.5, 0.75)
    for centre in (rng.uniform(0.22, 0.32), rng.uniform(0.68, 0.78)):
        dome = ((x - centre) / rng.uniform(0.17, 0.24)) ** 2 + ((y - wall) / rng.uniform(0.3, 0.5)) ** 2 < 1
        strands = cv2.GaussianBlur(rng.normal(size=(side, side)).astype(np.float32), (0, 0), side * 0.02)
        strands = stretched(strands) / 255
        image = np.where(dome & (y < wall + 0.02), 0.25 + 0.6 * strands**2, image).astype(np.float32)
    chest = ((x - 0.5) / 0.5) ** 2 + ((y - wall - 0.35) / 0.37) ** 2 < 1
    image = np.where(chest & (image == 0), rng.uniform(0.05, 0.35), image)
    return stretched(image + rng.normal(0, 0.02, image.shape))


def chart(rng: np.random.Generator) -> Image:
    """Axes with curves or bars and labels: a figure from a paper. Never trained on."""
    height, width = size_of(rng)
    page = np.full((height, width), 255, np.uint8)
    left, bottom = int(width * 0.15), int(height * 0.85)
    cv2.line(page, (left, 5), (left, bottom), 0.0, 1)
    cv2.line(page, (left, bottom), (width - 5, bottom), 0.0, 1)
    xs = np.linspace(left, width - 8, 40)
    for _ in range(int(rng.integers(1, 4))):
        walk = np.cumsum(rng.normal(size=40))
        ys = bottom - (walk - walk.min()) / max(np.ptp(walk), 1e-6) * (bottom - 12)
        points = np.stack([xs, ys], 1).astype(np.int32)
        if rng.random() < 0.6:
            cv2.polylines(page, [points], False, float(rng.uniform(0, 160)), 1)
        else:
            for px, py in points[::4].tolist():
                cv2.rectangle(page, (px, py), (px + max(2, width // 30), bottom), float(rng.uniform(60, 200)), -1)
    for place in range(4):
        where = (left + place * (width - left) // 4, min(height - 2, bottom + 14))
        cv2.putText(page, str(int(rng.integers(0, 99))), where, cv2.FONT_HERSHEY_PLAIN, 0.7, 0.0, 1)
    return page.astype(np.float32)


def code_block(rng: np.random.Generator) -> Image:
    """A square of black and white cells, as a QR code has them. Never trained on."""
    cells, size = int(rng.integers(15, 45)), int(rng.integers(3, 9))
    grid = (rng.random((cells, cells)) < 0.5).astype(np.float32) * 255
    return np.pad(np.kron(grid, np.ones((size, size), np.float32)), size * 3, constant_values=255).astype(np.float32)


def photo(names: Sequence[str]) -> Maker:
    """Maker of random cut-outs of the photographs and micrographs that come with scikit-image."""
    whole = [grey(getattr(skimage.data, name)()) for name in names]

    def make(rng: np.random.Generator) -> Image:
        image = whole[int(rng.integers(0, len(whole)))]
        share = rng.uniform(0.35, 1.0)
        h, w = (max(32, int(n * share)) for n in image.shape)
        top, left = (int(rng.integers(0, n - s + 1)) for n, s in zip(image.shape, (h, w), strict=True))
        cut = image[top : top + h, left : left + w]
        return np.ascontiguousarray(cut[:, ::-1] if rng.random() < 0.5 else cut)

    return make


def face(rng: np.random.Generator) -> Image:
    """A small photograph of a face (LFW, 25 x 25), as small as a lesion crop. Never trained on."""
    faces = skimage.data.lfw_subset()[:100]
    return (faces[int(rng.integers(0, len(faces)))] * 255).astype(np.float32)


def patch(planes: Sequence[Image]) -> Maker:
    """Maker of small cut-outs of scans: no system reads a corner of an organ."""

    def make(rng: np.random.Generator) -> Image:
        image = planes[int(rng.integers(0, len(planes)))]
        side = int(min(image.shape) * rng.uniform(0.12, 0.3))
        top, left = (int(rng.integers(0, n - side + 1)) for n in image.shape)
        return np.ascontiguousarray(image[top : top + side, left : left + side])

    return make


def panels(planes: Sequence[Image]) -> Maker:
    """Maker of screenshots: several scans side by side, with writing."""

    def make(rng: np.random.Generator) -> Image:
        rows, columns = (int(rng.integers(1, 4)) for _ in range(2))
        columns = max(columns, 2) if rows == 1 else columns
        chosen = [cv2.resize(planes[int(rng.integers(0, len(planes)))], (120, 120)) for _ in range(rows * columns)]
        image = np.vstack([np.hstack(chosen[r * columns : (r + 1) * columns]) for r in range(rows)]).astype(np.uint8)
        for _ in range(int(rng.integers(0, 6))):
            where = rng.integers(0, image.shape[::-1]).tolist()
            cv2.putText(image, _words(rng, 12), tuple(where), cv2.FONT_HERSHEY_PLAIN, 0.8, 255.0, 1)
        return image.astype(np.float32)

    return make


def shuffled(planes: Sequence[Image]) -> Maker:
    """Maker of scans cut into tiles and put together in another order."""

    def make(rng: np.random.Generator) -> Image:
        image = cv2.resize(planes[int(rng.integers(0, len(planes)))], (192, 192))
        count = int(rng.integers(2, 5))
        side = 192 // count
        tiles = [
            image[r * side : (r + 1) * side, c * side : (c + 1) * side] for r in range(count) for c in range(count)
        ]
        order = rng.permutation(len(tiles))
        return np.vstack(
            [np.hstack([tiles[i] for i in order[r * count : (r + 1) * count]]) for r in range(count)]
        ).astype(np.float32)

    return make


def small(make: Maker, share: float = 0.3) -> Maker:
    """The same, some of them shrunk to the size of a lesion crop: size alone must not open the gate."""

    def made(rng: np.random.Generator) -> Image:
        image = make(rng)
        if rng.random() >= share:
            return image
        factor = rng.uniform(14, 64) / max(image.shape)
        return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(np.float32)

    return made


def grey(image: np.ndarray) -> Image:
    """A picture in any form as grey levels in [0, 255]."""
    if image.dtype == bool:
        image = image.astype(np.float32) * 255
    if image.ndim == 3:
        image = image[..., :3].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.ascontiguousarray(image, dtype=np.float32)


def stretched(image: np.ndarray) -> Image:
    """Grey levels spread over [0, 255]."""
    low, high = float(image.min()), float(image.max())
    return ((image - low) / max(high - low, 1e-6) * 255).astype(np.float32)
