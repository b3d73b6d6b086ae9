"""Which rows make up an epoch."""

from __future__ import annotations

import torch


def epoch_rows(
    labels: torch.Tensor,
    *,
    how: str,
    images: int | None,
    rng: torch.Generator,
    within: torch.Tensor | None = None,
) -> torch.Tensor:
    """Rows of one epoch in random order.

    Args:
        labels: class index ``(N,)``.
        how: ``natural`` (every row once, or ``images`` of them) or ``balanced`` (every class equally often; rows of
            a class are repeated only after all of them have been drawn), ``balanced-sets`` (within every class also
            every data set equally often: where the classes come mostly from different sets, the set must not tell) or
            ``balanced-groups`` (within every class every patient equally often: large lesions have many slices).
        images: length of the epoch; by default N, and when balanced twice the rarest class, at least N / 2.
        within: data set or group of every row as a number ``(N,)``, for the last two.

    Returns:
        ``(images,)`` row numbers.
    """
    total = int(labels.shape[0])
    if how == "natural":
        return torch.randperm(total, generator=rng)[: images or total]
    classes = torch.unique(labels).tolist()
    counts = [int((labels == c).sum()) for c in classes]
    wanted = images or max(len(classes) * min(counts), total // 2)
    rows = []
    for c in classes:
        own = torch.nonzero(labels == c).flatten()
        share = -(-wanted // len(classes))
        if how != "balanced" and within is not None:
            kinds = torch.unique(within[own])
            kinds = kinds[torch.randperm(len(kinds), generator=rng)].tolist()  # the rest goes to others every time
            needs = [share // len(kinds) + (place < share % len(kinds)) for place in range(len(kinds))]
            rows += [_drawn(own[within[own] == k], n, rng) for k, n in zip(kinds, needs, strict=True) if n]
        else:
            rows.append(_drawn(own, share, rng))
    mixed = torch.cat(rows)
    return mixed[torch.randperm(len(mixed), generator=rng)][:wanted]


def _drawn(own: torch.Tensor, need: int, rng: torch.Generator) -> torch.Tensor:
    """``need`` of these rows, each again only after all of them."""
    drawn = []
    while need > 0:
        drawn.append(own[torch.randperm(len(own), generator=rng)][:need])
        need -= len(drawn[-1])
    return torch.cat(drawn)
