"""Which rows make up an epoch."""

from __future__ import annotations

import torch


def epoch_rows(labels: torch.Tensor, *, how: str, images: int | None, rng: torch.Generator) -> torch.Tensor:
    """Rows of one epoch in random order.

    Args:
        labels: class index ``(N,)``.
        how: ``natural`` (every row once, or ``images`` of them) or ``balanced`` (every class equally often; rows of
            a class are repeated only after all of them have been drawn).
        images: length of the epoch; by default N, and for ``balanced`` twice the rarest class, at least N / 2.

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
        need, drawn = -(-wanted // len(classes)), []
        while need > 0:
            drawn.append(own[torch.randperm(len(own), generator=rng)][:need])
            need -= len(drawn[-1])
        rows.append(torch.cat(drawn))
    mixed = torch.cat(rows)
    return mixed[torch.randperm(len(mixed), generator=rng)][:wanted]
