"""Where weights are missing or spoilt the next trusted export answers, says so, and never one of something else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import torch

from core.engine.engine import Engine
from core.engine.results import ModelState, ModelStatus
from core.errors import ModelUnavailableError
from core.weights.exported import chain, runtimes
from core.weights.exported.manifest import MANIFEST, Exports, Link, note
from core.weights.folder import WEIGHTS, load_card
from tests import cards
from tests.engine.installed import study
from trainers.exporting.formats import export

MODEL = "brain-mr/resnet50"  # a ResNet-18 with temperature and flips
EXPORTED = (Link.ONNX, Link.OPENVINO)


@pytest.fixture(scope="module")
def exported(brain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with all its exports beside it."""
    weights = tmp_path_factory.mktemp("exported")
    shutil.copytree(brain / MODEL, weights / MODEL)
    for link in (*EXPORTED, Link.PT2):
        export(MODEL, weights, link)
    return weights


@pytest.fixture
def weights(exported: Path, tmp_path: Path) -> Path:
    shutil.copytree(exported, tmp_path / "weights")
    return tmp_path / "weights"


def state(engine: Engine) -> ModelState:
    return next(s for s in engine.states("brain-mr") if s.name == "resnet50")


@pytest.mark.parametrize("link", EXPORTED)
def test_an_export_says_nothing_of_an_image_without_numbers(exported: Path, link: Link) -> None:
    """Some of their programs take what is no number for 0, and answer."""
    answers = runtimes.opened(link, exported / MODEL / link.files[0], Exports.load(exported / MODEL / MANIFEST).names)
    contract = load_card(exported / MODEL).contract
    x = np.random.default_rng(0).normal(size=(3, contract.channels, contract.height, contract.width)).astype(np.float32)
    before = answers(x)
    x[1, 0, 4:8, 4:8] = np.nan
    for one, whole in zip(answers(x), before, strict=True):
        assert np.isnan(one[1]).all()
        np.testing.assert_allclose(one[[0, 2]], whole[[0, 2]], atol=1e-6)


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def findings(engine: Engine) -> np.ndarray:
    review = engine.review(study(), "brain-mr")
    (result,) = review.ready
    assert result.finding is not None
    told = [flag.text for flag in review.warnings if flag.kind == "stands-in"]
    assert len(told) == (0 if result.state.link is Link.SAFETENSORS else 1)
    assert all(result.state.link.files[0] in text for text in told)
    assert result.state.link is state(engine).link
    return result.finding


@pytest.mark.parametrize("harm", [spoil, Path.unlink], ids=["spoilt", "missing"])
def test_the_chain_in_its_order(weights: Path, harm: Callable[[Path], None]) -> None:
    whole = Engine(weights)
    wanted = findings(whole)
    heat = whole.heat_map(study(), "brain-mr", 0, "resnet50", 0)
    assert heat.values is not None
    tapped = {}
    for method in ("layercam", "eigencam"):  # neither do these need gradients behind a linear head
        drawn = whole.heat_map(study(), "brain-mr", 0, "resnet50", 0, method=method).values
        assert drawn is not None
        assert drawn.max() > 0.5
        tapped[method] = drawn
    before: list[str] = []
    for link, following in zip((Link.SAFETENSORS, Link.ONNX), EXPORTED, strict=True):
        harm(weights / MODEL / link.files[0])
        before.append(link.files[0])
        engine = Engine(weights)
        now = state(engine)
        assert (now.status, now.link) == (ModelStatus.READY, following)
        assert all(name in now.instead or "weights" in now.instead for name in before)
        np.testing.assert_allclose(findings(engine), wanted, atol=1e-4)
        again = engine.heat_map(study(), "brain-mr", 0, "resnet50", 0)  # the head is linear: no gradients are needed
        assert again.values is not None
        np.testing.assert_allclose(again.values, heat.values, atol=1e-3)
        for method, drawn in tapped.items():
            told = engine.heat_map(study(), "brain-mr", 0, "resnet50", 0, method=method)
            assert told.values is not None
            np.testing.assert_allclose(told.values, drawn, atol=1e-3)
        assert "gradients" in engine.heat_map(study(), "brain-mr", 0, "resnet50", 0, method="grad-cam++").error
    harm(weights / MODEL / "model.bin")
    last = state(Engine(weights))
    assert last.status in (ModelStatus.REFUSED, ModelStatus.MISSING)
    assert "No export stands in" in last.reason
    assert Engine(weights).review(study(), "brain-mr").ready == ()


class Interpreter:
    """LiteRT's interface over the ONNX file: one image at a time, outputs by number, in an order of its own."""

    def __init__(self, model_path: str) -> None:
        self.session = onnxruntime.InferenceSession(str(Path(model_path).with_name("kept.onnx")))

    def get_signature_runner(self) -> Interpreter:
        return self

    def get_input_details(self) -> dict[str, object]:
        return {"args_0": None}

    def __call__(self, args_0: np.ndarray) -> dict[str, np.ndarray]:
        assert args_0.shape[0] == 1
        said = {f"output_{n}": one for n, one in enumerate(self.session.run(None, {"image": args_0}))}
        return dict(sorted(said.items(), reverse=True))


def test_litert_is_the_last_link_where_its_interpreter_is(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = weights / MODEL
    wanted = findings(Engine(weights))
    (folder / "model.onnx").rename(folder / "kept.onnx")
    (folder / "model.tflite").write_bytes(b"a program of LiteRT")
    note(folder, load_card(folder), Link.LITERT, Exports.load(folder / MANIFEST))
    for name in (WEIGHTS, "model.bin"):
        (folder / name).unlink()
    monkeypatch.setattr(chain, "find_spec", lambda name: None)
    refused = state(Engine(weights))
    assert refused.status is ModelStatus.MISSING
    assert "model.tflite needs ai_edge_litert, which is not installed" in refused.reason
    monkeypatch.setattr(chain, "find_spec", lambda name: name)
    monkeypatch.setattr(runtimes, "package", lambda name: SimpleNamespace(Interpreter=Interpreter))
    engine = Engine(weights)
    np.testing.assert_allclose(findings(engine), wanted, atol=1e-4)
    assert (state(engine).status, state(engine).link) == (ModelStatus.READY, Link.LITERT)
    spoil(folder / "model.tflite")
    assert "model.tflite was altered" in state(Engine(weights)).reason


def test_weights_of_another_network_under_a_fitting_card(weights: Path) -> None:
    """The digest fits, but the network does not: found only when it is loaded, and the state says it from then on."""
    cards.rewrite(weights / MODEL / "card.json", architecture="resnet34")
    engine = Engine(weights)
    review = engine.review(study(), "brain-mr")
    assert review.ready == ()  # the exports are of the card as it was
    assert state(engine).status is ModelStatus.REFUSED
    assert "another card" in state(engine).reason


def test_a_link_that_cannot_be_opened_gives_way(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (weights / MODEL / WEIGHTS).unlink()
    real = chain.opened

    def no_onnx(link: Link, *rest: object) -> object:
        if link is Link.ONNX:
            raise ModelUnavailableError("model.onnx cannot be opened.", "")
        return real(link, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(chain, "opened", no_onnx)
    engine = Engine(weights)
    findings(engine)
    assert state(engine).link is Link.OPENVINO
    assert "model.onnx cannot be opened" in state(engine).instead


def test_a_file_that_answers_otherwise_gives_way(weights: Path) -> None:
    """Digests fit, but what the file says of the probe is not what the model said: an untrained or miscomputed one."""
    (weights / MODEL / WEIGHTS).unlink()
    manifest = Exports.load(weights / MODEL / MANIFEST)
    manifest.model_copy(update={"probe": tuple(p + 0.01 for p in manifest.probe)}).save(weights / MODEL / MANIFEST)
    engine = Engine(weights)
    assert engine.review(study(), "brain-mr").ready == ()
    assert state(engine).status is ModelStatus.MISSING
    assert "answers otherwise on this machine" in state(engine).reason


@pytest.mark.parametrize("change", [{"temperature": 1.0}, {"weights_sha256": "0" * 64}])
def test_exports_of_another_card_do_not_answer(weights: Path, change: dict[str, object]) -> None:
    cards.rewrite(weights / MODEL / "card.json", **change)
    (weights / MODEL / WEIGHTS).unlink()
    assert state(Engine(weights)).status is ModelStatus.MISSING
    assert "another card" in state(Engine(weights)).reason


def test_an_untrained_network_in_the_place_of_an_export(weights: Path) -> None:
    torch.onnx.export(torch.nn.Identity(), (torch.zeros(1),), str(weights / MODEL / "model.onnx"), dynamo=True)
    (weights / MODEL / WEIGHTS).unlink()
    engine = Engine(weights)
    assert state(engine).link is Link.OPENVINO
    assert "model.onnx was altered" in state(engine).instead


def test_a_pt2_is_never_opened_by_itself(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening one unpickles; with nothing else left, nothing answers."""

    def opened(*_: object) -> object:
        raise AssertionError("torch.export.load was called")

    monkeypatch.setattr(torch.export, "load", opened)
    for name in (WEIGHTS, "model.onnx", "model.bin"):
        (weights / MODEL / name).unlink()
    engine = Engine(weights)
    assert engine.review(study(), "brain-mr").ready == ()
    assert state(engine).status is ModelStatus.MISSING
