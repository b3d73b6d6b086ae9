"""Every recipe trains: epochs of two small batches, at a reduced size, on simulated folders like the real sets."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file

from core.preprocessing.contract import InputContract
from tests.trainers import folders
from trainers.data import parts
from trainers.data.items import Item
from trainers.fitting.fit import train_recipe
from trainers.fitting.loop import Run
from trainers.fitting.pooled import read_tasks
from trainers.fitting.recipe import RECIPES, Augment, Recipe, as_trial, load_recipe, with_initial_weights
from trainers.fitting.supervised import Pretraining
from trainers.measuring.repeat import Bench, Setting

NAMES = sorted(p.stem for p in RECIPES.rglob("*.yaml"))
FABRIC = Fabric(accelerator="cpu", devices=1, precision="32-true")
pytestmark = pytest.mark.usefixtures("float32")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Data root; every set is read once for all recipes."""
    read = parts.load_items

    @lru_cache(maxsize=32)
    def once(name: str, folder: Path | None, limit: int | None) -> list[Item]:
        return read(name, folder, limit=limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "load_items", lambda name, folder=None, *, limit=None: once(name, folder, limit))
        yield folders.data_root(tmp_path_factory.mktemp("sets"))


def reduced(recipe: Recipe) -> Recipe:
    """A trial of the recipe from scratch on small pictures: the networks are the same, the seconds are not."""
    side = 96 if recipe.architecture == "inception_resnet_v2" else 64
    tall = recipe.contract.height > recipe.contract.width
    contract = {**recipe.contract.model_dump(), "height": side + 32 * tall, "width": side}
    trial = as_trial(with_initial_weights(recipe, "scratch"))
    small = InputContract.model_validate(contract)
    return trial.model_copy(update={"contract": small, "teacher": None})  # which reads the whole size


def run(recipe: Recipe, root: Path, out: Path, *, resume: bool = False, pretrained: Path | None = None):  # type: ignore[no-untyped-def]
    return train_recipe(
        recipe,
        folder=root,
        runs=out / "runs",
        weights=out / "weights",
        minutes=2,
        resume=resume,
        fabric=FABRIC,
        finish=False,
        pretrained=pretrained,
    )


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints stay in memory: up to a gigabyte each, and other tests write and read them."""
    held: dict[str, Any] = {}

    def save(state: dict[str, Any], path: Path) -> None:
        held["state"] = copy.deepcopy(state)
        path.touch()

    monkeypatch.setattr(torch, "save", save)
    monkeypatch.setattr(torch, "load", lambda path, **_: held["state"])


@pytest.mark.usefixtures("in_memory")
@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_trains_and_resumes_and_its_loss_falls(name: str, root: Path, tmp_path: Path) -> None:
    recipe = reduced(load_recipe(name))
    bench = Bench.of(recipe, Setting(root, tmp_path, tmp_path, FABRIC))
    first = bench.run(recipe)
    assert first._epoch(math.inf)  # and here it is killed
    resumed = bench.run(recipe)
    assert resumed.progress.epoch == 1
    after = resumed.net.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in first.net.state_dict().items())
    progress = resumed.fit(minutes=2)
    assert [row["epoch"] for row in progress.curve] == [1, 2]
    assert all(math.isfinite(row["loss"]) for row in progress.curve)
    assert recipe.monitor in progress.curve[0]
    assert (tmp_path / recipe.source / "tensorboard").is_dir()
    assert falling(resumed)


def falling(run: Run) -> bool:
    """Whether the loss falls when the same few images are shown again and again, unchanged and without dropout."""
    rows = run._rows(0)[:4]
    run.recipe = run.recipe.model_copy(update={"augment": Augment()})
    run.net.freeze_stages(0)
    run.parts.train()
    for group in run.optimizer.param_groups:
        group["lr"] = 1e-4  # a network without batch norm overshoots at more
    for module in run.parts.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    rng = torch.Generator().manual_seed(0)
    losses = [run._step(rows, rng) for _ in range(10)]
    return sum(losses[-2:]) < sum(losses[:2])


def test_names_are_unique_and_classics_do_not_replace_what_ships() -> None:
    recipes = [load_recipe(name) for name in NAMES]
    models = [(r.system, r.model) for r in recipes]
    assert len(set(models)) == len(models)
    assert all(r.model.startswith("classic-") == r.source.startswith("classic-") for r in recipes)
    without = {"brain-type"}  # no published system is rebuilt in it
    assert {r.system for r in recipes if r.model.startswith("classic-")} == {r.system for r in recipes} - without


def test_models_of_one_set_are_measured_on_the_same_patients() -> None:
    """Else one model's training patients would be another's test, and no two figures could be compared."""
    splits: dict[str, set[tuple[float, ...]]] = {}
    for r in map(load_recipe, NAMES):
        for part in r.data:
            name = parts.split_as(part.name)
            if not (r.split.named and name == "chest-ct"):
                splits.setdefault(name, set()).add((r.split.seed, r.split.validation, r.split.test))
    assert all(len(some) == 1 for some in splits.values()), splits


def test_one_encoder_for_all_sets_is_resumed_and_used(root: Path, tmp_path: Path) -> None:
    tasks, splits = read_tasks(("brain-unet", "breast-resnet18", "mr-pet-pet"), root, size=64)
    assert len(splits) == 3

    def pretraining(epochs_done: int, resume: bool) -> Pretraining:
        p = Pretraining(
            "resnet18",
            tasks,
            epochs=2,
            steps=3,
            batch=4,
            folder=tmp_path / "pretrain",
            out=tmp_path / "weights",
            fabric=FABRIC,
            resume=resume,
            splits=splits,
        )
        assert p.epoch == epochs_done
        return p

    first = pretraining(0, False)
    first.epochs = 1
    first.fit()
    curve = pretraining(1, True).fit()
    assert [row["epoch"] for row in curve] == [1, 2]
    assert all(math.isfinite(row["loss"]) for row in curve)
    about = json.loads((tmp_path / "weights" / "resnet18" / "about.json").read_text())
    assert about["splits"] == splits

    # every task is judged with its own normalisation: what the running statistics hold plays no part, and they stay
    again = pretraining(2, True)
    with torch.no_grad():
        for name, value in again.parts.named_buffers():
            if name.endswith("running_mean"):
                value.fill_(1e3)
    spoiled = {name: value.clone() for name, value in again.parts.state_dict().items()}
    assert again.judge() == {k: v for k, v in curve[-1].items() if k.startswith("auc ")}
    after = again.parts.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in spoiled.items())

    ours = with_initial_weights(load_recipe("breast-resnet18"), "ours")
    ours = as_trial(ours).model_copy(update={"lr": 1e-12, "weight_decay": 0.0})
    progress = run(ours, root, tmp_path, pretrained=tmp_path / "weights")
    assert progress.epoch == 2
    state = torch.load(tmp_path / "runs" / ours.source / "last.pt", weights_only=True)["best"]
    stored = load_file(tmp_path / "weights" / "resnet18" / "backbone.safetensors")
    key = "stages.1.0.conv1.weight"
    torch.testing.assert_close(state[f"backbone.{key}"], stored[key], atol=1e-6, rtol=0)
