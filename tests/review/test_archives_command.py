"""The command line, and the proof by planted labels on models whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from core.review import Store
from core.review.archives import check_drift, installed
from core.review.archives.__main__ import app
from core.review.archives.planting import HeldOut, held_out, prove, spread
from core.weights.folder import CARD
from core.weights.predictions import PREDICTIONS
from tests.review.archive_kit import SYSTEM, GreyEngine, card, folder, image, real


def _models(root: Path, data: Path) -> GreyEngine:
    """Cards and predictions of the grey engine for twelve patients of ten pictures, which are written too."""
    engine = GreyEngine(weights=root)
    rng = np.random.default_rng(3)
    rows = []
    for p in range(12):
        for k in range(10):
            truth = int(rng.random() < 0.4)
            level = float(np.clip(rng.normal(0.8 if truth else 0.2, 0.12), 0.05, 0.95))
            name = f"images/P{p}/{k}.png"
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_bytes(image(level, 100 * p + k))
            rows.append((name, f"P{p}", "validation" if p < 6 else "test", truth, level))
    for name, bias in engine.bias.items():
        frame = pd.DataFrame(rows, columns=["id", "group", "split", "truth", "level"])
        p1 = (frame.pop("level") + bias).clip(1e-3, 1 - 1e-3)
        frame["logit_0"] = np.log(p1 / (1 - p1)).astype(np.float32)
        (root / SYSTEM / name).mkdir(parents=True)
        card(name).save(root / SYSTEM / name / CARD)
        frame.to_parquet(root / SYSTEM / name / PREDICTIONS)
    return engine


def test_planted_labels_stand_in_front(sqlite_store: Store, tmp_path: Path) -> None:
    engine = _models(tmp_path / "weights", tmp_path / "data")
    models = installed(engine, SYSTEM)
    assert len(held_out(models)) == 120
    told = prove(sqlite_store, engine, SYSTEM, tmp_path / "data", tmp_path / "source", most=60, repeats=3)
    assert (told.images, told.patients, told.available) == (60, 12, 120)
    assert told.trial.planted == 5
    assert (told.trial.found, told.trial.top, told.trial.share) == (5, 6, 1.0)
    assert told.trial.chance == pytest.approx(0.1)
    assert [t.share for t in told.repeats] == [1.0] * 3
    assert len({t.seed for t in (told.trial, *told.repeats)}) == 4
    # the archive looks like the calibration set it was half taken from
    (archive,) = sqlite_store.archives()
    drifts = [one.drift for one in check_drift(sqlite_store, archive.id or 0, models)]
    assert all(d is not None and d.n == 60 and d.reference_n == 60 and not d.warns for d in drifts)
    assert len(sqlite_store.drift(SYSTEM, archive.id)) == 3


def test_slices_are_taken_from_all_patients() -> None:
    rows = [HeldOut(f"{p}/{k:03d}", f"P{p}", False) for p in range(7) for k in range(5 + 10 * p)]
    some = spread(rows, 100)
    assert len(some) == len(set(some)) == 100
    assert {row.patient for row in some} == {f"P{p}" for p in range(7)}
    assert spread(rows, 10_000) == rows


def test_the_command_line(tmp_path: Path) -> None:
    runner, store = CliRunner(), str(tmp_path / "store")
    root = folder(tmp_path / "set", {"A": [(0.2, 0), (0.8, 1)]})
    (root / "spoilt.png").write_bytes(b"no picture")
    with (root / "index.csv").open("a") as sheet:
        sheet.write("spoilt.png,A,0,,\n")
    done = runner.invoke(app, ["import", "trial", str(root), "--system", SYSTEM, "--store", store])
    assert done.exit_code == 0, done.output
    (unread,) = [row for row in Store.open(store).import_report(1) if row.outcome == "unreadable"]
    assert f"unreadable: {unread.path}" in done.output
    assert real(Store.open(store), unread.path) == "spoilt.png"
    none = runner.invoke(app, ["score", "trial", "--system", SYSTEM, "--store", store, "--weights", str(tmp_path)])
    assert none.exit_code == 2
    assert "No model of Brain MR is installed" in none.output
    missing = runner.invoke(app, ["list", "nothing", "--system", SYSTEM, "--store", store, "--weights", str(tmp_path)])
    assert missing.exit_code == 2
    failed = runner.invoke(app, ["import", "trial", str(tmp_path / "empty.csv"), "--store", store])
    assert failed.exit_code == 2
    assert "There is no" in failed.output
