"""Which slices heat maps are tested on: those with a finding, or clear ones with a lesion inserted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.weights import predictions
from trainers.data.items import Item, fold_groups
from trainers.data.planted import planted


@dataclass(frozen=True, eq=False)
class Chosen:
    """One slice with a finding. ``called``: the model calls it one, by its stored answer.

    ``member``: number of the one that did not train on its patient, in a model of several. ``planted``: its lesion was
    inserted, and ``called`` belongs to the slice before.
    """

    item: Item
    index: int
    called: bool
    member: int = 0
    planted: bool = False


def choose(
    part: predictions.Part, threshold: float, items: Sequence[Item], *, slices: int, seed: int, members: int = 1
) -> list[Chosen]:
    """Slices with a finding, drawn from all validation patients in turn; where there are masks, those with one.

    Args:
        part: the model's stored answers on the validation part. threshold: from which on it calls a finding.
        items: the data; slices that are not in ``part`` are left out.
        slices: how many at most. seed: of the draw. members: of the model; they were trained on all folds but one each.
    """

    def found(item: Item, index: int, row: int) -> Chosen | None:
        truth = item.series.truth
        if not part.truth[row] or (truth is not None and not truth[index].any()):
            return None
        return Chosen(item, index, bool(part.finding[row] >= threshold))

    return _drawn(part, items, found, slices=slices, seed=seed, members=members)


def plant(
    part: predictions.Part,
    threshold: float,
    items: Sequence[Item],
    *,
    kind: str,
    slices: int,
    seed: int,
    members: int = 1,
) -> list[Chosen]:
    """Slices that are clear and that the model calls clear, with a lesion inserted, drawn as :func:`choose` draws.

    Args:
        kind: one of :data:`core.simulate.insertion.KINDS`. The rest as in :func:`choose`.

    Returns:
        None where a set has masks of its own.
    """
    if any(item.series.truth is not None for item in items):
        return []

    def clear(item: Item, index: int, row: int) -> Chosen | None:
        called = part.truth[row] or part.finding[row] >= threshold
        return None if called else Chosen(item, index, False, planted=True)

    out: list[Chosen] = []
    for one in _drawn(part, items, clear, slices=2 * slices, seed=seed, members=members):
        changed = planted(one.item, one.index, kind, seed)
        if changed is not None and len(out) < slices:
            out.append(replace(one, item=changed, index=0))
    return out


def _drawn(
    part: predictions.Part,
    items: Sequence[Item],
    take: Callable[[Item, int, int], Chosen | None],
    *,
    slices: int,
    seed: int,
    members: int,
) -> list[Chosen]:
    """Slices of ``part`` that ``take`` takes, given item, slice and row, from all groups in turn."""
    known = {str(name): row for row, name in enumerate(part.ids)}
    fold_of = fold_groups([item for item in items if any(name in known for name in item.ids)], members)
    by_group: dict[str, list[Chosen]] = {}
    for item in items:
        for index, name in enumerate(item.ids):
            taken = take(item, index, known[name]) if name in known else None
            if taken is not None:
                by_group.setdefault(item.group, []).append(replace(taken, member=fold_of[item.group]))
    rng = np.random.default_rng(seed)
    queues = [[some[i] for i in rng.permutation(len(some))] for _, some in sorted(by_group.items())]
    queues = [queues[i] for i in rng.permutation(len(queues))]
    out: list[Chosen] = []
    while any(queues) and len(out) < slices:
        for queue in queues:
            if queue and len(out) < slices:
                out.append(queue.pop())
    return out
