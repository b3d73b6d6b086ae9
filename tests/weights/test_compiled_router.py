"""The router's compiled program: what the network says, whatever the batch; where it is not sound, PyTorch."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.engine import gate
from core.engine.engine import Engine
from core.imaging.study import Series
from core.models.graph import FILES
from core.places import WEIGHTS
from core.simulate import DRAWINGS, phantom
from core.systems.router import CARD, FOLDER, Router, plane
from core.weights import checked, compiled, compiled_router
from dashboard.command import app
from tests.engine.installed import scan
from tests.engine.router_files import write_router

PLACE = Path(*compiled_router.PLACE)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped router, alone."""
    folder = tmp_path_factory.mktemp("weights")
    shutil.copytree(WEIGHTS / FOLDER, folder / FOLDER)
    return folder


@pytest.fixture(scope="module")
def made(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``overread compile`` makes, chosen however fast it is, so that there is something to look at."""
    folder = tmp_path_factory.mktemp("programs")
    said = compile_with(weights, folder)
    assert "router: " in said
    assert "ms compiled" in said
    rewrite(folder, chosen="openvino")
    return folder


@pytest.fixture
def programs(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil, of which no check is remembered."""
    shutil.copytree(made, tmp_path / "programs", ignore=shutil.ignore_patterns(checked.CHECKED))
    return tmp_path / "programs"


def compile_with(weights: Path, programs: Path, *words: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVERREAD_PROGRAMS", str(programs))
        told = CliRunner().invoke(app, ["compile", "--weights", str(weights), *words])
    assert told.exit_code == 0, told.output
    return told.output


def rewrite(programs: Path, **values: str) -> None:
    file = programs / PLACE / compiled.MADE
    compiled.Made.load(file).model_copy(update=values).save(file)


def attached(weights: Path, programs: Path) -> Router:
    router = Router(weights / FOLDER)
    router.attach(programs)
    return router


def planes(count: int) -> np.ndarray:
    """Planes of scans of every kind."""
    names = sorted(DRAWINGS)
    drawn = (phantom(names[n % len(names)], n, DRAWINGS[names[n % len(names)]].labels[0]) for n in range(count))
    return np.stack([plane(one.series, 0) for one in drawn])


@pytest.mark.parametrize("count", [1, 5, 8])
def test_answers_are_the_networks_whatever_the_batch(weights: Path, programs: Path, count: int) -> None:
    fast, slow, seen = attached(weights, programs), Router(weights / FOLDER), planes(count)
    assert fast.program is not None
    found, wanted = fast.read(seen), slow.read(seen)
    assert found.dtype == np.float64
    assert np.abs(wanted).max() > 3, "logits that tell kinds apart"
    np.testing.assert_allclose(found, wanted, atol=1e-5, rtol=0)
    np.testing.assert_array_equal(np.concatenate([fast.read(one[None]) for one in seen]), found)


def test_a_series_gets_the_same_answer(weights: Path, programs: Path) -> None:
    fast, slow = attached(weights, programs), Router(weights / FOLDER)
    series = phantom("brain-mr", 3, DRAWINGS["brain-mr"].labels[0]).series
    found, wanted = fast.answer(series), slow.answer(series)
    assert (found.kind, found.slices) == (wanted.kind, wanted.slices)
    assert found.strange == pytest.approx(wanted.strange, abs=1e-5)


def test_what_is_looked_at_ahead_is_looked_at_by_the_program(
    weights: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = attached(weights, programs)
    monkeypatch.setattr(fast, "_by_network", never)
    several = [phantom("brain-mr", seed, DRAWINGS["brain-mr"].labels[0], picture=True).series for seed in range(3)]
    fast.foresee(several)
    assert len(fast._foreseen) == 3
    assert fast.answer(several[1]).kind


def never(_: np.ndarray) -> np.ndarray:
    raise AssertionError("the network was asked")


@pytest.mark.parametrize("spoilt", [*FILES, compiled.MADE])
def test_altered_files_are_not_used(weights: Path, programs: Path, spoilt: str) -> None:
    content = bytearray((programs / PLACE / spoilt).read_bytes())
    content[len(content) // 2] ^= 1
    (programs / PLACE / spoilt).write_bytes(bytes(content))
    assert attached(weights, programs).program is None


@pytest.mark.parametrize("values", [{"card_digest": "0" * 64}, {"openvino": "2020.1"}, {"chosen": "torch"}])
def test_a_program_of_another_card_or_openvino_or_a_slower_one_is_not_used(
    weights: Path, programs: Path, values: dict[str, str]
) -> None:
    rewrite(programs, **values)
    assert attached(weights, programs).program is None


def test_a_program_that_answers_otherwise_is_not_used(weights: Path, programs: Path) -> None:
    other = Router(weights / FOLDER)
    list(other._net.head.parameters())[-1].add_(1e-3)
    other.compile(programs)  # of the same card, and everything in it fits together
    rewrite(programs, chosen="openvino")
    assert attached(weights, programs).program is None
    assert not (programs / PLACE / checked.CHECKED).exists()


def test_a_passed_check_is_remembered(weights: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    real = compiled_router._Router.apart

    def noted(side: compiled_router._Router, program: compiled_router.RouterProgram) -> float:
        asked.append(program)
        return real(side, program)

    monkeypatch.setattr(compiled_router._Router, "apart", noted)
    for _ in range(2):
        assert attached(weights, programs).program is not None
    assert len(asked) == 1
    monkeypatch.setattr(checked, "_processor", lambda: "another machine")
    assert attached(weights, programs).program is not None
    assert len(asked) == 2


def test_without_openvino_pytorch_answers(weights: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "installed", lambda: "")
    router, seen = attached(weights, programs), planes(1)
    assert router.program is None
    np.testing.assert_array_equal(router.read(seen), Router(weights / FOLDER).read(seen))


def test_the_command_compiles_it_once_and_again_when_asked(weights: Path, programs: Path, tmp_path: Path) -> None:
    assert compile_with(weights, programs) == ""
    assert "router: " in compile_with(weights, programs, "--again")
    assert compile_with(tmp_path, programs) == "", "no router is installed"
    spoilt = tmp_path / FOLDER
    shutil.copytree(weights / FOLDER, spoilt)
    (spoilt / CARD).write_text("{}", encoding="utf-8")
    assert compile_with(tmp_path, programs, "--again") == ""


def asked_for(engine: Engine, series: Series) -> tuple[float, Router]:
    """A verdict's distance from the limit, and the router, once what it began in the background is done."""
    verdict = engine.verdict("brain-mr", series)
    for thread in threading.enumerate():
        if thread.name == "overread-loading-gate-program":
            thread.join(30)
    router = engine._gate.router()
    assert router is not None
    assert verdict.strange is not None
    return verdict.strange, router


def test_the_gate_takes_up_a_program_behind_a_verdict_and_one_that_is_made_meanwhile(
    weights: Path, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PATIENCE", 0.0)
    reads: list[Path] = []
    real = Router.attach

    def noted(router: Router, folder: Path) -> None:
        reads.append(folder)
        real(router, folder)

    monkeypatch.setattr(Router, "attach", noted)
    engine, series = Engine(weights, programs=tmp_path / "later"), scan(1)
    by_network, router = asked_for(engine, series)
    assert router.program is None
    assert reads == []
    shutil.copytree(programs, tmp_path / "later")
    again, _ = asked_for(engine, series)
    assert again == by_network, "to the bit: the program is read behind it"
    assert router.program is not None
    monkeypatch.setattr(router, "_by_network", never)
    by_program, same = asked_for(engine, series)
    assert same is router
    assert by_program == pytest.approx(by_network, abs=1e-5)
    assert len(reads) == 1, "no further verdict reads it"
    first = router.program
    shutil.rmtree(tmp_path / "later" / PLACE)
    shutil.copytree(programs / PLACE, tmp_path / "later" / PLACE, copy_function=shutil.copyfile)
    asked_for(engine, series)
    assert len(reads) == 2, "made anew"
    assert router.program not in (None, first)
    shutil.rmtree(tmp_path / "later")
    monkeypatch.undo()
    assert asked_for(engine, series)[0] == by_network
    assert router.program is None


@pytest.mark.parametrize(("near", "asked"), [(5e-4, True), (-5e-4, True), (5e-3, False), (-5e-3, False)])
def test_a_verdict_near_a_limit_is_the_networks(near: float, asked: bool, tmp_path: Path) -> None:
    """The limit lies ``near`` the answer, and the program leans across it: within ``NEAR`` that moves no verdict."""
    router, series = Router(write_router(tmp_path, threshold=0.0)), scan(1)
    limit = router.card.systems["brain-mr"]
    at = router.answer(series, only="brain-mr").strange["brain-mr"] * limit.spread + near
    moved = {"brain-mr": limit.model_copy(update={"threshold": at})}
    router.card = router.card.model_copy(update={"systems": router.card.systems | moved})
    wanted = router.answer(series, only="brain-mr").strange["brain-mr"]
    assert wanted == pytest.approx(-near)

    def leaning(seen: np.ndarray) -> np.ndarray:
        return router._by_network(seen) - np.sign(near) * 8e-4 * np.eye(3)[0]

    router.program = leaning  # type: ignore[assignment]
    found = router.answer(series, only="brain-mr").strange["brain-mr"]
    assert found == pytest.approx(wanted if asked else wanted + np.sign(near) * 8e-4, abs=1e-9)
    assert (found > 0) == (wanted > 0)
