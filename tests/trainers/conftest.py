"""Float32 where a test asks for it, and the small simulated set."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trainers.small import write_brain_lgg
from trainers.fitting import precision


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests whose outcome must not depend on whether the processor at hand computes in bfloat16.

    Few images, and networks of an hour's training shrunk to seconds: there a rounding turns two cases round.
    """
    monkeypatch.setattr(precision, "best_precision", lambda accelerator="auto": "32-true")


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data root that holds a small ``brain-lgg``."""
    root = tmp_path_factory.mktemp("data")
    write_brain_lgg(root / "brain-lgg")
    return root
