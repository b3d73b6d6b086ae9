"""A student learns from its teachers' answers, and from no teacher that knows what it is judged by."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
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


def test_outlines_are_taught_pixel_by_pixel(tmp_path: Path) -> None:
    """The cross-entropy of the student's mask to the mean of the teachers' probabilities, written out."""
    taught = "{models: [brain-mr/first, brain-mr/second], weight: 0.5, outlines: 3.0}"
    recipe = student(tmp_path, teacher=taught)
    give_teachers(recipe, tmp_path)
    images = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(5))
    said = torch.tensor([[0.3], [-1.0]])
    drawn = torch.randn(2, 1, 48, 48, generator=torch.Generator().manual_seed(6)).requires_grad_()
    teachers = Teachers(recipe, tmp_path, torch.device("cpu"))
    answers = teachers.loss(images, said)
    whole = teachers.loss(images, said, drawn)
    with torch.no_grad():
        masks = [load_model(tmp_path / "brain-mr" / name)[0].run(images).mask_logits for name in ("first", "second")]
    wanted = np.mean([expit(mask.numpy().astype(float)) for mask in masks if mask is not None], axis=0)
    p = expit(drawn.detach().numpy().astype(float))
    by_hand = -(wanted * np.log(p) + (1 - wanted) * np.log(1 - p)).mean()
    assert np.ptp(wanted) > 0.01
    assert float((whole - answers).detach()) == pytest.approx(3.0 * by_hand, rel=1e-4)
    whole.backward()
    assert drawn.grad is not None
    np.testing.assert_allclose(drawn.grad.numpy() * drawn.numel(), 3.0 * (p - wanted), atol=1e-4)
    # answers alone leave the mask as it is
    only = Teachers(student(tmp_path, teacher=TAUGHT), tmp_path, torch.device("cpu"))
    assert float(only.loss(images, said, drawn.detach())) == pytest.approx(float(only.loss(images, said)))


def test_who_draws_no_outline_can_teach_and_learn_none(tmp_path: Path) -> None:
    taught = "{models: [brain-mr/first], outlines: 1.0}"
    with pytest.raises(RecipeError, match="only a segmenter"):
        student(tmp_path, teacher=taught, role="classifier", monitor="auc", loss="{image: cross-entropy}")
    recipe = student(tmp_path, teacher=taught)
    net = create("resnet18", classes=2, channels=3, size=(48, 48)).eval()
    contract = recipe.contract.model_dump()
    card = card_of("brain-mr", "first", "resnet18", contract=contract, classes=recipe.classes)
    save_model(net, card, tmp_path / "brain-mr" / "first", "float32")
    with pytest.raises(RecipeError, match="draws no outline"):
        Teachers(recipe, tmp_path, torch.device("cpu"))


def test_a_teacher_of_another_size_is_shown_the_picture_resized(tmp_path: Path) -> None:
    recipe = student(tmp_path, teacher="{models: [brain-mr/first], temperature: 2, outlines: 1.0}")
    torch.manual_seed(0)
    net = create(recipe.architecture, classes=2, channels=3, size=(96, 96)).eval()
    contract = recipe.contract.model_dump() | {"height": 96, "width": 96}
    save_model(
        net,
        card_of("brain-mr", "first", recipe.architecture, contract=contract),
        tmp_path / "brain-mr/first",
        "float32",
    )
    teachers = Teachers(recipe, tmp_path, torch.device("cpu"))
    images = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(8))
    answers, outlines = teachers.target(images)
    large = torch.from_numpy(
        np.stack([[cv2.resize(p, (96, 96), interpolation=cv2.INTER_LINEAR) for p in one] for one in images.numpy()])
    )
    with torch.no_grad():
        said = net.run(large)
    assert said.mask_logits is not None
    wanted = expit(said.logits.numpy()[:, 0] / 2)
    np.testing.assert_allclose(answers[:, 1], wanted, atol=1e-4)
    assert outlines is not None
    assert outlines.shape == (2, 1, 48, 48)
    masks = [Image.fromarray(expit(mask[0].numpy().astype(np.float32))) for mask in said.mask_logits]
    small = np.stack([np.asarray(mask.resize((48, 48), Image.Resampling.BILINEAR)) for mask in masks])
    np.testing.assert_allclose(outlines[:, 0], small, atol=1e-3)
    other = contract | {"width": 48}
    card = card_of("brain-mr", "first", recipe.architecture, contract=other)
    narrow = create(recipe.architecture, classes=2, channels=3, size=(96, 48)).eval()
    save_model(narrow, card, tmp_path / "brain-mr" / "first", "float32")
    with pytest.raises(RecipeError, match="reads another input"):
        Teachers(recipe, tmp_path, torch.device("cpu"))


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
