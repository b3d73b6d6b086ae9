"""A folder's scores are what the engine says of each image; what cannot be read keeps its reason."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from core.engine.engine import Engine
from core.errors import ArchiveError, SystemMismatchError
from core.imaging import read
from core.review.batch.rows import COLUMNS
from core.review.batch.score import score
from core.simulate.samples import FOLDER
from tests.batch.conftest import NAMES


def test_one_row_an_image_and_model_and_the_answer_is_the_engines(engine: Engine, folder: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    done = score(
        str(folder), tmp_path / "rows.csv", engine, "brain-mr", processes=0, told=lambda *at: told.append(at), chunk=2
    )
    assert (done.rows, done.images, done.failed) == (9, 3, 1)
    assert told == [(1, 3), (2, 3), (3, 3)]
    score(str(folder), tmp_path / "rows.parquet", engine, "brain-mr", processes=1)
    table = pd.read_csv(tmp_path / "rows.csv")
    same = ["image", "path", "model", "finding", "threshold", "error"]
    pd.testing.assert_frame_equal(table[same], pd.read_parquet(tmp_path / "rows.parquet")[same], check_dtype=False)
    assert tuple(table.columns) == COLUMNS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv", "rows.parquet", "scans"]

    for name, path in ((NAMES[0], NAMES[0]), (NAMES[1], f"deep/{NAMES[1]}")):
        review = engine.review(read([(name, (FOLDER / name).read_bytes())]), "brain-mr")
        said = {r.state.name: float(r.finding[review.peak]) for r in review.results if r.finding is not None}
        kept = table[table["path"] == path].set_index("model")["finding"]
        assert len(said) == 4
        assert kept.to_dict() == pytest.approx(said, abs=1e-6)
        # Counted from 1, as on the page that shows it and in a report's rows.
        assert set(table[table["path"] == path]["slice_number"]) == {review.peak + 1}

    broken = table[table["path"] == "broken.png"]
    assert len(broken) == 1
    assert "damaged" in broken["error"].item() or "PNG" in broken["error"].item()
    assert math.isnan(broken["finding"].item())


def test_what_cannot_be_done_is_refused_first(tmp_path: Path, folder: Path, engine: Engine) -> None:
    with pytest.raises(ArchiveError, match="neither a CSV nor a Parquet"):
        score(str(folder), tmp_path / "rows.xlsx", engine)
    with pytest.raises(ArchiveError, match="no folder"):
        score(str(folder), tmp_path / "nowhere" / "rows.csv", engine)
    with pytest.raises(SystemMismatchError):
        score(str(folder), tmp_path / "rows.csv", engine, "knee")
