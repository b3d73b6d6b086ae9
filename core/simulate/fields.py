"""Random fields, soft edges and scanner noise: what every simulated scan is drawn with.

Everything takes a ``numpy.random.Generator``; nothing here knows an organ. Arrays are float32 ``(height, width)``.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded where they are first used: the first page of a server needs none

Array = npt.NDArray[Any]


def smooth(distance: Array | float, width: float = 1.0) -> Array:
    """Soft step: 0 below ``-width``, 1 above ``+width``, a cubic between; keeps drawn edges free of stairs."""
    # In place: this is the busiest function of the drawing.
    t = np.array(distance, np.float32)
    t *= 0.5 / width
    t += 0.5
    np.clip(t, 0.0, 1.0, out=t)
    square = t * t
    t *= -2.0
    t += 3.0
    t *= square
    return t


def paint(image: Array, value: Array | float, cover: Array) -> None:
    """Blend ``value`` into ``image`` in place where ``cover`` (0..1) says so."""
    image += cover * (value - image)


def ellipse(
    x: Array, y: Array, centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0, power: float = 2.0
) -> Array:
    """Approximate signed distance (positive inside) to a (super-)ellipse; ``angle`` in radians."""
    dx, dy = x - centre[0], y - centre[1]
    if angle:
        c, s = float(np.cos(angle)), float(np.sin(angle))
        dx, dy = c * dx + s * dy, c * dy - s * dx
    if power == 2.0:
        dx = dx * (1.0 / radii[0])
        dy = dy * (1.0 / radii[1])
        dx *= dx
        dy *= dy
        dx += dy
        r = np.sqrt(dx, out=dx)
    else:
        r = (np.abs(dx / radii[0]) ** power + np.abs(dy / radii[1]) ** power) ** (1.0 / power)
    return np.asarray((1.0 - r) * min(radii), np.float32)


class Noise:
    """A smooth random field over three axes, of mean 0 and standard deviation near 1, sampled slice by slice.

    Args:
        rng: source of randomness; the field is fixed once made.
        cell: size of a grid cell in the units the field is sampled in; features are about two cells wide.
        depth: number of grid planes along the slice axis; ``z`` in 0..1 runs through them.
        band: remove the slow part, leaving a ribbon-like pattern of one scale.
        tiles: grid cells along each in-plane axis before the pattern repeats.
    """

    def __init__(
        self, rng: np.random.Generator, cell: float, depth: int = 6, band: bool = False, tiles: int = 64
    ) -> None:
        grid = rng.standard_normal((depth + 1, tiles, tiles)).astype(np.float32)
        if band:
            for plane in grid:
                plane -= cv2.blur(plane, (5, 5), borderType=cv2.BORDER_REFLECT)
        self._grid = grid
        self._cell = float(cell)
        self._depth = depth

    def at(self, x: Array, y: Array, z: float = 0.0) -> Array:
        """Values at the coordinates ``x``, ``y`` on the plane ``z`` (0..1)."""
        position = float(np.clip(z, 0.0, 1.0)) * self._depth
        k = min(int(position), self._depth - 1)
        w = position - k
        plane = (self._grid[k] * (1.0 - w) + self._grid[k + 1] * w) / float(np.sqrt(w * w + (1.0 - w) ** 2))
        u = np.asarray(x / self._cell + 17.0, np.float32)
        v = np.asarray(y / self._cell + 17.0, np.float32)
        # Cubic interpolation of unit white noise loses about a quarter of its spread.
        return 1.35 * cv2.remap(plane, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)


def texture(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Array:
    """White noise blurred by ``sigma`` pixels, scaled back to standard deviation 1."""
    noise: Array = rng.standard_normal(shape, dtype=np.float32)
    if sigma > 0:
        noise = cv2.GaussianBlur(noise, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return noise / max(float(noise.std()), 1e-6)


def rician(rng: np.random.Generator, signal: Array, sigma: float, blur: float = 0.45) -> Array:
    """Magnitude of a complex signal with Gaussian noise ``sigma`` in both channels (Gudbjartsson and Patz 1995)."""
    shape = (signal.shape[0], signal.shape[1])
    real = signal + sigma * texture(rng, shape, blur)
    imaginary = sigma * texture(rng, shape, blur)
    return np.sqrt(real * real + imaginary * imaginary)


def ct_noise(rng: np.random.Generator, shape: tuple[int, int], cutoff: float) -> Array:
    """Noise of a filtered back-projection: power rises with frequency and rolls off past ``cutoff`` (cycles per pixel).

    Mean 0, standard deviation 1. The shape ``sqrt(f) * exp(-(f / cutoff)^2)`` of the amplitude follows the ramp filter
    with a soft kernel (Riederer, Pelc and Chesler 1978).
    """
    white = rng.standard_normal(shape, dtype=np.float32)
    fy = scipy.fft.fftfreq(shape[0])[:, None]
    fx = scipy.fft.rfftfreq(shape[1])[None, :]
    f = np.sqrt(fy * fy + fx * fx)
    kept = (np.sqrt(f) * np.exp(-((f / cutoff) ** 2))).astype(np.float32)
    shaped = scipy.fft.irfft2(scipy.fft.rfft2(white) * kept, s=shape)
    return (shaped / shaped.std()).astype(np.float32)


def bias_field(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> Array:
    """Smooth multiplicative coil shading of mean 1 with relative spread ``strength``."""
    small = rng.standard_normal((4, 4)).astype(np.float32)
    field = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    field = (field - field.mean()) / max(float(field.std()), 1e-6)
    return np.clip(1.0 + strength * field, 0.4, 1.8).astype(np.float32)


def pixel_grid(
    size: tuple[int, int], step: float, shift: tuple[float, float] = (0.0, 0.0), angle: float = 0.0
) -> tuple[Array, Array]:
    """Centred coordinates ``(x, y)``: pixel centres times ``step``, shifted, turned by ``angle`` radians."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    x = (x - (size[1] - 1) / 2.0) * step + shift[0]
    y = (y - (size[0] - 1) / 2.0) * step + shift[1]
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return c * x + s * y, c * y - s * x
