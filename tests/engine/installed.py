"""Small networks with random weights, installed as a system's models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.imaging.study import Modality, Series, SourceKind, Study, Unit
from core.models.card import DataUse, ModelCard, Threshold, Training
from core.models.net import OverreadNet
from core.models.registry import create
from core.models.store import save_model
from core.preprocessing.contract import InputContract
from core.systems import system

SIDE = 48


def card_of(system_name: str, name: str, architecture: str, **fields: Any) -> ModelCard:
    declared = system(system_name)
    contract = fields.pop("contract", {})
    facts: dict[str, Any] = {
        "title": f"Test {name}",
        "version": "1",
        "role": "classifier",
        "classes": declared.classes,
        "positive": declared.positive,
        "threshold": Threshold(value=0.5, rule="fixed", data="none", n=0),
        "data": (DataUse(name="none", licence="none", train=0, validation=0, test=0, split_fingerprint=""),),
        "metrics": {},
        "intended_use": "tests",
        "parameters": 0,
        "weights_sha256": "",
    } | fields
    return ModelCard(
        system=system_name,
        name=name,
        architecture=architecture,
        contract=InputContract(**{"channels": 1, "height": SIDE, "width": SIDE, **contract}),
        training=Training(
            recipe="none",
            recipe_sha256="",
            initial_weights="random",
            date="2024-01-01",
            code_version="0",
            device="cpu",
            minutes=0,
            epochs=0,
            seed=0,
        ),
        **facts,
    )


def lively(architecture: str, *, classes: int, channels: int) -> OverreadNet:
    """A small network whose batch norms know what comes through, so that different images get different answers."""
    torch.manual_seed(7)
    net = create(architecture, classes=classes, channels=channels, size=(SIDE, SIDE))
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
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
