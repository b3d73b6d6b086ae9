"""Fitting an image into a tensor and mapping results back onto the image."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.preprocessing.body import Box


@dataclass(frozen=True)
class Fit:
    """Where ``box`` (top, left, bottom, right) of an image of ``shape`` lies inside a tensor of ``size``."""

    shape: tuple[int, int]
    size: tuple[int, int]
    inner: tuple[int, int]
    top: int
    left: int
    box: Box

    @classmethod
    def of(cls, shape: tuple[int, int], size: tuple[int, int], resize: str, box: Box | None = None) -> Fit:
        """``letterbox`` keeps the aspect and centres; ``actual`` also, without enlarging; ``stretch`` fills.

        Args:
            box: the part of the image that goes in; by default all of it.
        """
        height, width = size
        box = (0, 0, *shape) if box is None else box
        tall, wide = box[2] - box[0], box[3] - box[1]
        if resize == "stretch":
            return cls(shape, size, size, 0, 0, box)
        ratio = min(height / tall, width / wide)
        if resize == "actual":
            ratio = min(ratio, 1.0)
        inner = max(1, min(height, round(tall * ratio))), max(1, min(width, round(wide * ratio)))
        return cls(shape, size, inner, (height - inner[0]) // 2, (width - inner[1]) // 2, box)

    def cut(self, plane: np.ndarray) -> np.ndarray:
        """The part of a plane at image size that goes into the tensor."""
        top, left, bottom, right = self.box
        return plane[top:bottom, left:right]

    def into(self, plane: np.ndarray, *, fill: float | None = None) -> np.ndarray:
        """Cut and resize a plane; the margin takes ``fill`` (by default the lowest value: an empty pixel)."""
        return self.place(self.cut(plane), fill=fill)

    def place(self, plane: np.ndarray, *, fill: float | None = None) -> np.ndarray:
        """As :meth:`into`, for a plane that is cut already."""
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
        """Map a float plane at tensor size back onto the image grid, margin cut off; 0 outside the box."""
        top, left, bottom, right = self.box
        inner = plane[self.top : self.top + self.inner[0], self.left : self.left + self.inner[1]]
        part = _resize(np.ascontiguousarray(inner, dtype=np.float32), (bottom - top, right - left))
        if part.shape == self.shape:
            return part
        whole = np.zeros(self.shape, dtype=np.float32)
        whole[top:bottom, left:right] = part
        return whole


def _resize(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    if plane.shape == shape:
        return plane
    # area averaging avoids aliasing when shrinking; linear is smooth when enlarging
    shrinking = shape[0] < plane.shape[0] or shape[1] < plane.shape[1]
    return cv2.resize(plane, (shape[1], shape[0]), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
