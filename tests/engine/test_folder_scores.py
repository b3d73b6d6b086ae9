"""A folder's scores are what the engine says of each image; what cannot be read keeps its reason."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest

from core.engine.engine import Engine
from core.errors import ArchiveError
from core.imaging import read
from core.review.archives.folder_scores import COLUMNS, check, score_folder, write
from core.simulate.samples import FOLDER

NAMES = ("brain-mr-04.png", "brain-mr-05.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "scans"
    (made / "deep").mkdir(parents=True)
    shutil.copy(FOLDER / NAMES[0], made)
    shutil.copy(FOLDER / NAMES[1], made / "deep")
    (made / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return made


def test_one_row_an_image_and_model_and_the_answer_is_the_engines(engine: Engine, folder: Path, tmp_path: Path) -> None:
    told = list(score_folder(folder, engine, "brain-mr"))
    assert [(number, total) for number, total, _ in told] == [(1, 3), (2, 3), (3, 3)]
    rows = [row for _, _, some in told for row in some]
    write(rows, tmp_path / "rows.csv")
    write(rows, tmp_path / "rows.parquet")
    table = pd.read_csv(tmp_path / "rows.csv")
    same = ["path", "model", "finding", "threshold", "error"]
    pd.testing.assert_frame_equal(table[same], pd.read_parquet(tmp_path / "rows.parquet")[same], check_dtype=False)
    assert tuple(table.columns) == COLUMNS

    for name, path in ((NAMES[0], NAMES[0]), (NAMES[1], f"deep/{NAMES[1]}")):
        review = engine.review(read([(name, (FOLDER / name).read_bytes())]), "brain-mr")
        said = {r.state.name: float(r.finding[review.peak]) for r in review.results if r.finding is not None}
        kept = table[table["path"] == path].set_index("model")["finding"]
        assert len(said) == 3
        assert kept.to_dict() == pytest.approx(said, abs=1e-6)

    broken = table[table["path"] == "broken.png"]
    assert len(broken) == 1
    assert "damaged" in broken["error"].item() or "PNG" in broken["error"].item()
    assert math.isnan(broken["finding"].item())


def test_a_place_that_cannot_be_written_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="neither a CSV nor a Parquet"):
        check(tmp_path / "rows.xlsx")
    with pytest.raises(ArchiveError, match="no folder"):
        check(tmp_path / "nowhere" / "rows.csv")
