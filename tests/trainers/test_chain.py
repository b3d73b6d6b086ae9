"""From an empty weights folder: every recipe finds what it needs, in the Makefile's order and by itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.errors import RecipeError
from core.models.net import OverreadNet
from core.models.registry import create
from core.weights.card import ModelCard
from core.weights.folder import CARD, WEIGHTS
from core.weights.store import save_model
from tests.cards import card_of
from tests.trainers.small import write_recipe
from trainers.__main__ import app
from trainers.fitting import chain
from trainers.fitting.chain import makers, missing_before, needs
from trainers.fitting.initial import start_from_model
from trainers.fitting.recipe import RECIPES, Recipe, load_recipe

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(p.stem for p in RECIPES.rglob("*.yaml"))
STARTS = sorted(n for n in NAMES if load_recipe(n).initial_weights.startswith("model:"))


def of_the_makefile() -> list[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.search(r"^RECIPES \?= (.+)$", text, re.MULTILINE)
    assert found is not None
    return found.group(1).split()


def ship(recipe: Recipe, weights: Path) -> None:
    """As if it had been trained: the files that say that a model is there."""
    folder = weights / recipe.system / recipe.model
    folder.mkdir(parents=True, exist_ok=True)
    for name in (CARD, WEIGHTS):
        (folder / name).touch()


def test_make_train_starts_from_nothing(tmp_path: Path) -> None:
    names = of_the_makefile()
    assert len(names) == len(set(names))
    for name in names:
        recipe = load_recipe(name)
        assert missing_before(recipe, tmp_path) == [], name
        ship(recipe, tmp_path)
    installed = {f"{r.system}/{r.model}" for r in map(load_recipe, names)}
    shipped = {f"{p.parents[1].name}/{p.parent.name}" for p in (ROOT / "weights").glob("*/*/weights.safetensors")}
    assert shipped <= installed


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_alone_brings_what_it_needs(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert f"{recipe.system}/{recipe.model}" not in needs(recipe)
    for earlier in missing_before(recipe, tmp_path):
        assert missing_before(earlier, tmp_path) == []
        ship(earlier, tmp_path)
    assert missing_before(recipe, tmp_path) == []


def untrained(recipe: Recipe) -> OverreadNet:
    return create(recipe.architecture, classes=len(recipe.classes), channels=recipe.contract.channels, size=(64, 64))


@pytest.mark.parametrize("name", STARTS)
def test_every_start_fits_the_network_that_starts_from_it(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    start = recipe.initial_weights.removeprefix("model:")
    donor = load_recipe(makers()[start])
    contract = {"channels": donor.contract.channels, "height": 64, "width": 64}
    made = card_of("brain-mr", "unet", donor.architecture, contract=contract)
    fields = made.model_dump() | {"classes": donor.classes, "positive": donor.positive}
    given = untrained(donor)
    save_model(given, ModelCard.model_validate(fields), tmp_path / start)
    net = untrained(recipe)
    start_from_model(net, tmp_path / start)
    last = list(given.backbone.parameters())[-1]
    assert any(p.shape == last.shape and (p - last).abs().max() < 1e-3 for p in net.backbone.parameters())


def test_a_circle_and_an_unknown_model_are_refused(tmp_path: Path) -> None:
    itself = load_recipe(str(write_recipe(tmp_path, "itself", initial_weights="model:brain-mr/unet")))
    with pytest.raises(RecipeError, match="itself needs brain-mr/unet, which is trained after it"):
        missing_before(itself, tmp_path)
    stranger = load_recipe(str(write_recipe(tmp_path, "stranger", initial_weights="model:brain-mr/nobody")))
    with pytest.raises(RecipeError, match="has no recipe"):
        missing_before(stranger, tmp_path)


@pytest.mark.usefixtures("float32")
def test_one_command_trains_the_start_first(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_recipe(tmp_path, "first", epochs="1")
    second = write_recipe(tmp_path, "second", model="resunet", initial_weights="model:brain-mr/unet", epochs="1")
    monkeypatch.setattr(chain, "makers", lambda: {"brain-mr/unet": str(tmp_path / "first.yaml")})
    folders = ["--data", str(data), "--weights", str(tmp_path / "weights"), "--runs", str(tmp_path / "runs")]
    done = CliRunner().invoke(app, ["train", "--recipe", str(second), *folders, "--threads", "1"])
    assert done.exit_code == 0, done.output
    cards = [ModelCard.load(tmp_path / "weights" / "brain-mr" / name / CARD) for name in ("unet", "resunet")]
    assert [card.training.recipe for card in cards] == ["first", "second"]
    trial = ["train", "--recipe", str(second), *folders[:2], "--weights", str(tmp_path / "empty"), *folders[4:]]
    done = CliRunner().invoke(app, [*trial, "--trial", "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "empty").exists()
