"""Compiled programs on disk: of the very card, unaltered and truthful, or PyTorch answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from core.engine.engine import Engine
from core.engine.shelf import Loaded
from core.models.graph import FILES
from core.models.net import OverreadNet
from core.models.program import Program
from core.weights import checked, compiled
from core.weights.card import ModelCard
from dashboard.command import app
from tests.engine.installed import install, scan, study


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    install(folder, "brain-mr", "unet", "resunet", role="segmenter", test_time_flips=("horizontal",))
    install(folder, "brain-mr", "resnet50", "resnet18")
    return folder


@pytest.fixture(scope="module")
def programs(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``overread compile`` makes; every program chosen, however fast, so that there is something to look at."""
    folder = tmp_path_factory.mktemp("programs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVERREAD_PROGRAMS", str(folder))
        told = CliRunner().invoke(app, ["compile", "--weights", str(weights)])
        assert told.exit_code == 0, told.output
        assert "brain-mr/unet" in told.output
        assert "brain-mr/resnet50" in told.output
        assert CliRunner().invoke(app, ["compile", "--weights", str(weights)]).output == ""  # nothing is made twice
    for place in (folder / "brain-mr").iterdir():
        rewrite_chosen(place, "openvino")
    return folder


def rewrite_chosen(place: Path, chosen: str) -> None:
    found = compiled.Made.load(place / compiled.MADE)
    found.model_copy(update={"chosen": chosen}).save(place / compiled.MADE)


def loaded(weights: Path, programs: Path) -> Loaded:
    return Engine(weights, programs=programs).loaded("brain-mr", "unet")


def test_answers_masks_and_maps_are_those_of_pytorch(weights: Path, programs: Path, tmp_path: Path) -> None:
    case = study(scan(slices=3))
    fast, slow = Engine(weights, programs=programs), Engine(weights, programs=tmp_path)
    assert fast.loaded("brain-mr", "unet").net.program is not None
    assert slow.loaded("brain-mr", "unet").net.program is None
    for one, other in zip(fast.review(case, "brain-mr").results, slow.review(case, "brain-mr").results, strict=True):
        if other.finding is None:
            continue
        assert (one.state.compiled, other.state.compiled) == (True, False)  # the pedigree says which computed
        torch.testing.assert_close(torch.tensor(one.finding), torch.tensor(other.finding), atol=1e-5, rtol=0)
        if other.mask is not None:
            assert one.mask is not None
            assert (one.mask == other.mask).mean() > 0.999
    here = fast.heat_map(case, "brain-mr", 0, "resnet50", 1)
    there = slow.heat_map(case, "brain-mr", 0, "resnet50", 1)
    torch.testing.assert_close(torch.tensor(here.values), torch.tensor(there.values), atol=1e-3, rtol=0)


@pytest.mark.parametrize("spoilt", ["pass.blob", "made.json"])
def test_altered_files_are_not_used(weights: Path, programs: Path, tmp_path: Path, spoilt: str) -> None:
    copied = tmp_path / "programs"
    copied.mkdir()
    (copied / "brain-mr").mkdir()
    place = copied / "brain-mr" / "unet"
    place.mkdir()
    for file in (programs / "brain-mr" / "unet").iterdir():
        (place / file.name).write_bytes(file.read_bytes())
    assert loaded(weights, copied).net.program is not None
    content = bytearray((place / spoilt).read_bytes())
    content[len(content) // 2] ^= 1
    (place / spoilt).write_bytes(bytes(content))
    assert loaded(weights, copied).net.program is None


def test_a_program_of_another_card_or_a_slower_one_is_not_used(weights: Path, programs: Path, tmp_path: Path) -> None:
    copied = tmp_path / "programs" / "brain-mr" / "unet"
    copied.mkdir(parents=True)
    for file in (programs / "brain-mr" / "unet").iterdir():
        (copied / file.name).write_bytes(file.read_bytes())
    rewrite_chosen(copied, "torch")
    assert loaded(weights, tmp_path / "programs").net.program is None
    rewrite_chosen(copied, "openvino")
    found = compiled.Made.load(copied / compiled.MADE)
    found.model_copy(update={"card_digest": "0" * 64}).save(copied / compiled.MADE)
    assert loaded(weights, tmp_path / "programs").net.program is None
    found.model_copy(update={"openvino": "2020.1"}).save(copied / compiled.MADE)
    assert loaded(weights, tmp_path / "programs").net.program is None
    found.save(copied / compiled.MADE)
    assert loaded(weights, tmp_path / "programs").net.program is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checked, "kind", lambda: "of another kind")  # a program is compiled for one kind of processor
        assert loaded(weights, tmp_path / "programs").net.program is None


def test_a_program_that_answers_otherwise_is_not_used(weights: Path, programs: Path, tmp_path: Path) -> None:
    place = tmp_path / "programs" / "brain-mr" / "unet"
    card = Engine(weights).loaded("brain-mr", "unet").card
    twin = Engine(weights, programs=tmp_path).loaded("brain-mr", "unet").net
    with torch.no_grad():
        next(iter(twin.head_parameters())).add_(1.0)
    compiled.make(twin, card, tmp_path / "programs")
    rewrite_chosen(place, "openvino")
    assert loaded(weights, tmp_path / "programs").net.program is None


def copied(programs: Path, folder: Path) -> Path:
    place = folder / "brain-mr" / "unet"
    place.mkdir(parents=True)
    for name in (*FILES, compiled.MADE):
        (place / name).write_bytes((programs / "brain-mr" / "unet" / name).read_bytes())
    return place


def checks_made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes every check of a program against its network that is made from now on."""
    made: list[str] = []
    real = compiled._apart

    def noted(net: OverreadNet, program: Program, card: ModelCard) -> float:
        made.append(card.name)
        return real(net, program, card)

    monkeypatch.setattr(compiled, "_apart", noted)
    return made


def test_a_check_is_remembered_until_something_it_rests_on_changes(
    weights: Path, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = copied(programs, tmp_path)
    made = checks_made(monkeypatch)
    assert loaded(weights, tmp_path).net.program is not None
    assert loaded(weights, tmp_path).net.program is not None
    assert made == ["unet"], "once, not at every start"
    for name, value in {
        "_code": "other code",
        "_libraries": {"openvino": "another"},
        "_processor": "another machine",
    }.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checked, name, lambda value=value: value)
            made.clear()
            assert loaded(weights, tmp_path).net.program is not None
            assert made == ["unet"], name
    found = checked.Checked.load(place / checked.CHECKED)
    found.model_copy(update={"card_digest": "0" * 64}).save(place / checked.CHECKED)  # of another model
    made.clear()
    assert loaded(weights, tmp_path).net.program is not None
    assert made == ["unet"]
    content = (place / checked.CHECKED).read_text(encoding="utf-8")
    (place / checked.CHECKED).write_text(content.replace('"threads": ', '"threads": 9'), encoding="utf-8")
    made.clear()
    assert loaded(weights, tmp_path).net.program is not None
    assert made == ["unet"], "what was altered by hand counts for nothing"


def test_what_is_remembered_of_one_program_does_not_speak_for_another(
    weights: Path, programs: Path, tmp_path: Path
) -> None:
    place = copied(programs, tmp_path)
    assert loaded(weights, tmp_path).net.program is not None
    memory = (place / checked.CHECKED).read_bytes()
    twin = Engine(weights, programs=tmp_path / "none").loaded("brain-mr", "unet")
    with torch.no_grad():
        next(iter(twin.net.head_parameters())).add_(1.0)
    compiled.make(twin.net, twin.card, tmp_path)  # of the same card, and everything in it fits together
    rewrite_chosen(place, "openvino")
    (place / checked.CHECKED).write_bytes(memory)
    assert loaded(weights, tmp_path).net.program is None


def test_a_check_that_failed_is_not_remembered(weights: Path, programs: Path, tmp_path: Path) -> None:
    place = copied(programs, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "_apart", lambda *_: float("nan"))
        assert loaded(weights, tmp_path).net.program is None
    assert not (place / checked.CHECKED).exists()


def test_a_program_that_is_made_meanwhile_is_taken_up(weights: Path, programs: Path, tmp_path: Path) -> None:
    engine = Engine(weights, programs=tmp_path)
    before = engine.loaded("brain-mr", "unet")
    assert before.net.program is None
    assert engine.loaded("brain-mr", "unet") is before
    copied(programs, tmp_path)
    assert engine.loaded("brain-mr", "unet").net.program is not None
