"""A student learns from its teachers' answers, and from no teacher that knows what it is judged by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax, softmax

from core.errors import RecipeError
from core.models.registry import create
from core.weights.card import ModelCard
from core.weights.folder import CARD
from core.weights.store import load_model, save_model
from tests.cards import card_of
from tests.trainers.small import write_recipe
from trainers.fitting.chain import needs
from trainers.fitting.fit import train_recipe
from trainers.fitting.precision import make_fabric
from trainers.fitting.recipe import Recipe, load_recipe
from trainers.fitting.teacher import Teachers

TAUGHT = "{models: [brain-mr/first, brain-mr/second], weight: 0.7, temperature: 3}"


def student(folder: Path, **changes: str) -> Recipe:
    return load_recipe(str(write_recipe(folder, "student", model="student", gate="student", **changes)))


def give_teachers(recipe: Recipe, weights: Path, **other: object) -> list[float]:
    """Two untrained models of the recipe's contract in a weights folder; their temperatures."""
    temperatures = [0.5, 2.0]
    for number, (name, temperature) in enumerate(zip(("first", "second"), temperatures, strict=True)):
        torch.manual_seed(number)
        net = create(recipe.architecture, classes=2, channels=recipe.contract.channels, size=(48, 48)).eval()
        contract = recipe.contract.model_dump() | other
        card = card_of("brain-mr", name, recipe.architecture, contract=contract, temperature=temperature)
        save_model(net, card, weights / "brain-mr" / name, "float32")
    return temperatures


def test_the_loss_is_that_of_hinton_written_out(tmp_path: Path) -> None:
    recipe = student(tmp_path, teacher=TAUGHT)
    temperatures = give_teachers(recipe, tmp_path)
    images = torch.randn(5, 3, 48, 48, generator=torch.Generator().manual_seed(3))
    said = torch.tensor([[-2.0], [-0.5], [0.0], [1.0], [4.0]])
    loss = Teachers(recipe, tmp_path, torch.device("cpu")).loss(images, said)
    told = []
    for name, temperature in zip(("first", "second"), temperatures, strict=True):
        net, _ = load_model(tmp_path / "brain-mr" / name)
        with torch.no_grad():
            p = expit(net.run(images).logits.numpy()[:, 0].astype(float) / temperature)
        told.append(np.log(np.stack([1 - p, p], 1)))
    wanted = softmax(np.mean(told, 0) / 3, axis=1)
    answered = log_softmax(np.stack([np.zeros(5), said.numpy()[:, 0] / 3], 1), axis=1)
    assert float(loss) == pytest.approx(-0.7 * 9 * (wanted * answered).sum(1).mean(), rel=1e-5)


def test_a_student_that_says_what_its_teacher_says_is_left_alone(tmp_path: Path) -> None:
    recipe = student(tmp_path, teacher="{models: [brain-mr/first], temperature: 2}")
    give_teachers(recipe, tmp_path)
    teachers = Teachers(recipe, tmp_path, torch.device("cpu"))
    images = torch.randn(4, 3, 48, 48)
    net, card = load_model(tmp_path / "brain-mr" / "first")
    logits = (net.run(images).logits / card.temperature).detach().requires_grad_()
    teachers.loss(images, logits).backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6
    assert not any(p.requires_grad for (p,) in ((p,) for n, _ in teachers.taught for p in n.parameters()))


def test_one_of_another_input_is_refused(tmp_path: Path) -> None:
    recipe = student(tmp_path, teacher=TAUGHT)
    give_teachers(recipe, tmp_path, percentiles=(0.0, 98.0))
    with pytest.raises(RecipeError, match="reads another input"):
        Teachers(recipe, tmp_path, torch.device("cpu"))


def test_recipes_that_would_teach_themselves_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="its own teacher"):
        student(tmp_path, teacher="{models: [brain-mr/student]}")
    with pytest.raises(RecipeError, match="learnt from every fold"):
        student(tmp_path, teacher=TAUGHT, members="2")
    assert needs(student(tmp_path, teacher=TAUGHT)) == ("brain-mr/first", "brain-mr/second")


@pytest.mark.usefixtures("float32")
def test_it_moves_the_student_and_stands_on_its_card(data: Path, tmp_path: Path) -> None:
    def fit(recipe: Recipe) -> ModelCard:
        told = {"folder": data, "runs": tmp_path / "runs", "weights": tmp_path / "weights", "minutes": None}
        train_recipe(recipe, **told, resume=False, fabric=make_fabric())  # type: ignore[arg-type]
        return ModelCard.load(tmp_path / "weights" / "brain-mr" / recipe.model / CARD)

    master = load_recipe(str(write_recipe(tmp_path, "master", model="master", gate="master", epochs="1")))
    assert fit(master).training.teachers == ()
    taught = fit(student(tmp_path, epochs="1", teacher="{models: [brain-mr/master]}"))
    assert taught.training.teachers == ("brain-mr/master",)
    assert taught.training.origin == "scratch, taught by brain-mr/master"
    (with_teacher,) = [row["loss"] for row in taught.training.learning_curve]
    (without,) = [row["loss"] for row in fit(student(tmp_path, epochs="1")).training.learning_curve]
    assert with_teacher > without + 0.5  # T^2 times a cross-entropy of softened answers near ln 2

    other = student(
        tmp_path, epochs="1", teacher="{models: [brain-mr/master]}", split="{seed: 9, validation: 0.25, test: 0.25}"
    )
    with pytest.raises(RecipeError, match="another split of brain-lgg"):
        fit(other)
