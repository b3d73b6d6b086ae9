"""Images are read from any address that fsspec knows, and nothing of an address that is secret is shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from core.engine.engine import Engine
from core.errors import ArchiveError, LimitExceededError
from core.imaging.limits import Limits
from core.review.batch import sources
from core.review.batch.score import score

SAME = ["path", "model", "finding", "error"]


def test_a_folder_and_a_zip_behind_an_address_score_as_the_folder_does(
    engine: Engine, folder: Path, tmp_path: Path
) -> None:
    score(str(folder), tmp_path / "here.csv", engine, "brain-mr", processes=0)
    memory = fsspec.filesystem("memory")
    memory.put(f"{folder}/", "/bucket/scans/", recursive=True)
    shutil.make_archive(str(tmp_path / "scans"), "zip", folder)
    memory.put(str(tmp_path / "scans.zip"), "/bucket/scans.zip")
    expected = pd.read_csv(tmp_path / "here.csv")
    for number, address in enumerate(("memory://bucket/scans", "memory://bucket/scans.zip", f"file://{folder}")):
        out = tmp_path / f"{number}.csv"
        score(address, out, engine, "brain-mr", processes=0)
        pd.testing.assert_frame_equal(pd.read_csv(out)[SAME], expected[SAME])


def test_an_address_that_cannot_be_read_is_told_without_its_secrets(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be read") as told:
        score("ftp://mary:secret@127.0.0.1:9/scans?token=hidden", tmp_path / "rows.csv", engine)
    assert "ftp://127.0.0.1:9/scans" in str(told.value)
    for secret in ("mary", "secret", "hidden"):
        assert secret not in str(told.value)
    with pytest.raises(ArchiveError, match="cannot be read"):
        score("gopher://somewhere/scans", tmp_path / "rows.csv", engine)


def test_more_than_the_limit_is_not_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ARCHIVE_LIMITS", Limits(files=2))
    with pytest.raises(LimitExceededError, match="more than 2 files"), sources.opened(f"file://{folder}"):
        pass
    monkeypatch.setattr(sources, "ARCHIVE_LIMITS", Limits(total_bytes=1000))
    with pytest.raises(LimitExceededError, match="MiB"), sources.opened(f"file://{folder}"):
        pass
