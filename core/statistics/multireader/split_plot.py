"""Studies in which not every reader reads every case: readers and cases are dealt into blocks (paired split-plot).

In each block every reader reads every case of the block in every arm; blocks share neither readers nor cases, so that
their figures are independent. A fully crossed study is one block. The analysis of variance is that of
``reader_study.compare``: with covariances of 0 between blocks its mean covariances are those of the marginal-mean
analysis (Hillis 2014; Obuchowski, Gallas and Hillis 2012), and with one reader a block its ``F`` is that of cases
nested within readers, mean square of the arms over that of arm by reader.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.statistics._checks import FloatArray, StatisticsInputError
from core.statistics.multireader.reader_study import areas as crossed_areas

IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Block:
    """Readers and the cases that all of them read, by index."""

    readers: IntArray
    cases: IntArray


def blocks(ratings: ArrayLike) -> tuple[Block, ...]:
    """The blocks of a study, in the order of their first reader.

    Args:
        ratings: ``(arms, readers, cases)``, NaN where a reader was not given a case.

    Raises:
        StatisticsInputError: a reader has read other cases in one arm than in another, two readers share some of their
            cases but not all, or nobody has read anything.
    """
    table = np.asarray(ratings, float)
    if table.ndim != 3 or not table.size:
        raise StatisticsInputError(
            f"Expected ratings of shape (arms, readers, cases), got {table.shape}.", "Give readings of a study."
        )
    read = ~np.isnan(table)
    if (read != read[:1]).any() or not read.any(axis=(0, 2)).all():
        raise StatisticsInputError(
            "A reader has not read the same cases in every arm.", "Keep the readers and cases that are complete."
        )
    groups: dict[bytes, list[int]] = {}
    for reader, mine in enumerate(read[0]):
        groups.setdefault(mine.tobytes(), []).append(reader)
    found = tuple(Block(np.array(group), np.flatnonzero(read[0, group[0]])) for group in groups.values())
    if sum(len(block.cases) for block in found) > len(np.unique(np.concatenate([b.cases for b in found]))):
        raise StatisticsInputError(
            "Two readers share some of their cases, but not all.",
            "Every reader of a block reads all its cases; blocks share none.",
        )
    return found


def areas(truth: ArrayLike, ratings: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Areas under the ROC curve of every arm and reader, each on the reader's own cases, and DeLong's covariances.

    Args:
        truth: ``(cases,)`` 0/1. ratings: ``(arms, readers, cases)``, NaN where a reader was not given a case.

    Returns:
        ``(arms, readers)`` and ``(arms, readers, arms, readers)``, 0 between blocks.

    Raises:
        StatisticsInputError: as ``blocks``; or a class has fewer than two cases in a block.
    """
    labels, table = np.asarray(truth), np.asarray(ratings, float)
    found = blocks(table)
    arms, readers, cases = table.shape
    if labels.shape != (cases,):
        raise StatisticsInputError(f"Expected a truth for each of {cases} cases.", "Give one value a case.")
    figures, covariance = np.empty((arms, readers)), np.zeros((arms, readers, arms, readers))
    every = np.arange(arms)
    for block in found:
        mine, shared = crossed_areas(labels[block.cases], table[np.ix_(every, block.readers, block.cases)])
        figures[:, block.readers] = mine
        covariance[np.ix_(every, block.readers, every, block.readers)] = shared
    return figures, covariance
