"""A folder with the four brain models, of which three vote."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.engine.engine import Engine
from core.weights.card import Threshold
from tests.engine.installed import install


@pytest.fixture(scope="package")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of brain-mr; tests that change them copy the folder."""
    weights = tmp_path_factory.mktemp("weights")
    install(weights, "brain-mr", "unet", "resunet", role="segmenter", gate="unet", mask_threshold=0.3)
    install(weights, "brain-mr", "resnet50", "resnet18", temperature=2.0, test_time_flips=("horizontal",))
    install(
        weights,
        "brain-mr",
        "resunet",
        "resunet",
        role="segmenter",
        gate="resnet50",
        mask_threshold=0.3,
        threshold=Threshold(value=0.2, rule="fixed", data="none", n=0),
    )
    install(weights, "brain-mr", "slab", "slab3d")  # of one slice, as the others here
    return weights


@pytest.fixture(scope="package")
def engine(brain: Path) -> Engine:
    return Engine(brain)
