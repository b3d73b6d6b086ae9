"""Items turned into tensors held in memory, each plane made by the one preprocessing path exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from core.preprocessing.contract import InputContract
from core.preprocessing.prepare import around, assemble, fit_of, prepare_plane
from trainers.data.items import Item


@dataclass(frozen=True, eq=False)
class Cases:
    """``N`` labelled slices.

    Attributes:
        planes: float32 ``(N, H, W)``, scaled and fitted by the contract.
        around: ``(N, n)`` rows of the slices that the contract looks at for each.
        masks: uint8 ``(N, H, W)`` tumour coverage 0 to 255, or ``None``.
        has_mask: bool ``(N,)``.
        labels: class index ``(N,)``.
        groups, ids: per slice.
        simulated: bool ``(N,)``.
        sources: which data part of the recipe, as a number ``(N,)``.
    """

    planes: torch.Tensor
    around: torch.Tensor
    masks: torch.Tensor | None
    has_mask: torch.Tensor
    labels: torch.Tensor
    groups: np.ndarray
    ids: np.ndarray
    simulated: np.ndarray
    sources: torch.Tensor
    contract: InputContract

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    @property
    def group_numbers(self) -> torch.Tensor:
        """Group of every slice as a number ``(N,)``."""
        return torch.from_numpy(np.unique(self.groups, return_inverse=True)[1])

    def images(self, rows: torch.Tensor, alone: torch.Tensor | None = None) -> torch.Tensor:
        """Network input ``(B, C, H, W)`` of some rows; where ``alone`` is true neighbours are left out."""
        slabs = self.around[rows]
        if alone is not None:
            slabs = torch.where(alone.view(-1, 1), rows.view(-1, 1), slabs)
        return assemble(self.planes[slabs], self.contract)

    def coverage(self, rows: torch.Tensor) -> torch.Tensor | None:
        """Masks ``(B, 1, H, W)`` in [0, 1]."""
        return None if self.masks is None else self.masks[rows].unsqueeze(1).float() / 255


def to_cases(items: Sequence[Item], contract: InputContract, labels: dict[str, int]) -> Cases:
    """Prepare every slice of the items. Labels not named in ``labels`` raise ``KeyError``."""
    planes: list[np.ndarray] = []
    slabs: list[list[int]] = []
    masks: list[np.ndarray] = []
    has_mask: list[bool] = []
    targets: list[int] = []
    groups: list[str] = []
    ids: list[str] = []
    simulated: list[bool] = []
    sources: list[int] = []
    names = sorted({item.source for item in items})
    any_mask = any(item.series.truth is not None for item in items)
    for item in items:
        start, count = len(targets), item.series.slices
        for index in range(count):
            planes.append(prepare_plane(item.series, index, contract))
            slabs.append([start + i for i in around(item.series, index, contract)])
            targets.append(labels[item.labels[index]])
            truth = item.series.truth
            has_mask.append(truth is not None)
            if any_mask:
                covered = np.zeros((contract.height, contract.width), np.float32)
                if truth is not None and truth[index].any():
                    covered = fit_of(item.series, index, contract).mask_into(truth[index])
                masks.append(np.round(covered * 255).astype(np.uint8))
            groups.append(item.group)
            simulated.append(item.simulated)
            sources.append(names.index(item.source))
        ids.extend(item.ids)
    return Cases(
        planes=torch.from_numpy(np.stack(planes)),
        around=torch.tensor(slabs),
        masks=torch.from_numpy(np.stack(masks)) if any_mask else None,
        has_mask=torch.tensor(has_mask),
        labels=torch.tensor(targets),
        groups=np.array(groups),
        ids=np.array(ids),
        simulated=np.array(simulated),
        sources=torch.tensor(sources),
        contract=contract,
    )
