"""A small router with made-up limits, written the way a trained one is."""

from __future__ import annotations

from pathlib import Path

import torch

from core.models.router_net import RouterNet
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
        net.head[-1].weight.zero_()
        net.head[-1].bias.copy_(torch.eye(len(KINDS))[favourite] * 10)
    limits = {
        system: Limit(kinds=(kind,), threshold=threshold, spread=1.0)
        for system, kind in (("brain-mr", KINDS[0]), ("chest-ct", KINDS[1]))
    }
    training = Training(
        recipe="tests", recipe_sha256="", initial_weights="random", date="2026-01-01", code_version="", device="cpu",
        minutes=0, epochs=0, seed=3,
    )  # fmt: skip
    card = RouterCard(
        version="7", kinds=KINDS, systems=limits, contract=CONTRACT, data=(), training=training,
        parameters=0, weights_sha256="",
    )  # fmt: skip
    save(net, card, weights / FOLDER)
    return weights / FOLDER
