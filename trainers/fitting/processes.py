"""Several processes train one network: each takes its part of a batch, and their gradients are averaged."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from lightning_fabric import Fabric
from torch import nn


def own_rows(rows: torch.Tensor, fabric: Fabric) -> torch.Tensor:
    """This process' part of a batch; all parts have the same length, so that their mean is the batch's."""
    even = len(rows) - len(rows) % fabric.world_size
    return rows[:even][fabric.global_rank :: fabric.world_size]


def share_gradients(parameters: Iterable[nn.Parameter], fabric: Fabric) -> None:
    """Replace every gradient by its mean over the processes (synchronous data-parallel training).

    Batch norms keep statistics of their own process, as in PyTorch's DistributedDataParallel; those of the first
    process are saved.
    """
    if fabric.world_size == 1:
        return
    open_ones = [p for p in parameters if p.requires_grad]
    # a process whose part of the batch holds no mask has no gradient for the mask decoder, another may have one
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in open_ones]
    flat = torch.cat([g.reshape(-1) for g in grads])
    shared = fabric.all_reduce(flat, reduce_op="mean")
    assert isinstance(shared, torch.Tensor)
    for parameter, mean in zip(open_ones, shared.split([g.numel() for g in grads]), strict=True):
        parameter.grad = mean.view_as(parameter)


def first_says(value: object, fabric: Fabric) -> object:
    """The first process' value: decisions that end an epoch or a run must be the same everywhere."""
    return value if fabric.world_size == 1 else fabric.broadcast(value, src=0)
