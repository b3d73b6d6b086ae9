"""The loop: it learns, freezes, keeps the best epoch, stops in time, and goes on after a kill as if nothing was."""

from __future__ import annotations

import csv
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import RecipeError
from tests.trainers.small import write_recipe
from trainers.data.parts import Parts, read_parts
from trainers.data.tensors import to_cases
from trainers.fitting import logs, loop
from trainers.fitting.loop import DivergedError, Run, plateaus
from trainers.fitting.precision import make_fabric
from trainers.fitting.recipe import Recipe, load_recipe

LABELS = {"no tumour": 0, "tumour": 1}
ROOT = Path(__file__).resolve().parents[2]
FABRIC = make_fabric()


@pytest.fixture(scope="module")
def parts(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return read_parts(load_recipe(str(write_recipe(tmp_path_factory.mktemp("recipe")))), data)


def start(recipe: Recipe, parts: Parts, folder: Path, *, resume: bool = False) -> Run:
    train, validation = (to_cases(p, recipe.contract, LABELS) for p in (parts.train, parts.validation))
    return Run(recipe, train, validation, folder, FABRIC, resume=resume)


@pytest.fixture(scope="module")
def whole(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """An uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    run = start(load_recipe(str(write_recipe(folder))), parts, folder / "run")
    run.fit()
    return run, folder


def test_the_loss_falls(whole: tuple[Run, Path]) -> None:
    curve = whole[0].progress.curve
    assert [row["epoch"] for row in curve] == [1, 2, 3, 4]
    assert curve[-1]["loss"] < 0.9 * curve[0]["loss"]
    assert all(0 <= row["auc"] <= 1 and 0 <= row["dice"] <= 1 for row in curve)
    with (whole[1] / "run" / "curve.csv").open() as handle:
        stored = list(csv.DictReader(handle))
    assert [float(row["loss"]) for row in stored] == [row["loss"] for row in curve]


def test_the_best_epoch_by_the_monitored_figure_is_kept_as_a_copy(whole: tuple[Run, Path]) -> None:
    run = whole[0]
    dice = [row["dice"] for row in run.progress.curve]
    assert run.progress.best == max(dice)
    assert run.progress.best_epoch == dice.index(max(dice))
    live = run.judged.state_dict()
    assert all(v.data_ptr() != live[k].data_ptr() for k, v in run.best_state.items())


@pytest.mark.parametrize(("keep", "kept"), [("best", 1), ("last", 2)])
def test_the_kept_weights_are_those_of_the_best_or_the_last_epoch(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str, kept: int
) -> None:
    figures = iter([0.3, 0.8, 0.5])
    seen: list[float] = []

    def judge(net: torch.nn.Module, *_: object, **__: object) -> dict[str, float]:
        seen.append(float(sum(p.detach().double().sum() for p in net.parameters())))
        return {"auc": 1 - len(seen) / 10, "dice": next(figures)}

    monkeypatch.setattr(loop, "validate", judge)
    run = start(
        load_recipe(str(write_recipe(tmp_path, epochs="3", epoch_images="8", keep=keep))), parts, tmp_path / "run"
    )
    run.fit()
    run.net.load_state_dict(run.best_state)
    assert float(sum(p.detach().double().sum() for p in run.net.parameters())) == pytest.approx(seen[kept], rel=1e-9)
    assert seen[1] != seen[2]
    assert run.progress.best_epoch == kept


def test_an_undefined_figure_is_never_the_best(parts: Parts, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    figures = iter([math.nan, 0.2, math.nan])
    monkeypatch.setattr(loop, "validate", lambda *_, **__: {"auc": 0.5, "dice": next(figures)})
    run = start(load_recipe(str(write_recipe(tmp_path, epochs="3", epoch_images="8"))), parts, tmp_path / "run")
    assert run.fit().best_epoch == 1


def test_a_killed_run_goes_on_and_ends_with_the_same_curve(
    whole: tuple[Run, Path], parts: Parts, data: Path, tmp_path: Path
) -> None:
    recipe = write_recipe(tmp_path)
    command = [sys.executable, "-m", "trainers", "train", "--recipe", str(recipe), "--data", str(data), "--no-ship"]
    command += ["--runs", str(tmp_path), "--accelerator", "cpu", "--threads", "1"]
    checkpoint = tmp_path / "small" / "last.pt"
    with (tmp_path / "log").open("w") as log:
        child = subprocess.Popen(command, cwd=ROOT, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"})
        try:
            end = time.monotonic() + 300
            while not checkpoint.is_file() and child.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
    assert checkpoint.is_file(), (tmp_path / "log").read_text()
    resumed = start(load_recipe(str(recipe)), parts, tmp_path / "small", resume=True)
    done = resumed.progress.epoch
    assert 1 <= done < 4, "killed too late to prove anything"
    assert len(resumed.progress.curve) == done
    resumed.fit()
    uninterrupted = whole[0]
    assert [row["epoch"] for row in resumed.progress.curve] == [1, 2, 3, 4]
    for ours, theirs in zip(resumed.progress.curve, uninterrupted.progress.curve, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-5)
    after = resumed.net.state_dict()
    for key, value in uninterrupted.net.state_dict().items():
        torch.testing.assert_close(after[key], value, rtol=1e-3, atol=1e-4)


def test_resume_of_a_finished_run_does_nothing(whole: tuple[Run, Path], parts: Parts) -> None:
    run, folder = whole
    again = start(run.recipe, parts, folder / "run", resume=True)
    curve = list(again.progress.curve)
    assert again.fit().curve == curve == run.progress.curve
    assert all(torch.equal(v, run.best_state[k]) for k, v in again.best_state.items())


def test_a_finished_run_keeps_what_ships_and_what_trained_it(
    whole: tuple[Run, Path], parts: Parts, tmp_path: Path
) -> None:
    _, folder = whole
    done = torch.load(folder / "run" / "last.pt", weights_only=True)
    assert set(done) == {"recipe", "best", "progress"}
    assert done["progress"]["devices"] == ["cpu"]
    recipe = load_recipe(str(write_recipe(tmp_path)))
    begun = start(recipe, parts, tmp_path / "run")
    begun._epoch(math.inf)
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert set(state) == {"recipe", "best", "progress", "parts", "optimizer", "average"}
    state["progress"]["devices"] = ["a GPU"]  # begun elsewhere
    torch.save(state, tmp_path / "run" / "last.pt")
    assert start(recipe, parts, tmp_path / "run", resume=True).fit().devices == ["a GPU", "cpu"]


def test_a_checkpoint_of_another_recipe_is_refused(whole: tuple[Run, Path], parts: Parts, tmp_path: Path) -> None:
    other = load_recipe(str(write_recipe(tmp_path, lr="1.0e-4")))
    with pytest.raises(RecipeError) as raised:
        start(other, parts, whole[1] / "run", resume=True)
    assert raised.value.remedy


def test_time_up_within_the_first_epoch(parts: Parts, tmp_path: Path, capfd, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(logs, "TELL_EVERY", 0.0)
    recipe = load_recipe(str(write_recipe(tmp_path)))
    run = start(recipe, parts, tmp_path / "run")
    progress = run.fit(minutes=0.0)
    assert progress.epoch == 0
    assert progress.curve == []
    assert run.best_state == {}
    assert not (tmp_path / "run" / "last.pt").exists()
    told = capfd.readouterr().err
    assert "step 1/4" in told
    assert "loss" in told
    assert "time is up" in told


def test_the_repeated_epoch_equals_the_first_attempt(whole: tuple[Run, Path], parts: Parts, tmp_path: Path) -> None:
    recipe = load_recipe(str(write_recipe(tmp_path)))
    start(recipe, parts, tmp_path / "run").fit(minutes=0.0)
    torch.rand(7)  # whatever else the process drew in between
    run = start(recipe, parts, tmp_path / "run", resume=True)
    run._epoch(math.inf)
    assert run.progress.curve[0] == pytest.approx(whole[0].progress.curve[0], rel=1e-5)


def test_patience_ends_a_run_for_good(parts: Parts, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    figures = iter([0.5, 0.4, 0.3, 0.2, 0.1])
    monkeypatch.setattr(loop, "validate", lambda *_, **__: {"auc": 0.5, "dice": next(figures)})
    recipe = load_recipe(str(write_recipe(tmp_path, patience="2", epoch_images="8", epochs="5")))
    assert start(recipe, parts, tmp_path / "run").fit().epoch == 3  # the best, and two without a better one
    assert start(recipe, parts, tmp_path / "run", resume=True).fit().epoch == 3


def test_a_diverged_run_stops_before_it_overwrites_its_checkpoint(parts: Parts, tmp_path: Path) -> None:
    run = start(load_recipe(str(write_recipe(tmp_path, lr="1.0e+30", average="0"))), parts, tmp_path / "run")
    with pytest.raises(DivergedError) as raised:
        run.fit()
    assert "learning rate" in raised.value.remedy


def test_a_frozen_backbone_keeps_weights_and_batch_norm_statistics(parts: Parts, tmp_path: Path) -> None:
    path = write_recipe(tmp_path, freeze_epochs="1", epochs="2", epoch_images="8", average="0", schedule="cosine")
    run = start(load_recipe(str(path)), parts, tmp_path / "run")

    def backbone() -> dict[str, torch.Tensor]:
        return {k: v.clone() for k, v in run.net.state_dict().items() if k.startswith("backbone.")}

    before, rest = backbone(), run.net.mask.weight.clone()  # type: ignore[union-attr,operator]
    assert any("running_var" in k for k in before)
    run._epoch(math.inf)
    after = backbone()
    assert all(torch.equal(v, after[k]) for k, v in before.items())
    assert not torch.equal(run.net.mask.weight, rest)  # type: ignore[union-attr,arg-type]
    run._epoch(math.inf)  # now it is free
    thawed = backbone()
    assert not all(torch.equal(v, thawed[k]) for k, v in after.items() if "running_var" in k)
    assert not all(torch.equal(v, thawed[k]) for k, v in after.items() if k.endswith("weight"))


def test_the_plateau_schedule_cuts_as_torchs_does() -> None:
    figures = [0.5, 0.6, 0.55, 0.6, 0.6, 0.7, 0.69, 0.68, 0.67, 0.66, 0.65, 0.64, 0.8]
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.1, patience=2, threshold=0.0)
    for n, figure in enumerate(figures, 1):
        theirs.step(figure)
        assert 0.1 ** plateaus(figures[:n]) == pytest.approx(optimizer.param_groups[0]["lr"])


def test_the_rate_is_a_function_of_the_step(whole: tuple[Run, Path]) -> None:
    run = whole[0]
    rates = np.array([run._rate(step) for step in range(16)])
    assert rates[4] == pytest.approx(3e-3)  # one-cycle: the top after a quarter
    assert (np.diff(rates[:5]) > 0).all()
    assert (np.diff(rates[4:]) < 0).all()
    assert rates.min() > 0


def test_groups_of_the_parts_do_not_meet(parts: Parts) -> None:
    sides = [{i.group for i in p} for p in (parts.train, parts.validation, parts.test)]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert [len(s) for s in sides] == [6, 3, 3]
    (use,) = parts.use
    assert use.groups == {"train": 6, "validation": 3, "test": 3}
    assert (use.train, use.validation, use.test) == (24, 12, 12)
