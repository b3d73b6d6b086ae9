"""An inbox and a store that a node works with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.review.store import Store
from dashboard.service.node.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "dicom")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.open(str(tmp_path / "store"))
    yield made
    made.close()
