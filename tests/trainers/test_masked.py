"""The masked autoencoder: its target by hand, what it hides, that it sees no label, learns, and is resumed exactly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from core.errors import RecipeError
from core.models.registry import create
from tests.trainers.small import write_recipe
from trainers.fitting.initial import load_backbone
from trainers.fitting.masked import Drawer, MaskedAutoencoder, blanked, hidden_patches, patches
from trainers.fitting.pooled import Task, read_tasks
from trainers.fitting.precision import make_fabric

FABRIC = make_fabric()


@pytest.fixture(scope="module")
def tasks(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Task]:
    return read_tasks((str(write_recipe(tmp_path_factory.mktemp("recipe"))),), data)[0]


class Killed(MaskedAutoencoder):
    """One that is killed at the end of its second epoch, before that is kept."""

    def judge(self) -> dict[str, float]:
        if self.epoch == 2:
            raise KeyboardInterrupt
        return super().judge()


def pretraining(
    tasks: list[Task],
    folder: Path,
    *,
    epochs: int = 2,
    architecture: str = "vit_tiny",
    resume: bool = False,
    kind: type[MaskedAutoencoder] = MaskedAutoencoder,
) -> MaskedAutoencoder:
    return kind(
        architecture,
        tasks,
        epochs=epochs,
        steps=3,
        batch=4,
        folder=folder / "run",
        out=folder / "pretrained",
        fabric=FABRIC,
        resume=resume,
    )


def test_the_target_is_each_patch_on_its_own_mean_and_spread() -> None:
    images = torch.rand(2, 3, 32, 48)
    found = patches(images)
    assert found.shape == (2, 6, 256)
    piece = images[1, 1, 16:32, 32:48].numpy().reshape(-1)  # second row, third column: the sixth
    wanted = (piece - piece.mean()) / np.sqrt(piece.var(ddof=1) + 1e-6)
    np.testing.assert_allclose(found[1, 5].numpy(), wanted, atol=1e-5)


def test_three_quarters_are_hidden_and_no_picture_has_the_holes_of_another() -> None:
    seen, hidden = hidden_patches(3, 100, torch.Generator().manual_seed(1))
    assert seen.shape == (3, 25)
    assert hidden.sum(1).tolist() == [75, 75, 75]
    assert not hidden.gather(1, seen).any()
    assert not torch.equal(hidden[0], hidden[1])


def test_what_is_hidden_is_blank_in_the_very_picture() -> None:
    hidden = torch.tensor([[True, False, False, False, False, True], [False] * 6])
    found = blanked(torch.ones(2, 3, 32, 48), hidden)
    wanted = torch.ones(2, 3, 32, 48)
    wanted[0, :, :16, :16] = 0
    wanted[0, :, 16:, 32:] = 0
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("architecture", ["vit_tiny", "vit_stem"])
def test_nothing_of_a_hidden_patch_reaches_what_is_drawn(
    tasks: list[Task], tmp_path: Path, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The convolutions of a stem look across the edge of a patch, so a hidden one must be gone before them."""
    run = pretraining(tasks, tmp_path, architecture=architecture)
    run.parts.eval()
    side = tasks[0].train.contract.height
    images = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(2))
    _, hidden = hidden_patches(1, (side // 16) ** 2, torch.Generator().manual_seed(5))
    changed = torch.where(blanked(torch.ones_like(images), hidden) > 0, images, 1 - images)
    target = patches(images)
    monkeypatch.setattr("trainers.fitting.masked.patches", lambda _: target)
    with torch.no_grad():
        as_it_is, other = (run._missed(x, torch.Generator().manual_seed(5)) for x in (images, changed))
        seen = run._missed(1 - images, torch.Generator().manual_seed(5))
    assert float(as_it_is) == float(other)
    assert float(as_it_is) != float(seen)


def test_the_decoder_hears_only_what_was_seen_and_where() -> None:
    drawer = Drawer(192, (4, 4)).eval()
    tokens = torch.randn(1, 4, 192)
    with torch.no_grad():
        drawn = drawer(tokens, torch.tensor([[0, 5, 10, 15]]))
        swapped = drawer(tokens[:, [1, 0, 2, 3]], torch.tensor([[5, 0, 10, 15]]))
        moved = drawer(tokens, torch.tensor([[5, 0, 10, 15]]))
    assert drawn.shape == (1, 16, 256)
    torch.testing.assert_close(drawn, swapped, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(drawn, moved, atol=1e-3)


def test_it_sees_no_label_and_is_resumed_exactly(tasks: list[Task], tmp_path: Path) -> None:
    whole = pretraining(tasks, tmp_path / "whole")
    curve = whole.fit()
    blind = [replace(t, train=replace(t.train, labels=1 - t.train.labels, masks=None)) for t in tasks]
    with pytest.raises(KeyboardInterrupt):
        pretraining(blind, tmp_path / "parts", kind=Killed).fit()
    again = pretraining(blind, tmp_path / "parts", resume=True)
    assert again.epoch == 1
    assert [row["loss"] for row in again.fit()] == [row["loss"] for row in curve]
    left = load_file(tmp_path / "parts" / "pretrained" / "vit_tiny" / "backbone.safetensors")
    assert all(torch.equal(left[key], value) for key, value in whole.net.backbone.state_dict().items())
    about = json.loads((tmp_path / "parts" / "pretrained" / "vit_tiny" / "about.json").read_text())
    assert about["labels_seen"] is False


@pytest.mark.parametrize(
    ("architecture", "first"), [("vit_tiny", "stages.0.project.weight"), ("vit_stem", "stages.0.0.0.weight")]
)
def test_it_learns_and_leaves_what_a_classifier_of_one_channel_starts_from(
    tasks: list[Task], tmp_path: Path, architecture: str, first: str
) -> None:
    run = pretraining(tasks, tmp_path, epochs=6, architecture=architecture)
    before = run.judge()
    run.fit()
    (name,) = before
    assert run.judge()[name] < 0.97 * before[name]
    contract = tasks[0].train.contract
    net = create(architecture, classes=2, channels=1, size=(contract.height, contract.width))
    load_backbone(net, tmp_path / "pretrained")
    kernel, ours = (n.backbone.state_dict()[first] for n in (run.net, net))
    torch.testing.assert_close(ours, kernel.sum(1, keepdim=True))


def test_a_network_that_reads_no_patches_is_refused(tasks: list[Task], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="reads no patches"):
        pretraining(tasks, tmp_path, architecture="resnet18")
