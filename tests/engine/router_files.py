"""A small router with made-up limits, written the way a trained one is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from core.models.router_net import WIDTHS, RouterNet
from core.statistics import outlier
from core.systems.router import CONTRACT, FOLDER, Limit, RouterCard, save
from core.weights.card import Training

KINDS = ("brain MR slice", "chest CT slice", "other")


def write_router(weights: Path, *, threshold: float, favourite: int = 0) -> Path:
    """A router whose network always names the kind ``favourite`` and whose limit is the same for both systems.

    Args:
        threshold: of the log odds against the system's own kind: an image of the favourite kind has about -10.
    """
    torch.manual_seed(3)
    net = RouterNet(len(KINDS)).eval()
    with torch.no_grad():
        net.head.weight.zero_()
        net.head.bias.copy_(torch.eye(len(KINDS))[favourite] * 10)
    rng = np.random.default_rng(0)
    features, classes = rng.normal(size=(60, WIDTHS[-1])), np.arange(60) % 2
    weight = rng.normal(size=(len(KINDS), WIDTHS[-1]))
    statistics = {
        **outlier.fit_gaussians(features, classes, 2),
        **outlier.fit_vim(features, weight, np.zeros(len(KINDS)), 8),
        "bank": features,
        "bank_kinds": classes,
    }
    limits = {
        system: Limit(kinds=(kind,), thresholds={"softmax": threshold}, spreads={"softmax": 1.0})
        for system, kind in (("brain-mr", KINDS[0]), ("chest-ct", KINDS[1]))
    }
    training = Training(
        recipe="tests", recipe_sha256="", initial_weights="random", date="2026-01-01", code_version="", device="cpu",
        minutes=0, epochs=0, seed=3,
    )  # fmt: skip
    card = RouterCard(
        version="7", kinds=KINDS, systems=limits, contract=CONTRACT, neighbour=3, data=(), training=training,
        parameters=0, weights_sha256="", statistics_sha256="",
    )  # fmt: skip
    save(net, statistics, card, weights / FOLDER)
    return weights / FOLDER
