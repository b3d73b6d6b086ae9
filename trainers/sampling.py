"""Which rows make up an epoch."""

from __future__ import annotations

import torch


def epoch_rows(
    labels: torch.Tensor,
    *,
    how: str,
    images: int | None,
    rng: torch.Generator,
    sources: torch.Tensor | None = None,
) -> torch.Tensor:
    """Rows of one epoch in random order.

    Args:
        labels: class index ``(N,)``.
        how: ``natural`` (every row once, or ``images`` of them) or ``balanced`` (every class equally often; rows of
            a class are repeated only after all of them have been drawn) or ``balanced-sets`` (within every class also
            every data set equally often: where the classes come mostly from different sets, the set must not tell).
        images: length of the epoch; by default N, and when balanced twice the rarest class, at least N / 2.
        sources: data set of every row ``(N,)``, for ``balanced-sets``.

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
        if how == "balanced-sets" and sources is not None:
            sets = torch.unique(sources[own]).tolist()
            rows += [_drawn(own[sources[own] == s], -(-share // len(sets)), rng) for s in sets]
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
