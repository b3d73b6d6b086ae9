"""Small networks with random weights, installed as a system's models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.imaging.study import Modality, Series, SourceKind, Study, Unit
from core.models.net import OverreadNet
from core.models.registry import create
from core.weights.store import save_model
from tests.cards import SIDE, card_of


def lively(architecture: str, *, classes: int, channels: int) -> OverreadNet:
    """A small network whose batch norms know what comes through, so that different images get different answers."""
    torch.manual_seed(7)
    net = create(architecture, classes=classes, channels=channels, size=(SIDE, SIDE))
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        net.train().run(torch.randn(4, channels, SIDE, SIDE))
    return net.eval()


def install(weights: Path, system_name: str, name: str, architecture: str = "resunet", **fields: Any) -> Path:
    """Save a random network under the name of one of the system's models; returns its folder."""
    card = card_of(system_name, name, architecture, **fields)
    net = lively(architecture, classes=len(card.classes), channels=card.contract.channels)
    folder = weights / system_name / name
    save_model(net, card, folder)
    return folder


def scan(slices: int = 2, seed: int = 0, shape: tuple[int, int] = (80, 100), **facts: Any) -> Series:
    """A stack of smooth bright blobs on noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = []
    for _ in range(slices):
        cy, cx, r = rng.uniform(20, 60), rng.uniform(20, 80), rng.uniform(6, 20)
        planes.append(120 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r**2)) + rng.normal(60, 12, shape))
    known: dict[str, Any] = {"unit": Unit.ARBITRARY, "modality": Modality.MR, "body_part": "BRAIN"} | facts
    return Series("k", "scan", np.stack(planes).astype(np.float32), **known)


def study(*series: Series) -> Study:
    return Study("case", SourceKind.NIFTI, series or (scan(),), "0" * 64)
