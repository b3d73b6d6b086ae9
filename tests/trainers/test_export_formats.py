"""Small models as ONNX, ExportedProgram and OpenVINO: every output as the engine has it, for other batches too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from core.engine.predict import answered
from core.errors import OverreadError
from core.explain.gradcam import explain_forward, grad_cam
from core.models.net import OverreadNet
from core.packages import package
from core.weights.answers import finding_probability, probabilities
from core.weights.card import ModelCard
from core.weights.store import load_model
from tests.cards import rewrite
from tests.dashboard import weights
from tests.engine.installed import install
from trainers.exporting import formats as export_formats
from trainers.exporting.exported import NO_MAP, Exported
from trainers.exporting.formats import export

ENDINGS = {"onnx": "onnx", "pt2": "pt2", "openvino": "xml"}
Run = Callable[[np.ndarray], dict[str, np.ndarray]]
SLAB = "brain-mr/slab"
MODELS = ("brain-mr/resnet50", "brain-mr/unet", SLAB)  # a ResNet-18 with a linear head; a residual U-Net; a volume


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = weights.write(tmp_path_factory.mktemp("small"))
    rewrite(folder / MODELS[1] / "card.json", temperature=1.7, test_time_flips=["horizontal"])
    slab = {"channels": 7, "context": "neighbours"}
    install(folder, "brain-mr", "slab", "slab3d", contract=slab, test_time_flips=("horizontal",))
    return folder


def _onnx(path: Path, names: list[str]) -> Run:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [one.name for one in session.get_outputs()] == names
    return lambda x: dict(zip(names, session.run(names, {"image": x}), strict=True))


def _pt2(path: Path, names: list[str]) -> Run:
    loaded = torch.export.load(path).module()
    return lambda x: {n: v.numpy() for n, v in zip(names, loaded(torch.from_numpy(x)), strict=True)}


def _openvino(path: Path, names: list[str]) -> Run:
    compiled = package("openvino").Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda x: {name: np.asarray(compiled(x)[name]) for name in names}


def _engine_says(net: OverreadNet, card: ModelCard, x: np.ndarray) -> dict[str, np.ndarray]:
    """What this code says, by the path that pages and archives take."""
    image = torch.from_numpy(x)
    with torch.inference_mode():
        logits, features, mask = answered(net, card, image)
    probability = probabilities(logits.numpy(), card.temperature)
    said = {"logits": logits.numpy(), "probability": probability, "finding": finding_probability(probability, card)}
    out = explain_forward(net, image)
    said["features"] = features.numpy()
    said["tap"] = out.tap.detach().numpy()
    if mask is None:
        cam = grad_cam(out, card.classes.index(card.positive[0]), size=x.shape[-2:])
        said["heat_map"], said["heat_peak"] = cam
    else:
        said["mask"] = torch.sigmoid(mask).numpy()
    return said


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("kind", "opened"), [("onnx", _onnx), ("pt2", _pt2), ("openvino", _openvino)])
def test_every_output_is_the_engines(
    small: Path, tmp_path: Path, kind: str, opened: Callable[[Path, list[str]], Run], model: str
) -> None:
    path = export(model, small, kind, tmp_path / f"net.{ENDINGS[kind]}")
    assert {file.name for file in tmp_path.iterdir()} == {path.name} | ({"net.bin"} if kind == "openvino" else set())
    net, card = load_model(small / model)
    names = Exported(net, card).names
    run = opened(path, names)
    for batch in (1, 4):
        x = np.random.default_rng(batch).normal(size=(batch, net.channels, *net.size)).astype(np.float32)
        wanted, got = _engine_says(net, card, x), run(x)
        assert set(wanted) == set(names)
        for name in names:
            assert got[name].shape == wanted[name].shape, name
            np.testing.assert_allclose(got[name], wanted[name], atol=1e-4, rtol=1e-4, err_msg=name)
        cut = card.threshold.value
        assert ((got["finding"] >= cut) == (wanted["finding"] >= cut)).all()
    # another size than the contract's is refused, not answered wrongly: the pooling was fixed with it
    with pytest.raises(Exception, match=r"(?i)dimension|shape|guard|size|expected"):
        run(np.zeros((1, net.channels, 2 * net.size[0], net.size[1]), np.float32))


def test_the_file_says_what_it_is(small: Path, tmp_path: Path) -> None:
    path = export(MODELS[0], small, "onnx", tmp_path / "a.onnx")
    card = load_model(small / MODELS[0])[1]
    told = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    assert json.loads(told["classes"]) == list(card.classes)
    assert json.loads(told["threshold"]) == card.threshold.value
    assert json.loads(told["contract"])["height"] == weights.SIDE
    assert told["overread_weights_sha256"] == card.weights_sha256
    assert told["heat_map"] != NO_MAP


def test_a_file_that_answers_otherwise_is_not_left_behind(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = export_formats.opened

    def wrong(*which: Any) -> Callable[[np.ndarray], list[np.ndarray]]:
        answers = real(*which)
        return lambda x: [one + np.float32(0.01) * (place == 2) for place, one in enumerate(answers(x))]

    monkeypatch.setattr(export_formats, "opened", wrong)
    with pytest.raises(OverreadError, match=r"differs from the original by 0\.01 in its finding"):
        export(MODELS[0], small, "onnx", tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []
