"""Copies: identical pixels, nearly identical hashes, nearly identical embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from core.errors import DataLayoutError

_BLOCK = 2048


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of alike pictures.

    Attributes:
        first, second: ``(P,)`` row numbers, ``first < second``.
        value: ``(P,)`` Hamming distance (larger of the two hashes) or cosine.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)

    @property
    def members(self) -> NDArray[np.intp]:
        """Rows that appear in any pair."""
        return np.union1d(self.first, self.second)


def exact_sets(sha256: NDArray[np.str_]) -> list[NDArray[np.intp]]:
    """Rows of every picture that is there more than once: identical decoded pixels."""
    _, codes, counts = np.unique(sha256, return_inverse=True, return_counts=True)
    order = np.argsort(codes, kind="stable")
    return [rows for rows in np.split(order, np.cumsum(counts)[:-1]) if len(rows) > 1]


def _blocks(n: int) -> Iterator[tuple[slice, slice]]:
    for i in range(0, n, _BLOCK):
        for j in range(i, n, _BLOCK):
            yield slice(i, min(i + _BLOCK, n)), slice(j, min(j + _BLOCK, n))


def _search(
    n: int,
    alike: Callable[[slice, slice], tuple[NDArray[np.bool_], NDArray[Any]]],
    across: NDArray[Any] | None,
    usable: NDArray[np.bool_] | None,
) -> Pairs:
    """Pairs ``first < second`` that ``alike`` accepts, from different values of ``across``, among usable rows."""
    rows: list[NDArray[np.intp]] = []
    columns: list[NDArray[np.intp]] = []
    values: list[NDArray[np.float64]] = []
    codes = None if across is None else np.unique(across, return_inverse=True)[1].reshape(-1)
    for left, right in _blocks(n):
        hit, value = alike(left, right)
        # Few pairs survive: look at side, order and usability of those only, not of the whole block.
        a, b = np.nonzero(hit)
        first, second = a + left.start, b + right.start
        keep = first < second
        if codes is not None:
            keep &= codes[first] != codes[second]
        if usable is not None:
            keep &= usable[first] & usable[second]
        rows.append(first[keep])
        columns.append(second[keep])
        values.append(value[a[keep], b[keep]].astype(np.float64))
    empty = np.array([], dtype=np.intp)
    return Pairs(
        np.concatenate([empty, *rows]),
        np.concatenate([empty, *columns]),
        np.concatenate([empty.astype(float), *values]),
    )


def hash_pairs(
    hashes: NDArray[np.uint64],
    max_distance: int = 2,
    across: NDArray[Any] | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> Pairs:
    """Pairs whose perceptual hashes all lie within a Hamming distance.

    Args:
        hashes: ``(N, H)`` 64-bit hashes; every one of the ``H`` must agree, for one alone calls too much alike.
        max_distance: bits of 64 that may differ. Between the patients of brain-lgg, where every pair is a false
            alarm, 2 finds none of some 4 million pairs, 4 finds 12.
        across: ``(N,)``: only pairs with different values (parts, patients). usable: ``(N,)``: false leaves a row out.
    """

    def alike(left: slice, right: slice) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        worst = np.bitwise_count(hashes[left, None, 0] ^ hashes[None, right, 0])
        for column in range(1, hashes.shape[1]):
            worst = np.maximum(worst, np.bitwise_count(hashes[left, None, column] ^ hashes[None, right, column]))
        return worst <= max_distance, worst

    return _search(len(hashes), alike, across, usable)


def embedding_pairs(
    features: NDArray[Any],
    min_cosine: float = 0.99,
    across: NDArray[Any] | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> Pairs:
    """Pairs whose features point the same way.

    Args:
        features: ``(N, F)``, a model's pooled features or thumbnails; zero rows match nothing.
        min_cosine: in (0, 1]. With thumbnails, 0.99 finds no pair between the patients of brain-lgg, 0.98 finds 85.
        across, usable: as in :func:`hash_pairs`.

    Raises:
        DataLayoutError: features are no finite table.
    """
    if features.ndim != 2 or not np.isfinite(features).all():
        raise DataLayoutError(f"Features of shape {features.shape} are no finite table.", "Pass (N, F) numbers.")
    table = features.astype(np.float32)
    length = np.linalg.norm(table, axis=1, keepdims=True)
    table = np.divide(table, length, out=np.zeros_like(table), where=length > 0)

    def alike(left: slice, right: slice) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        cosine = table[left] @ table[right].T
        return cosine >= min_cosine, cosine

    return _search(len(table), alike, across, usable)


def clusters(n: int, *pairs: Pairs) -> NDArray[np.intp]:
    """``(n,)`` cluster of every row: rows joined by a chain of pairs. A split unit where no patient is known."""
    first = np.concatenate([np.array([], dtype=np.intp), *(p.first for p in pairs)])
    second = np.concatenate([np.array([], dtype=np.intp), *(p.second for p in pairs)])
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)
