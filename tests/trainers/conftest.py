"""One thread, and the small simulated set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.trainers.small import write_brain_lgg


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data root that holds a small ``brain-lgg``."""
    root = tmp_path_factory.mktemp("data")
    write_brain_lgg(root / "brain-lgg")
    return root
