"""OpenVINO's graphs of our networks: compiled from PyTorch for this processor in float32, written, opened and asked."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.errors import ModelUnavailableError
from core.packages import package

Opened = tuple[Any, np.ndarray]
FILES = ("pass.blob",)  # OpenVINO's, compiled: opened in half the time that compiling it again would take


class Graph:
    """A compiled graph. One thread at a time is answered; who asks holds ``_turn`` until the outputs are read.

    Args:
        compiled: OpenVINO's compiled model, and the bytes that it was read from and rests on.
        lanes: into how many parts a batch may be divided, which are computed side by side.
    """

    def __init__(self, compiled: Opened, *, lanes: int = 1) -> None:
        model, self._bytes = compiled
        self._requests = [model.create_infer_request() for _ in range(lanes)]
        self._turn = threading.Lock()

    def _computed(self, parts: list[np.ndarray]) -> list[Any]:
        """The requests that hold the answers to the parts of a batch, ended whatever fails."""
        used = self._requests[: len(parts)]
        begun = []
        try:
            for request, part in zip(used, parts, strict=True):
                request.set_input_tensor(0, package("openvino").Tensor(part, shared_memory=True))
                request.start_async()
                begun.append(request)
        finally:
            for request in begun:
                request.wait()
        return used

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """A copy of a network is made to be altered; this program would go on answering for the original."""
        return None


def write_graph(module: nn.Module, example: torch.Tensor, folder: Path, *, batch: int, name: str) -> None:
    """Compile what a module does, and write that into a folder, as :data:`FILES`, for this processor and this OpenVINO.

    Args:
        module: in eval mode; of one input.
        example: an input ``(B, C, H, W)``, whose last three sizes are kept.
        batch: how many images a pass takes; -1 for any number. name: of the network, for errors.

    Raises:
        ModelUnavailableError: OpenVINO is not installed, or cannot hold this network.
    """
    openvino = package("openvino")
    try:
        graph = _converted(module, example)
        graph.reshape({graph.input(0): openvino.PartialShape([batch, *example.shape[1:]])})
        compiled = openvino.Core().compile_model(graph, "CPU", _options(lanes=1))
        (folder / FILES[0]).write_bytes(compiled.export_model().getbuffer())
    except Exception as error:  # converters raise anything
        raise ModelUnavailableError(
            f"OpenVINO cannot hold {name} ({_first_line(error)}).", "PyTorch answers for it."
        ) from error


def compiled_graph(folder: Path, *, lanes: int) -> Opened:
    """Open a compiled graph, for as many threads as PyTorch uses in all lanes together.

    Returns:
        OpenVINO's model, and the bytes of its file, which are its weights: they are to be kept as long as it.

    Raises:
        ModelUnavailableError: OpenVINO is not installed, or the files are damaged.
    """
    openvino = package("openvino")
    try:
        written = np.fromfile(folder / FILES[0], np.uint8)
        shared = openvino.Tensor(written, shared_memory=True)  # a copy would be made with every other thread held up
        return openvino.Core().import_model(shared, "CPU", _options(lanes)), written
    except Exception as error:
        raise ModelUnavailableError(
            f"{FILES[0]} cannot be opened ({_first_line(error)}).", "Run: overread compile"
        ) from error


def _options(lanes: int) -> dict[str, str]:
    return {
        "INFERENCE_PRECISION_HINT": "f32",  # by default a processor that can computes in bfloat16
        "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
        "NUM_STREAMS": str(lanes),
    }


def _converted(module: nn.Module, example: torch.Tensor) -> Any:
    decoder = package("openvino.frontend.pytorch.ts_decoder").TorchScriptPythonDecoder
    # The frontend beneath OpenVINO's own convert_model, which would report its use.
    frontend = package("openvino.frontend").FrontEndManager().load_by_framework("pytorch")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer: sizes are fixed, which is meant
        whole = decoder(module, example_input=(example,))  # by name: the frontend reads on in it while it converts
        return frontend.convert(frontend.load(whole))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
