"""A model as ONNX, ExportedProgram or OpenVINO: written, loaded back, and held against the original.

Height and width are those of the contract: an adaptive pool would be baked at the example's size anyhow, and answer
wrongly in silence elsewhere. The batch is dynamic.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.errors import ModelUnavailableError, OverreadError
from core.weights.store import load_model
from trainers.commands.exported import Exported, facts

TOLERANCE = 1e-4  # of every probability, mask and map; logits and taps, which have no bounds, relative to their largest
BATCHES = (1, 3)
Answers = Callable[[np.ndarray], list[np.ndarray]]


def export(model: str, weights: Path, kind: str, out: Path | None = None) -> Path:
    """Write ``system/name`` as ``model.onnx``, ``model.pt2`` or ``model.xml`` with ``model.bin``.

    Args:
        kind: a key of :data:`KINDS`. out: where to; by default beside the weights.

    Raises:
        ModelUnavailableError: no such model, or weights that do not fit their card.
        OverreadError: the group ``export`` is not installed, or the file answers differently.
    """
    if model.count("/") != 1:
        raise ModelUnavailableError(f"{model!r} names no model.", "Write system/name, such as brain-mr/unet.")
    net, card = load_model(weights / model)
    whole = Exported(net, card)
    ending, write = KINDS[kind]
    path = out or weights / model / f"model.{ending}"
    rng = torch.Generator().manual_seed(0)
    shape = (card.contract.channels, card.contract.height, card.contract.width)
    with torch.inference_mode():
        answers = write(whole, torch.randn((2, *shape), generator=rng), path, facts(card, whole.names))
        for batch in BATCHES:
            x = torch.randn((batch, *shape), generator=rng)
            apart = differences(whole.names, [one.numpy() for one in whole(x)], answers(x.numpy()))
            if max(apart.values()) > TOLERANCE:
                for file in (path, path.with_suffix(".bin")):
                    file.unlink(missing_ok=True)
                worst = max(apart, key=apart.__getitem__)
                raise OverreadError(
                    f"The exported {model} differs from the original by {apart[worst]:.2g} in its {worst}.",
                    "Use the model through this code.",
                )
    return path


def differences(names: list[str], wanted: list[np.ndarray], got: list[np.ndarray]) -> dict[str, float]:
    """Largest difference of each output; of those without bounds relative to the largest value."""
    apart = {}
    for name, a, b in zip(names, wanted, got, strict=True):
        whole = max(float(np.abs(a).max()), 1.0) if name in ("logits", "tap") else 1.0
        apart[name] = float(np.abs(a - b).max()) / whole if a.shape == b.shape else float("inf")
    return apart


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise OverreadError(
            f"This needs the package {name.partition('.')[0]}, which is not installed.",
            "Install Overread with what exports need: pip install 'overread[export]'.",
        ) from error


def _program(whole: Exported, example: torch.Tensor) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch", min=1, max=4096)
    with torch.inference_mode(False), torch.no_grad():
        return torch.export.export(whole, (example.clone(),), dynamic_shapes=({0: batch},), strict=False)


def _pt2(whole: Exported, example: torch.Tensor, path: Path, told: Mapping[str, str]) -> Answers:
    torch.export.save(_program(whole, example), path, extra_files=dict(told))
    loaded = torch.export.load(path).module()
    return lambda x: [one.numpy() for one in loaded(torch.from_numpy(x))]


def _onnx(whole: Exported, example: torch.Tensor, path: Path, told: Mapping[str, str]) -> Answers:
    onnx, runtime = _package("onnx"), _package("onnxruntime")
    _package("onnxscript")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        made = torch.onnx.export(
            _program(whole, example),
            input_names=["image"],
            output_names=whole.names,
            dynamo=True,
            external_data=False,  # by default the weights would lie in a second file
            verbose=False,
        )
    assert made is not None
    proto = made.model_proto
    for name, value in told.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = name, value
    onnx.checker.check_model(proto)
    onnx.save_model(proto, str(path))
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda x: list(session.run(whole.names, {"image": x}))


def _openvino(whole: Exported, example: torch.Tensor, path: Path, told: Mapping[str, str]) -> Answers:
    openvino = _package("openvino")
    between = path.with_suffix(".between.onnx")
    try:
        _onnx(whole, example, between, told)
        core = openvino.Core()
        network = core.read_model(str(between))  # the converter of the tools would report its use
        for name, value in told.items():
            network.set_rt_info(value, ["overread", name])
        openvino.save_model(network, str(path), compress_to_fp16=False)
    finally:
        between.unlink(missing_ok=True)
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(str(path)), "CPU", exact)

    def answers(x: np.ndarray) -> list[np.ndarray]:
        said = compiled(x)
        return [np.asarray(said[name]) for name in whole.names]

    return answers


KINDS: Mapping[str, tuple[str, Callable[[Exported, torch.Tensor, Path, Mapping[str, str]], Answers]]] = {
    "onnx": ("onnx", _onnx),
    "pt2": ("pt2", _pt2),
    "openvino": ("xml", _openvino),
}
