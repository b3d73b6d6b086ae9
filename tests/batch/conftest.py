from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.simulate.samples import FOLDER
from tests.engine.conftest import brain, engine  # noqa: F401

NAMES = ("brain-mr-04.png", "brain-mr-05.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two readable images, one of them deeper, and a damaged one."""
    made = tmp_path / "scans"
    (made / "deep").mkdir(parents=True)
    shutil.copy(FOLDER / NAMES[0], made)
    shutil.copy(FOLDER / NAMES[1], made / "deep")
    (made / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return made
