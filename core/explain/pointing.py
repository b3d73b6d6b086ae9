"""Does a heat map point at the lesion? Pointing game, energy and overlap, where a mask says where the lesion is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # its parts are loaded where they are first used
from numpy.typing import NDArray

TOLERANCE = 0.05  # of the diagonal: half a cell of a network with stride 32 on a picture of 224 pixels


@dataclass(frozen=True)
class Pointing:
    """How a heat map lies to a mask.

    Attributes:
        hit: the hottest point lies in the mask or within the tolerance of it (pointing game, Zhang et al., 2018).
        inside: it lies in the mask itself.
        distance: from the hottest point to the mask, as a share of the picture's diagonal; 0 inside.
        energy: share of the map's sum that lies in the mask (Wang et al., 2020).
        overlap: intersection over union of the mask and the hottest area of the same size.
        chance: share of the body that would have been a hit: what a blind guess reaches.
        area: the mask's share of the body, which is what a map that knows nothing reaches in ``energy``.
    """

    hit: bool
    inside: bool
    distance: float
    energy: float
    overlap: float
    chance: float
    area: float


def point(
    heat: NDArray[np.floating],
    mask: NDArray[np.bool_],
    *,
    body: NDArray[np.bool_] | None = None,
    tolerance: float = TOLERANCE,
) -> Pointing | None:
    """Hold a heat map against a mask on the same grid.

    Args:
        heat: ``(H, W)``, not negative.
        mask: bool ``(H, W)``.
        body: where the patient is, bool ``(H, W)``; the whole picture by default.
        tolerance: how far from the mask the hottest point may lie, as a share of the diagonal.

    Returns:
        ``None`` for an empty mask or an empty map: then there is nothing to point at, or nothing that points.

    Raises:
        ValueError: the sizes differ.
    """
    if heat.shape != mask.shape:
        raise ValueError(f"the map has {heat.shape} pixels, the mask {mask.shape}")
    if not mask.any() or float(heat.max()) <= 0:
        return None
    away = scipy.ndimage.distance_transform_edt(~mask) / np.hypot(*mask.shape)
    hottest = np.unravel_index(int(np.argmax(heat)), heat.shape)
    distance = float(away[hottest])
    size = int(mask.sum())
    order = np.argsort(heat, axis=None, kind="stable")[::-1]
    top = np.zeros(heat.size, bool)
    top[order[:size]] = True
    common = int((top.reshape(mask.shape) & mask).sum())
    # A mask may reach beyond what was taken for the body: it belongs to it by definition.
    ground = (body | mask) if body is not None else np.ones(mask.shape, bool)
    return Pointing(
        hit=distance <= tolerance,
        inside=bool(mask[hottest]),
        distance=distance,
        energy=float(heat[mask].sum() / heat.sum()),
        overlap=common / (2 * size - common),
        chance=float((away[ground] <= tolerance).mean()),
        area=size / int(ground.sum()),
    )
