"""A network's whole pass, compiled for this processor by OpenVINO: the answer and the maps it rests on, no gradients.

Everything is computed in float32, as the network itself does; an answer does not depend on the batch it was in beyond
1e-5. The network stays beside it for what needs gradients, which begin at the tap.
"""

from __future__ import annotations

import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from core.errors import ModelUnavailableError
from core.models.output import Output
from core.packages import package

if TYPE_CHECKING:
    from core.models.net import OverreadNet

Pass = tuple[Output, list[torch.Tensor]]


class Program:
    """See the module docstring. One thread at a time; others wait.

    Args:
        compiled: OpenVINO's compiled model of :class:`_Whole`.
        draws_masks: whether the network does.
    """

    def __init__(self, compiled: Any, *, draws_masks: bool) -> None:
        self._request = compiled.create_infer_request()
        self._draws_masks = draws_masks
        self._turn = threading.Lock()

    def __call__(self, x: torch.Tensor) -> Pass:
        """Answer to ``x`` ``(B, C, H, W)`` and the maps that :meth:`OverreadNet.output_from_stages` needs, tap last."""
        with self._turn:
            self._request.set_input_tensor(0, _tensor(x))
            self._request.infer()
            found = [torch.from_numpy(np.array(one.data)) for one in self._request.output_tensors]
        logits, features, *stages = found
        mask = stages.pop(0) if self._draws_masks else None
        return Output(logits, stages[-1], features, mask_logits=mask), stages

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """A copy of a network is made to be altered; this program would go on answering for the original."""
        return None


class _Whole(nn.Module):
    """What a program holds: logits, features, the mask where there is one, and the maps that gradients begin from."""

    def __init__(self, net: OverreadNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        stages = self.net.feature_stages(x)
        out = self.net.output_from_stages(stages)
        if out.mask_logits is None:
            return out.logits.float(), out.features.float(), stages[-1]
        return out.logits.float(), out.features.float(), out.mask_logits.float(), *stages


def write(net: OverreadNet, path: Path) -> None:
    """Write a network's program as OpenVINO's two files, ``path`` (``.xml``) and ``.bin`` beside it.

    Raises:
        ModelUnavailableError: OpenVINO is not installed, or cannot hold this network.
    """
    openvino = package("openvino")
    decoder = package("openvino.frontend.pytorch.ts_decoder").TorchScriptPythonDecoder
    example = torch.zeros(2, net.channels, *net.size)
    # The frontend beneath OpenVINO's own convert_model, which would report its use.
    frontend = package("openvino.frontend").FrontEndManager().load_by_framework("pytorch")
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the tracer: sizes are fixed, which is meant
            whole = decoder(_Whole(net).eval(), example_input=(example,))
            graph = frontend.convert(frontend.load(whole))
    except Exception as error:  # converters raise anything
        raise ModelUnavailableError(
            f"OpenVINO cannot hold {net.architecture} ({_first_line(error)}).", "PyTorch answers for it."
        ) from error
    graph.reshape({graph.input(0): openvino.PartialShape([-1, net.channels, *net.size])})
    openvino.save_model(graph, str(path), compress_to_fp16=False)


def read(path: Path, *, draws_masks: bool) -> Program:
    """Compile a program for this processor, for as many threads as PyTorch uses.

    Raises:
        ModelUnavailableError: OpenVINO is not installed, or the files are damaged.
    """
    core = package("openvino").Core()
    options = {
        "INFERENCE_PRECISION_HINT": "f32",  # by default a processor that can computes in bfloat16
        "INFERENCE_NUM_THREADS": str(torch.get_num_threads()),
        "NUM_STREAMS": "1",
    }
    try:
        return Program(core.compile_model(core.read_model(str(path)), "CPU", options), draws_masks=draws_masks)
    except Exception as error:
        raise ModelUnavailableError(
            f"{path.name} cannot be opened ({_first_line(error)}).", "Run: overread compile"
        ) from error


def _tensor(x: torch.Tensor) -> Any:
    return package("openvino").Tensor(np.ascontiguousarray(x.numpy(force=True), np.float32), shared_memory=True)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
