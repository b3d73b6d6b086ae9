"""Trainings repeated with other seeds or another start: what is written, resumed, and left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.metrics import recall_score, roc_auc_score
from typer.testing import CliRunner

from core.errors import ModelUnavailableError, OverreadError, RecipeError
from core.models.registry import create
from core.preprocessing.prepare import prepare
from core.statistics.segmentation import dice
from core.weights import repeats
from core.weights.repeats import add_entry
from tests.trainers.small import write_recipe
from trainers.__main__ import app
from trainers.commands import gain, seeds
from trainers.data.parts import read_parts
from trainers.fitting.fit import train_recipe
from trainers.fitting.initial import BACKBONE
from trainers.fitting.precision import make_fabric
from trainers.fitting.recipe import Recipe, load_recipe
from trainers.measuring.repeat import Setting
from trainers.measuring.scoring import Scored

pytestmark = pytest.mark.usefixtures("float32")
# a classifier: the smallest network that ``ours`` can start
CLASSIFIER = {
    "architecture": "resnet18",
    "role": "classifier",
    "gate": "null",
    "model": "resnet50",
    "contract": "{channels: 1, height: 32, width: 32, scaling: z-score}",
    "loss": "{image: cross-entropy}",
    "monitor": "auc",
    "epochs": "2",
    "epoch_images": "8",
    "lr": "1.0e-5",  # hardly learns: else every seed would answer all of these easy pictures rightly
}


def small(folder: Path, **changes: str) -> Recipe:
    return load_recipe(str(write_recipe(folder, "small", **{**CLASSIFIER, **changes})))


def run(recipe: Recipe, data: Path, folder: Path, **changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"seeds": 2, "epochs": None, "minutes": None, **changes}
    setting = Setting(data, folder / "runs", folder / "weights", make_fabric())
    return seeds.seed_spread(recipe, setting=setting, **options)


@pytest.fixture(scope="module")
def spread(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("seeds")
    return folder, run(small(folder), data, folder)


def test_the_spread_is_read_by_the_pages(spread: tuple[Path, dict[str, Any]], data: Path) -> None:
    folder, entry = spread
    (read,) = repeats.seed_spread(folder / "weights" / "brain-mr")
    assert (read.model, read.seeds, list(read.auc)) == ("resnet50", (0, 1), entry["auc"])
    assert read.auc[0] != read.auc[1]
    assert "12 slices of 3 groups" in read.note
    assert "2 epochs each" in read.note
    assert "balanced accuracy" in read.note
    assert not list(folder.rglob("*.safetensors"))  # nothing is shipped
    assert sorted(p.name for p in (folder / "weights").rglob("*.*")) == ["seeds.json"]


def test_each_figure_is_that_of_its_own_checkpoint(spread: tuple[Path, dict[str, Any]], data: Path) -> None:
    """Test slices asked one by one with the best weights of the seed's checkpoint, in plain torch."""
    folder, entry = spread
    recipe = small(folder)
    test = read_parts(recipe, data).test
    for seed, auc in zip((0, 1), entry["auc"], strict=True):
        state = torch.load(folder / "runs" / f"small.seed-{seed}" / "last.pt", weights_only=True)
        net = create("resnet18", classes=2, channels=1, size=(32, 32))
        net.load_state_dict(state["best"])
        with torch.inference_mode():
            logits = torch.cat([net.eval()(prepare(i.series, recipe.contract)) for i in test])[:, 0]
        truth = [label == "tumour" for i in test for label in i.labels]
        assert auc == pytest.approx(roc_auc_score(truth, logits.numpy()), abs=1e-9)


def test_a_stopped_command_trains_only_what_is_missing(
    spread: tuple[Path, dict[str, Any]], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, entry = spread
    trained: list[str] = []
    fitted = seeds.fitted
    monkeypatch.setattr(seeds, "fitted", lambda run, m: trained.append(run.recipe.source) or fitted(run, m))  # type: ignore[func-returns-value]
    assert run(small(folder), data, folder) == entry
    assert trained == []
    (folder / "runs" / "small.seed-1" / seeds.RESULT).write_text('{"key": "cut o')
    assert run(small(folder), data, folder) == entry  # its checkpoint is whole: measured again, not trained
    assert trained == ["small.seed-1"]


def test_the_recipes_own_finished_run_is_its_first_seed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small(tmp_path, epochs="1")
    common: dict[str, Any] = {"folder": data, "runs": tmp_path / "runs", "weights": tmp_path / "weights"}
    train_recipe(recipe, **common, minutes=None, resume=False, fabric=make_fabric(), finish=False)
    trained: list[str] = []
    fitted = seeds.fitted
    monkeypatch.setattr(seeds, "fitted", lambda run, m: trained.append(run.recipe.source) or fitted(run, m))  # type: ignore[func-returns-value]
    run(recipe, data, tmp_path)
    assert trained == ["small", "small.seed-1"]


def test_a_recipe_that_goes_on_from_its_own_model_has_no_second_seed(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="goes on from the model it replaces"):
        run(small(tmp_path, initial_weights="model:brain-mr/resnet50"), data, tmp_path)


def test_too_short_a_time_is_told(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no epoch was completed"):
        run(small(tmp_path), data, tmp_path, minutes=1e-9)
    assert not (tmp_path / "weights").exists()


def pretrained(folder: Path, data: Path, recipe: Recipe, *, split: str | None = None, labels: bool = True) -> None:
    """A backbone as ``pretrain`` leaves it."""
    (use,) = read_parts(recipe, data).use
    net = create("resnet18", classes=2, channels=3, size=(32, 32))
    out = folder / "weights" / "pretrained" / "resnet18"
    out.mkdir(parents=True)
    save_file({k: v.contiguous() for k, v in net.backbone.state_dict().items()}, out / BACKBONE)
    about = {"splits": {"other: brain-lgg": split or use.split_fingerprint, "other: lung-ct": "something"}}
    about |= {} if labels else {"labels_seen": False}
    (out / "about.json").write_text(json.dumps(about))


@pytest.mark.parametrize("labels", [True, False])
def test_the_gain_is_read_by_the_pages(data: Path, tmp_path: Path, labels: bool) -> None:
    path = write_recipe(tmp_path, "small", **CLASSIFIER)
    recipe = load_recipe(str(path))
    command = ["gain", "--recipe", str(path), "--epochs", "1", "--data", str(data), "--accelerator", "cpu"]
    command += ["--runs", str(tmp_path / "runs"), "--weights", str(tmp_path / "weights"), "--threads", "1"]
    with pytest.raises(ModelUnavailableError, match="no pretrained backbone"):
        CliRunner().invoke(app, command, catch_exceptions=False)
    pretrained(tmp_path, data, recipe, labels=labels)
    assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    (read,) = repeats.pretraining(tmp_path / "weights")
    assert (read.recipe, read.monitor) == ("small", "validation AUC")
    assert "1 epoch each" in read.note
    assert "12 validation slices of 3 groups" in read.note
    assert read.note.endswith("without a label.") is not labels
    for start, value in (("scratch", read.scratch), ("ours", read.ours)):
        state = torch.load(tmp_path / "runs" / f"small.gain-{start}-1-epochs" / "last.pt", weights_only=True)
        assert value == pytest.approx(state["progress"]["curve"][0]["auc"], abs=1e-6)
    assert sorted(p.name for p in (tmp_path / "weights").glob("*")) == ["pretrained", "pretraining.json"]


def test_a_comparison_needs_a_budget_and_the_same_split(data: Path, tmp_path: Path) -> None:
    path = write_recipe(tmp_path, "small", **CLASSIFIER)
    with pytest.raises(RecipeError, match="budget"):
        CliRunner().invoke(app, ["gain", "--recipe", str(path)], catch_exceptions=False)
    recipe = load_recipe(str(path))
    pretrained(tmp_path, data, recipe, split="0" * 16)
    with pytest.raises(RecipeError, match="another split of brain-lgg"):
        gain.check_split(recipe, read_parts(recipe, data), tmp_path / "weights" / "pretrained")


def scores(seed: int, skill: float) -> Scored:
    """Sixty slices of twelve groups, with masks of varying overlap."""
    rng = np.random.default_rng(seed)
    truth = np.tile([False, True, True, False, True], 12)
    logits = np.where(truth, skill, -skill)[:, None] + rng.normal(size=(60, 1))
    truths = [np.pad(np.ones((4, 4), bool), 3) & t for t in truth]
    masks = [np.roll(t, int(rng.integers(0, 4)), 1) for t in truths]
    finding = 1 / (1 + np.exp(-logits[:, 0]))
    groups = np.repeat(np.arange(12), 5)
    return Scored(np.arange(60), groups, truth.astype(int), truth, logits, finding, masks, truths, 0.0)


@pytest.mark.parametrize("figure", sorted(gain.FIGURES))
def test_the_compared_figures_are_scikit_learns(figure: str) -> None:
    first, second = scores(1, 2.0), scores(2, 0.3)
    found = gain.compared(figure, first, second)

    def by_hand(s: Scored) -> float:
        if figure == "auc":
            return float(roc_auc_score(s.truth, s.finding))
        if figure == "dice":
            assert s.masks is not None
            assert s.truths is not None
            rows = [np.flatnonzero(s.groups == g) for g in range(12)]
            return float(
                np.mean([dice(np.stack([s.masks[i] for i in r]), np.stack([s.truths[i] for i in r])) for r in rows])
            )
        answer = s.logits[:, 0] > 0
        return float(
            recall_score(s.truth, answer, average="macro") if figure == "macro_recall" else (answer == s.truth).mean()
        )

    assert (found.first, found.second) == pytest.approx((by_hand(first), by_hand(second)))
    assert found.difference.low <= found.difference.value <= found.difference.high
    assert found.difference.groups == 12


def test_entries_are_replaced_by_name_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "x" / "list.json"
    for entry in ({"recipe": "b", "n": 1}, {"recipe": "a", "n": 2}, {"recipe": "b", "n": 3}):
        add_entry(path, entry, "recipe")
    assert json.loads(path.read_text()) == [{"recipe": "a", "n": 2}, {"recipe": "b", "n": 3}]
    path.write_text("{")
    with pytest.raises(OverreadError, match="cannot be read"):
        add_entry(path, {"recipe": "a"}, "recipe")
