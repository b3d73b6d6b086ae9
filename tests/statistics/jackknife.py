"""Covariances of two arms' areas as published tables give them: one number for each kind of pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def covariance(
    readers: int,
    error: Sequence[float] | Mapping[int, float],
    same_arm: Sequence[float] | Mapping[int, float],
    same_reader: float,
    neither: float,
) -> np.ndarray:
    """``(2, readers, 2, readers)``.

    Args:
        error: variance of one area, by arm. same_arm: of two readers, by arm. same_reader: of one reader's two arms.
        neither: of two readers in two arms.
    """
    found = np.full((2, readers, 2, readers), neither)
    for reader in range(readers):
        found[0, reader, 1, reader] = found[1, reader, 0, reader] = same_reader
    for arm in range(2):
        found[arm, :, arm, :] = same_arm[arm]
        found[arm, range(readers), arm, range(readers)] = error[arm]
    return found
