"""Every training option, with the mistake that one of the source systems made."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from core.errors import RecipeError
from core.imaging.study import Series, Unit
from core.models.registry import create
from core.preprocessing import enhance as reference
from core.preprocessing.contract import InputContract
from core.preprocessing.prepare import prepare
from tests.trainers.small import write_recipe
from trainers.data.parts import read_parts
from trainers.data.tensors import to_cases
from trainers.fitting import loop
from trainers.fitting.augment import _crops, geometric
from trainers.fitting.enhance import enhanced, windowed
from trainers.fitting.initial import set_dropout
from trainers.fitting.logs import write_curve, write_scalars
from trainers.fitting.loop import Run
from trainers.fitting.losses import image_loss
from trainers.fitting.precision import make_fabric
from trainers.fitting.recipe import Augment, Loss, Recipe, as_trial, load_recipe, with_initial_weights
from trainers.fitting.schedule import frozen_stages, plateaus, rate


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def recipe(tmp_path: Path, **changes: str) -> Recipe:
    return load_recipe(str(write_recipe(tmp_path, **changes)))


def test_stages_open_one_by_one_from_the_tap_back(tmp_path: Path) -> None:
    r = recipe(tmp_path, freeze_epochs="2", unfreeze_every="3", keep_frozen="1")
    assert [frozen_stages(r, epoch, 5) for epoch in range(16)] == [5, 5, 4, 4, 4, 3, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1]
    two_phases = recipe(tmp_path, freeze_epochs="2", keep_frozen="3")
    assert [frozen_stages(two_phases, epoch, 5) for epoch in range(4)] == [5, 5, 3, 3]


def test_frozen_batch_norms_do_not_drift_and_frozen_weights_do_not_move(data: Path, tmp_path: Path) -> None:
    r = recipe(tmp_path, freeze_epochs="1", unfreeze_every="1", epochs="2", epoch_images="8", average="0.0")
    labels = r.data[0].labels
    cases = to_cases(read_parts(r, data, limit=6).train, r.contract, labels)
    run = Run(r, cases, cases, tmp_path / "run", make_fabric(), resume=False)
    before = {k: v.clone() for k, v in run.net.state_dict().items()}
    run.fit()
    assert run.progress.epoch == 2
    moved = {k for k, v in run.net.state_dict().items() if not torch.equal(v, before[k])}
    stages = {int(k.split(".")[2]) for k in moved if k.startswith("backbone.stages.")}
    assert stages == {4}  # one stage opened in the second epoch; running means of the others stand still
    assert any(k.startswith("decoder.") for k in moved)
    assert any("running_mean" in k for k in moved)


def test_the_plateau_schedule_knows_which_way_is_better(tmp_path: Path) -> None:
    falling = [1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1]
    assert plateaus(falling, lower_is_better=True) == 0
    assert plateaus(falling) == 2  # what a schedule does that takes a loss for an AUC
    r = recipe(
        tmp_path, schedule="plateau", plateau_monitor="val_loss", step_factor="0.2", lr="1.0e-3", min_lr="1.0e-4"
    )
    good = [{"dice": 0.1, "val_loss": v} for v in falling]
    assert rate(r, 70, 10, good) == pytest.approx(1e-3)
    stuck = [{"dice": 0.1, "val_loss": 1.0}] * 4
    assert rate(r, 40, 10, stuck) == pytest.approx(2e-4)
    assert rate(r, 400, 10, stuck * 5) == pytest.approx(1e-4)


def test_the_warm_up_steps_of_the_pet_system() -> None:
    r = load_recipe("classic-pet-inception")
    by_epoch = [rate(r, epoch * 7 + 3, 7) for epoch in range(50)]
    assert by_epoch == [5e-5] * 5 + [1e-4] * 10 + [5e-5] * 10 + [1e-5] * 25


def test_the_lowest_loss_is_kept_when_a_loss_is_watched(data: Path, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    figures = iter([0.8, 0.3, 0.5, 0.6])
    monkeypatch.setattr(loop, "validate", lambda *_, **__: {"auc": 0.5, "val_loss": next(figures)})
    r = recipe(tmp_path, monitor="val_loss", epochs="9", patience="2", epoch_images="4")
    cases = to_cases(read_parts(r, data, limit=4).train, r.contract, r.data[0].labels)
    run = Run(r, cases, cases, tmp_path / "run", make_fabric(), resume=False)
    progress = run.fit()
    assert (progress.epoch, progress.best_epoch) == (4, 1)


def test_class_weights_act_on_images_not_on_the_batch() -> None:
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    logits, target = torch.randn(10, 3, generator=rng()), torch.nn.functional.one_hot(labels, 3).float()
    weights = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    how = Loss(class_weights="balanced")
    expected = torch.nn.functional.cross_entropy(logits, labels, reduction="none") * torch.tensor(weights)[labels]
    torch.testing.assert_close(image_loss(logits, target, how, labels), expected.float())
    focal = how.model_copy(update={"image": "focal", "focal_alpha": (0.5, 0.3, 0.2), "focal_gamma": 2.0})
    p = logits.softmax(1)[torch.arange(10), labels]
    by_hand = -torch.tensor([0.5, 0.3, 0.2])[labels] * torch.tensor(weights)[labels] * (1 - p) ** 2 * p.log()
    torch.testing.assert_close(image_loss(logits, target, focal, labels), by_hand.float())


def test_a_window_change_on_the_tensor_is_the_window_change_on_hounsfield_units() -> None:
    hu = np.random.default_rng(0).uniform(-1250, 250, (1, 40, 40)).astype(np.float32)
    hu[0, 0, :2] = -1250, 250  # the whole window is used
    series = Series("k", "ct", hu, unit=Unit.HU)
    facts = {"height": 40, "width": 40, "scaling": "window"}
    given = prepare(series, InputContract(**facts, window=(-500, 1500)))
    narrower = prepare(series, InputContract(**facts, window=(-500 + 0.1 * 1500, 0.7 * 1500)))
    jittered = windowed(given, torch.full((1, 1, 1, 1), 0.7), torch.full((1, 1, 1, 1), 0.1))
    torch.testing.assert_close(jittered, narrower, atol=1e-5, rtol=0)


def test_display_changes_are_those_of_the_preprocessing() -> None:
    image = torch.rand(2, 1, 48, 40, generator=rng())
    planes = [plane.numpy() for plane in image[:, 0]]
    for how, function in (
        (Augment(contrast=(1.6, 1.6)), lambda p: reference.contrast(p, 1.6)),
        (Augment(sharpness=(2.0, 2.0)), lambda p: reference.sharpness(p, 2.0)),
        (Augment(clahe=1.0), lambda p: reference.clahe(p, clip_limit=2.0)),
    ):
        inner = slice(5, -5)  # the two treat borders differently
        got = enhanced(image, how, rng())[:, 0, inner, inner].numpy()
        np.testing.assert_allclose(got, np.stack([function(p)[inner, inner] for p in planes]), atol=2e-3)
    half = enhanced(torch.rand(400, 1, 4, 4, generator=rng()), Augment(contrast=(3.0, 3.0), enhance=0.4), rng(1))
    changed = (half != torch.rand(400, 1, 4, 4, generator=rng())).flatten(1).any(1).float().mean()
    assert 0.3 < float(changed) < 0.5


def test_random_crops_stay_inside_and_keep_their_share() -> None:
    maps = _crops(500, 0.3, rng())
    area = maps[:, 0, 0] * maps[:, 1, 1]
    assert float(area.min()) > 0.25
    assert float(area.max()) <= 1.0
    for axis in (0, 1):
        assert bool((maps[:, axis, 2].abs() + maps[:, axis, axis] <= 1 + 1e-6).all())
    ramp = torch.linspace(0, 1, 64).expand(8, 1, 64, 64)
    cropped, _ = geometric(ramp, None, Augment(crop=0.2), rng())
    spans = cropped.amax((1, 2, 3)) - cropped.amin((1, 2, 3))
    assert float(spans.min()) < 0.8  # enlarged
    assert float(cropped.min()) >= 0
    assert float(cropped.max()) <= 1


def test_shear_moves_rows_against_each_other() -> None:
    line = torch.zeros(1, 1, 65, 65)
    line[..., 32] = 1
    sheared, _ = geometric(line.repeat(16, 1, 1, 1), None, Augment(shear=0.5), rng(3))
    places = sheared[:, 0].argmax(-1).float()
    drift = places[:, 60] - places[:, 4]
    assert float(drift.abs().max()) > 10
    assert bool((places[:, 32] - 32).abs().max() <= 1)


@pytest.mark.parametrize("architecture", ["resnet18", "inception_resnet_v2"])
def test_dropout_of_the_head(architecture: str) -> None:
    net = create(architecture, classes=3, channels=1, size=(96, 96))
    set_dropout(net, 0.5)
    tap = torch.rand(1, net.stage_channels[-1], 3, 3, generator=rng())
    net.train()
    assert not torch.equal(net.head_from_tap(tap).logits, net.head_from_tap(tap).logits)
    net.eval()
    assert torch.equal(net.head_from_tap(tap).logits, net.head_from_tap(tap).logits)


def test_other_initial_weights_are_another_run(tmp_path: Path) -> None:
    r = recipe(tmp_path)
    ours = with_initial_weights(r, "ours")
    assert ours.initial_weights == "ours"
    assert len({r.sha256, ours.sha256, as_trial(r).sha256}) == 3
    assert len({r.source, ours.source, as_trial(r).source}) == 3
    with pytest.raises(RecipeError):
        with_initial_weights(r, "somewhere")
    with pytest.raises(RecipeError, match="step_rates"):
        recipe(tmp_path, step_epochs="[1]", step_rates="[0.1]")


def test_only_the_head_has_its_own_decay(data: Path, tmp_path: Path) -> None:
    r = recipe(tmp_path, weight_decay="0.0", head_weight_decay="0.02", epsilon="0.1")
    cases = to_cases(read_parts(r, data, limit=4).train, r.contract, r.data[0].labels)
    run = Run(r, cases, cases, tmp_path / "run", make_fabric(), resume=False)
    rest, head = run.optimizer.param_groups
    assert (rest["weight_decay"], head["weight_decay"], head["eps"]) == (0.0, 0.02, 0.1)
    assert {id(p) for p in head["params"]} == {id(p) for p in run.net.head_parameters()}
    assert len(rest["params"]) + len(head["params"]) == len(list(run.parts.parameters()))


def test_the_logs(tmp_path: Path) -> None:
    rows = [{"epoch": 1, "loss": 0.5, "auc": 0.7}, {"epoch": 2, "loss": 0.4, "auc": 0.8, "val_loss": 0.6}]
    write_curve(tmp_path / "curve.csv", rows)
    with (tmp_path / "curve.csv").open() as handle:
        assert [row["val_loss"] for row in csv.DictReader(handle)] == ["", "0.6"]
    for row in rows:
        write_scalars(tmp_path / "tb", row, 1e-3)
    log = EventAccumulator(str(tmp_path / "tb")).Reload()
    assert [(e.step, round(e.value, 3)) for e in log.Scalars("auc")] == [(1, 0.7), (2, 0.8)]
    assert log.Scalars("learning rate")[0].value == pytest.approx(1e-3)
