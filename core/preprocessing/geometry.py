"""Fitting an image into a tensor and mapping results back onto the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Fit:
    """Where an image of ``shape`` lies inside a tensor of ``size`` (both height, width)."""

    shape: tuple[int, int]
    size: tuple[int, int]
    inner: tuple[int, int]
    top: int
    left: int

    @classmethod
    def of(cls, shape: tuple[int, int], size: tuple[int, int], resize: str) -> Fit:
        """``letterbox`` keeps the aspect and centres; ``actual`` also, without enlarging; ``stretch`` fills."""
        height, width = size
        if resize == "stretch":
            return cls(shape, size, size, 0, 0)
        ratio = min(height / shape[0], width / shape[1])
        if resize == "actual":
            ratio = min(ratio, 1.0)
        inner = max(1, min(height, round(shape[0] * ratio))), max(1, min(width, round(shape[1] * ratio)))
        return cls(shape, size, inner, (height - inner[0]) // 2, (width - inner[1]) // 2)

    def into(self, plane: np.ndarray, *, fill: float | None = None) -> np.ndarray:
        """Resize a plane into the tensor; the margin takes ``fill`` (by default the lowest value: an empty pixel)."""
        inner = _resize(plane.astype(np.float32, copy=False), self.inner)
        if self.inner == self.size:
            return inner
        out = np.full(self.size, plane.min() if fill is None else fill, dtype=np.float32)
        out[self.top : self.top + self.inner[0], self.left : self.left + self.inner[1]] = inner
        return out

    def mask_into(self, mask: np.ndarray) -> np.ndarray:
        """Resize a mask into the tensor as coverage in [0, 1]."""
        return self.into(mask.astype(np.float32), fill=0.0)

    def back(self, plane: np.ndarray) -> np.ndarray:
        """Map a float plane at tensor size back onto the image grid, margin cut off."""
        inner = plane[self.top : self.top + self.inner[0], self.left : self.left + self.inner[1]]
        return _resize(np.ascontiguousarray(inner, dtype=np.float32), self.shape)


def _resize(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if plane.shape == shape:
        return plane
    # area averaging avoids aliasing when shrinking; linear is smooth when enlarging
    shrinking = shape[0] < plane.shape[0] or shape[1] < plane.shape[1]
    return cv2.resize(plane, (shape[1], shape[0]), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
