"""``python -m trainers discrepancies``: its figures recomputed from its own list and from the stored predictions."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from typer.testing import CliRunner

from core.discrepancies.signals import validation_signals
from core.engine.engine import Engine
from core.errors import DataLayoutError, DiscrepancyError, ModelUnavailableError
from core.imaging.study import SourceKind, Study
from core.systems import SYSTEMS
from tests.cards import rewrite
from tests.engine.installed import install
from tests.evidence import made
from tests.trainers.folders import brain_lgg, lung_ct
from trainers.__main__ import app
from trainers.data.digests import DIGESTS, pixel_digest, write_digests
from trainers.data.sets import load_items
from trainers.measuring.discrepancy_scores import held_out, score

LABELS = SYSTEMS["brain-mr"].labels


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("stored"))


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return brain_lgg(tmp_path_factory.mktemp("brain"), patients=6, slices=1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    install(folder, "brain-mr", "resnet50", "resnet18")
    install(folder, "brain-mr", "unet", role="segmenter")
    return folder


def run(*words: object) -> None:
    result = CliRunner().invoke(app, ["discrepancies", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("system", ["brain-mr", "chest-ct"])
def test_figures_follow_from_the_list_and_the_stored_predictions(stored: Path, tmp_path: Path, system: str) -> None:
    figures, ranked = tmp_path / "a.json", tmp_path / "a.csv"
    run("--system", system, "--stored", "--weights", stored, "--plant", 0.1, "--seed", 4, "--repeats", 3,
        "--json", figures, "--out", ranked)  # fmt: skip
    said, table = json.loads(figures.read_text()), pd.read_csv(ranked)
    top = math.ceil(0.1 * len(table))
    assert (said["n"], said["planted"], said["top"]) == (len(table), int(table["planted"].sum()), top)
    assert 0.05 * said["n"] < said["planted"] <= top
    by_patient = table.groupby("group")["planted"].agg(["min", "max"])
    assert (by_patient["min"] == by_patient["max"]).all()
    assert said["planted_groups"] == int(by_patient["max"].sum())
    assert said["found_in_top_decile"]["ours"] == pytest.approx(table["planted"][:top].sum() / said["planted"])
    assert said["precision_in_top_decile"]["ours"] == pytest.approx(table["planted"][:top].mean())
    assert said["found_in_top_decile"]["chance"] == pytest.approx(top / len(table))
    assert table["probability_wrong"].is_monotonic_decreasing

    # The loss of the mean probability, from the files: temperature 1.6 on every card.
    frames = [pd.read_parquet(p).set_index("id") for p in sorted((stored / system).glob("*/predictions.parquet"))]
    p = np.mean([expit(f["logit_0"].loc[table["id"]].to_numpy(float) / 1.6) for f in frames], 0)
    truth = frames[0]["truth"].loc[table["id"]].to_numpy() > 0
    recorded = truth ^ table["planted"].to_numpy()
    worst = np.argsort(np.where(recorded, p, 1 - p), kind="stable")[:top]
    assert said["found_in_top_decile"]["loss"] == pytest.approx(
        table["planted"].to_numpy()[worst].sum() / said["planted"]
    )
    assert said["found_in_top_decile"]["cleanlab"] == pytest.approx(said["found_in_top_decile"]["loss"])

    repeats = said["repeats"]
    assert repeats["seeds"] == [4, 5, 6]
    assert repeats["planted"][0] == said["planted"]
    assert repeats["found_in_top_decile"]["ours"]["least"] <= said["found_in_top_decile"]["ours"]
    assert said["labels_belong_to"] == ("patient" if system == "chest-ct" else "image")
    assert all(len(m["weights_sha256"]) == 64 for m in said["models"].values())


def test_planted_validation_images_are_known_by_their_recorded_label_only(stored: Path) -> None:
    """Profiles of signals rest on what is recorded: with every label turned over the models are worth nothing."""
    known = validation_signals(stored / "chest-ct", ["densenet121", "resnet50", "efficientnet-b0"])
    assert set(known.signals) == {"densenet121", "resnet50"}
    right = known.profiles()
    turned = {(str(g), str(i)): not t for g, i, t in zip(known.groups, known.ids, known.finding.tolist(), strict=True)}
    wrong = known.profiles(turned)
    assert right.get("densenet121").slope > 0.3
    assert wrong.get("densenet121").slope < 0.05
    elsewhere = {("another patient", i): t for (_, i), t in turned.items()}
    assert known.profiles(elsewhere) == right
    assert validation_signals(stored / "breast-mri", ["none"]).profiles().of == {}


def test_training_pictures_and_their_patients_are_left_out(brain: Path) -> None:
    items = load_items("brain-lgg", brain)
    first, second = items[0].series.pixels, items[1].series.pixels
    seen = {pixel_digest(plane) for plane in first}
    assert [k.sum() for k in held_out(items, seen)] == [0, *[i.series.slices for i in items[1:]]]
    seen = {pixel_digest(second[0])}  # one picture of a patient: only that one goes
    assert held_out(items, seen)[1].tolist() == [False] + [True] * (len(second) - 1)
    most = {pixel_digest(plane) for plane in second}
    assert not held_out(items, most)[1].any()


def test_scores_are_the_engines_and_are_kept(
    weights: Path, brain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, engine, cache = load_items("brain-lgg", brain), Engine(weights), tmp_path / "kept.parquet"
    first = score("brain-mr", items, LABELS, engine, set(), cache)
    review = engine.review(Study("x", SourceKind.RASTER, (items[2].series,), ""), "brain-mr")
    rows = [list(first.ids).index(i) for i in items[2].ids]
    for result in review.ready:
        assert first.probabilities[result.state.name][rows] == pytest.approx(result.finding)
    drawn = next(r.mask for r in review.ready if r.mask is not None)
    assert first.mask_pixels["unet"][rows].tolist() == drawn.sum((1, 2)).tolist()
    assert set(first.mask_pixels) == {"unet"}
    assert first.recorded[rows].tolist() == [label == "tumour" for label in items[2].labels]

    asked: list[str] = []
    real = Engine.review
    monkeypatch.setattr(
        Engine, "review", lambda self, study, *a, **k: asked.append(study.name) or real(self, study, *a, **k)
    )
    again = score("brain-mr", items, LABELS, Engine(weights), set(), cache)
    assert asked == []
    for name in first.probabilities:
        assert again.probabilities[name] == pytest.approx(first.probabilities[name])
    brighter = replace(items[0], series=replace(items[0].series, pixels=items[0].series.pixels + 1))
    score("brain-mr", [brighter, *items[1:]], LABELS, Engine(weights), set(), cache)
    assert asked == [items[0].group]


def test_answers_of_another_version_of_the_weights_are_not_taken_for_these(
    weights: Path, brain: Path, tmp_path: Path
) -> None:
    items, cache = load_items("brain-lgg", brain), tmp_path / "kept.parquet"
    first = score("brain-mr", items, LABELS, Engine(weights), set(), cache)
    shutil.copytree(weights, tmp_path / "packed")
    rewrite(tmp_path / "packed" / "brain-mr" / "resnet50" / "card.json", version="2", temperature=3.0)
    found = score("brain-mr", items, LABELS, Engine(tmp_path / "packed"), set(), cache)
    odds = np.log(first.probabilities["resnet50"] / (1 - first.probabilities["resnet50"]))
    assert found.probabilities["resnet50"] == pytest.approx(expit(odds / 3), abs=1e-6)
    assert np.abs(odds).max() > 0.1
    # neither pushes the other out of the file
    again = score("brain-mr", items, LABELS, Engine(weights), set(), cache)
    assert again.probabilities["resnet50"].tolist() == first.probabilities["resnet50"].tolist()


def test_single_pictures_in_batches_get_the_answers_they_get_alone(tmp_path: Path) -> None:
    install(tmp_path / "w", "chest-ct", "densenet121", "resnet18")
    install(tmp_path / "w", "chest-ct", "resnet50", "resnet18")
    items, engine = load_items("lung-ct", lung_ct(tmp_path / "lung", groups=3)), Engine(tmp_path / "w")
    found = score("chest-ct", items, SYSTEMS["chest-ct"].labels, engine, set(), None)
    assert len(found.ids) == len(items) > 3
    for row, item in enumerate(items):
        review = engine.review(Study("x", SourceKind.RASTER, (item.series,), ""), "chest-ct")
        for result in review.ready:
            assert result.finding is not None
            assert found.probabilities[result.state.name][row] == pytest.approx(float(result.finding[0]), abs=1e-5)
        assert found.stopped is not None
        assert review.gate is not None
        assert bool(found.stopped[row]) == (review.gate.state == "stopped")


def test_a_stopped_run_keeps_what_it_has(
    weights: Path, brain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, cache = load_items("brain-lgg", brain), tmp_path / "kept.parquet"
    monkeypatch.setattr("trainers.measuring.discrepancy_cache.SAVE_EVERY", -1.0)

    def stop(fraction: float) -> None:
        if fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score("brain-mr", items, LABELS, Engine(weights), set(), cache, progress=stop)
    kept = pd.read_parquet(cache)["series"].nunique()
    assert 0 < kept < len(items)
    asked: list[str] = []
    real = Engine.review
    monkeypatch.setattr(
        Engine, "review", lambda self, study, *a, **k: asked.append(study.name) or real(self, study, *a, **k)
    )
    score("brain-mr", items, LABELS, Engine(weights), set(), cache)
    assert len(asked) == len(items) - kept


def test_command_on_a_folder(weights: Path, brain: Path, tmp_path: Path) -> None:
    items = load_items("brain-lgg", brain)
    write_digests(weights / "brain-mr" / "resnet50" / DIGESTS, items[:1])
    figures = tmp_path / "b.json"
    run("--system", "brain-mr", "--data", brain, "--weights", weights, "--plant", 0.2, "--json", figures)
    said = json.loads(figures.read_text())
    assert said["left_out_training_pictures"] == items[0].series.slices
    assert said["left_out_groups"] == 1
    assert said["groups"] == len(items) - 1
    assert set(said["found_in_top_decile"]) == {"ours", "cleanlab", "loss", "chance"}
    assert (tmp_path / "b.probabilities.parquet").is_file()
    (weights / "brain-mr" / "resnet50" / DIGESTS).unlink()


def test_refusals_say_what_helps(weights: Path, stored: Path, brain: Path, tmp_path: Path) -> None:
    with pytest.raises(DataLayoutError, match="Known: brain-mr"):
        run("--system", "knee", "--stored")
    with pytest.raises(DataLayoutError, match="either --data or --stored"):
        run("--system", "brain-mr")
    with pytest.raises(ModelUnavailableError, match="has weights"):
        run("--system", "brain-mr", "--data", brain, "--weights", tmp_path)
    with pytest.raises(DiscrepancyError, match="stored predictions"):
        run("--system", "breast-mri", "--stored", "--weights", stored)
    small = lung_ct(tmp_path / "lung", groups=1)
    install(tmp_path / "w", "chest-ct", "densenet121", "resnet18")
    with pytest.raises(DiscrepancyError, match="3 patients are too few"):
        run("--system", "chest-ct", "--data", small, "--weights", tmp_path / "w", "--plant", 0.1)
