"""Who reads which cases, with which arm, in which session: the assignment table of a reader study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.statistics._checks import StatisticsInputError, binary_truth


@dataclass(frozen=True)
class Session:
    """One sitting of one reader.

    Attributes:
        reader, block, arm: by index, from 0. number: the how-manieth sitting of this reader, from 1.
        cases: by index, in the order in which they are read.
    """

    reader: int
    block: int
    number: int
    arm: int
    cases: tuple[int, ...]


def orders(arms: int) -> tuple[tuple[int, ...], ...]:
    """Orders of the arms in which each stands at each place equally often, and follows each other equally often.

    The design of Williams (1949): as many orders as arms, twice as many where their number is odd.

    >>> orders(2), orders(3)[:3]
    (((0, 1), (1, 0)), ((0, 1, 2), (1, 2, 0), (2, 0, 1)))
    """
    first = [(k + 1) // 2 if k % 2 else (arms - k // 2) % arms for k in range(arms)]
    rows = tuple(tuple((arm + turn) % arms for arm in first) for turn in range(arms))
    return rows if arms % 2 == 0 or arms == 1 else rows + tuple(row[::-1] for row in rows)


def assign(truth: ArrayLike, arms: int, readers: int, blocks: int = 1, seed: int = 0) -> tuple[Session, ...]:
    """The whole table, by reader and session.

    Readers and cases are dealt into blocks at random, the cases of each class evenly; within a block the readers take
    the orders of ``orders`` in turn, so that no arm is read first more often than another by more than one reader.

    Args:
        truth: ``(cases,)`` 0/1. arms: 1 or more. blocks: 1 for a fully crossed study. seed: the same deals the same.

    Raises:
        StatisticsInputError: fewer readers than blocks, or fewer than two cases of a class in a block.
    """
    labels = binary_truth(truth)
    if min(arms, readers, blocks) < 1 or readers < blocks:
        raise StatisticsInputError(
            f"{readers} readers cannot be dealt into {blocks} blocks.", "Plan for one reader in each block at least."
        )
    if min(int(labels.sum()), int((~labels).sum())) < 2 * blocks:
        raise StatisticsInputError(
            f"{blocks} blocks need {2 * blocks} cases of each class at least.", "Add cases, or take fewer blocks."
        )
    rng = np.random.default_rng(seed)
    home = np.empty(len(labels), int)
    dealt = 0
    for positive in (True, False):
        shuffled = rng.permutation(np.flatnonzero(labels == positive))
        # The second class goes on where the first ended: blocks differ by one case at most.
        home[shuffled] = (dealt + np.arange(len(shuffled))) % blocks
        dealt += len(shuffled)
    sequences = [orders(arms)[k] for k in rng.permutation(len(orders(arms)))]
    block_of = rng.permutation(np.arange(readers) % blocks)
    taken = [0] * blocks
    table = []
    for reader in range(readers):
        block = int(block_of[reader])
        mine = np.flatnonzero(home == block)
        for number, arm in enumerate(sequences[taken[block] % len(sequences)], 1):
            table.append(Session(reader, block, number, arm, tuple(int(case) for case in rng.permutation(mine))))
        taken[block] += 1
    return tuple(table)
