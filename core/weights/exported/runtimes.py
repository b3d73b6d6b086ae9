"""Opening an exported file with the program that it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from core.errors import ModelUnavailableError
from core.packages import package
from core.weights.exported.manifest import Link

Answers = Callable[[np.ndarray], list[np.ndarray]]
"""From the contract's tensor ``(B, channels, height, width)``, float32, to the outputs in the order of their names."""


def opened(link: Link, path: Path, names: Sequence[str]) -> Answers:
    """Open a file.

    Raises:
        ModelUnavailableError: its program is not installed, or refuses the file.
    """
    try:
        return _without_invention(_OPEN[link](path, list(names)))
    except ModelUnavailableError:
        raise
    except Exception as error:  # each program has errors of its own
        raise ModelUnavailableError(
            f"{path.name} cannot be opened ({str(error).splitlines()[0] if str(error) else type(error).__name__}).",
            "Export the model again.",
        ) from error


def _without_invention(answers: Answers) -> Answers:
    """Of an image that is not made of numbers nothing is told: some programs take what is none for 0, and go on."""

    def told(x: np.ndarray) -> list[np.ndarray]:
        said, spoilt = answers(x), ~np.isfinite(x).all((1, 2, 3))
        if not spoilt.any():
            return said
        return [np.where(spoilt.reshape(-1, *[1] * (one.ndim - 1)), np.float32(np.nan), one) for one in said]

    return told


def _pt2(path: Path, names: list[str]) -> Answers:
    program = torch.export.load(path).module()
    return lambda x: [one.numpy(force=True) for one in program(torch.from_numpy(x))]


def _onnx(path: Path, names: list[str]) -> Answers:
    runtime = package("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda x: list(session.run(names, {"image": x}))


def _openvino(path: Path, names: list[str]) -> Answers:
    core = package("openvino").Core()
    # by default a processor that can computes in bfloat16
    compiled = core.compile_model(core.read_model(str(path)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def answers(x: np.ndarray) -> list[np.ndarray]:
        said = compiled(x)
        return [np.array(said[name]) for name in names]  # a copy: the buffers are used again

    return answers


def _litert(path: Path, names: list[str]) -> Answers:
    made = package("ai_edge_litert.interpreter").Interpreter(model_path=str(path))
    run = made.get_signature_runner()
    (image,) = run.get_input_details()

    def answers(x: np.ndarray) -> list[np.ndarray]:
        # the file takes one image at a time
        each = [run(**{image: x[place : place + 1]}) for place in range(len(x))]
        return [np.concatenate([said[f"output_{n}"] for said in each]) for n in range(len(names))]

    return answers


_OPEN: Mapping[Link, Callable[[Path, list[str]], Answers]] = {
    Link.PT2: _pt2,
    Link.ONNX: _onnx,
    Link.OPENVINO: _openvino,
    Link.LITERT: _litert,
}
