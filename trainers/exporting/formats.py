"""A model as ONNX, ExportedProgram or OpenVINO: written, loaded back, and held against the original.

Height and width are those of the contract: an adaptive pool would be baked at the example's size anyhow, and answer
wrongly in silence elsewhere. The batch is dynamic.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from core.errors import ModelUnavailableError, OverreadError
from core.packages import package
from core.weights.card import ModelCard
from core.weights.exported.manifest import Exports, Link, note, probe
from core.weights.exported.runtimes import Answers, opened
from core.weights.store import load_model
from trainers.exporting.exported import Exported, facts

TOLERANCE = 1e-4  # of every probability, mask and map; logits and taps, which have no bounds, relative to their largest
BATCHES = (1, 3)
UNBOUNDED = ("logits", "features", "tap", "heat_peak")
Write = Callable[[Exported, torch.Tensor, Path, Mapping[str, str]], None]


def export(model: str, weights: Path, kind: str, out: Path | None = None) -> Path:
    """Write ``system/name`` as ``model.onnx``, ``model.pt2`` or ``model.xml`` with ``model.bin``.

    Beside the weights it is entered in ``exports.json``, and stands in for them where they are missing or spoilt
    (:mod:`core.weights.exported.chain`).

    Args:
        kind: a key of :data:`KINDS`. out: where to; by default beside the weights.

    Raises:
        ModelUnavailableError: no such model, weights that do not fit their card, or the group ``export`` is not
            installed.
        OverreadError: the file answers differently.
    """
    if model.count("/") != 1:
        raise ModelUnavailableError(f"{model!r} names no model.", "Write system/name, such as brain-mr/unet.")
    net, card = load_model(weights / model)
    whole, link = Exported(net, card), Link(kind)
    path = out or weights / model / link.files[0]
    rng = torch.Generator().manual_seed(0)
    shape = (card.contract.channels, card.contract.height, card.contract.width)
    with torch.inference_mode():
        KINDS[kind](whole, torch.randn((2, *shape), generator=rng), path, facts(card, whole.names))
        hold_against(model, whole, opened(link, path, whole.names), path)
        if out is None:
            note(weights / model, card, link, manifest_of(whole, card))
    return path


def hold_against(model: str, whole: Exported, answers: Answers, path: Path) -> None:
    """Compare a file with its original on noise, one image at a time and several; one that differs is removed.

    Raises:
        OverreadError: it differs.
    """
    rng = torch.Generator().manual_seed(1)
    for batch in BATCHES:
        x = torch.randn((batch, whole.net.channels, *whole.size), generator=rng)
        apart = differences(whole.names, [one.numpy() for one in whole(x)], answers(x.numpy()))
        refuse_where_apart(model, path, apart)


def refuse_where_apart(model: str, path: Path, apart: Mapping[str, float]) -> None:
    """Remove a file whose outputs differ (:func:`differences`) by more than the tolerance.

    Raises:
        OverreadError: they do.
    """
    if not max(apart.values()) <= TOLERANCE:
        for file in (path, path.with_suffix(".bin")):
            file.unlink(missing_ok=True)
        worst = max(apart, key=apart.__getitem__)
        raise OverreadError(
            f"The exported {model} differs from the original by {apart[worst]:.2g} in its {worst}.",
            "Use the model through this code.",
        )


def manifest_of(whole: Exported, card: ModelCard) -> Exports:
    """What ``exports.json`` says of a model's exports, but for the files."""
    images = torch.from_numpy(probe(card.contract.channels, *whole.size))
    finding = whole(images)[whole.names.index("finding")]
    linear = whole.net.linear_weight
    return Exports(
        system=card.system,
        name=card.name,
        card_digest=card.digest,
        names=tuple(whole.names),
        linear_weight=None if linear is None else tuple(map(tuple, linear.detach().float().tolist())),
        probe=tuple(finding.tolist()),
        links={},
    )


def differences(names: list[str], wanted: list[np.ndarray], got: list[np.ndarray]) -> dict[str, float]:
    """Largest difference of each output; of those without bounds relative to the largest value."""
    apart = {}
    for name, a, b in zip(names, wanted, got, strict=True):
        whole = max(float(np.abs(a).max()), 1.0) if name in UNBOUNDED else 1.0
        off = np.nan_to_num(np.abs(a - b), nan=np.inf).max() if a.shape == b.shape else np.inf  # max would hide a NaN
        apart[name] = float(off) / whole
    return apart


def program(whole: Exported, example: torch.Tensor, *, several: bool = True) -> torch.export.ExportedProgram:
    """The model as an ExportedProgram, for any number of images at once or for as many as in the example."""
    batch = torch.export.Dim("batch", min=1, max=4096)
    dynamic = ({0: batch},) if several else None
    with torch.inference_mode(False), torch.no_grad():
        return torch.export.export(whole, (example.clone(),), dynamic_shapes=dynamic, strict=False)


def _pt2(whole: Exported, example: torch.Tensor, path: Path, told: Mapping[str, str]) -> None:
    torch.export.save(program(whole, example), path, extra_files=dict(told))


def _onnx(whole: Exported, example: torch.Tensor, path: Path, told: Mapping[str, str]) -> None:
    onnx = package("onnx")
    package("onnxscript")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        made = torch.onnx.export(
            program(whole, example),
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


def _openvino(whole: Exported, example: torch.Tensor, path: Path, told: Mapping[str, str]) -> None:
    between = path.with_suffix(".between.onnx")
    try:
        _onnx(whole, example, between, told)
        from_onnx(between, path, told)
    finally:
        between.unlink(missing_ok=True)


def from_onnx(onnx: Path, path: Path, told: Mapping[str, str]) -> None:
    """OpenVINO's two files from an ONNX file, in float32."""
    openvino = package("openvino")
    network = openvino.Core().read_model(str(onnx))  # the converter of the tools would report its use
    for name, value in told.items():
        network.set_rt_info(value, ["overread", name])
    openvino.save_model(network, str(path), compress_to_fp16=False)


KINDS: Mapping[str, Write] = {"onnx": _onnx, "pt2": _pt2, "openvino": _openvino}
