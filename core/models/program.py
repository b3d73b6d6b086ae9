"""A network's whole pass, compiled for this processor by OpenVINO: the answer and the maps it rests on, no gradients.

Everything is computed in float32, as the network itself does; an answer does not depend on the batch it was in beyond
1e-5. A segmenter's program also holds the heat map of its outline (:mod:`core.models.outline_graph`). The network stays
beside it for whatever else needs gradients, which begin at the tap.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
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
PASS, OUTLINE = "pass", "outline"


class Program:
    """See the module docstring. One thread at a time; others wait.

    Args:
        compiled: OpenVINO's compiled model of :class:`_Whole`.
        outline: its compiled model of the outline's heat map; of a segmenter alone.
    """

    def __init__(self, compiled: Any, outline: Any | None = None) -> None:
        self._request = compiled.create_infer_request()
        self._outline = outline.create_infer_request() if outline is not None else None
        self._turn = threading.Lock()

    def __call__(self, x: torch.Tensor) -> Pass:
        """Answer to ``x`` ``(B, C, H, W)`` and the maps that :meth:`OverreadNet.output_from_stages` needs, tap last."""
        with self._turn:
            self._request.set_input_tensor(0, _tensor(x))
            self._request.infer()
            found = [torch.from_numpy(np.array(one.data)) for one in self._request.output_tensors]
        logits, features, *stages = found
        mask = stages.pop(0) if self._outline is not None else None
        return Output(logits, stages[-1], features, mask_logits=mask), stages

    def draws(self, stages: Sequence[torch.Tensor]) -> bool:
        """Whether :meth:`outline_map` takes these maps: one image of the size it was compiled for, on the processor."""
        if self._outline is None:
            return False
        sizes = [tuple(tensor.shape) for tensor in self._outline.input_tensors]
        here = all(one.device.type == "cpu" and one.dtype == torch.float32 for one in stages)
        return here and sizes == [tuple(one.shape) for one in stages]

    def outline_map(self, stages: Sequence[torch.Tensor]) -> torch.Tensor:
        """Raw heat map ``(1, h, w)`` of a segmenter's outline from the maps of one image; see :func:`outline_graph`."""
        if self._outline is None:
            raise ValueError("this network draws no outline")
        with self._turn:
            for number, one in enumerate(stages):
                self._outline.set_input_tensor(number, _tensor(one))
            self._outline.infer()
            return torch.from_numpy(np.array(self._outline.output_tensors[0].data))

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


def files(*, draws_masks: bool) -> tuple[str, ...]:
    """Names of the files that :func:`write` makes, OpenVINO's two for each graph."""
    graphs = (PASS, OUTLINE) if draws_masks else (PASS,)
    return tuple(f"{graph}{ending}" for graph in graphs for ending in (".xml", ".bin"))


def write(net: OverreadNet, folder: Path) -> None:
    """Write a network's program into a folder, as :func:`files` names it.

    Raises:
        ModelUnavailableError: OpenVINO is not installed, or cannot hold this network.
    """
    from core.models.outline_graph import outline_graph  # takes a second to import, and only this needs it

    openvino = package("openvino")
    example = torch.zeros(2, net.channels, *net.size)
    try:
        graph = _converted(_Whole(net).eval(), (example,))
        graph.reshape({graph.input(0): openvino.PartialShape([-1, net.channels, *net.size])})
        openvino.save_model(graph, str(folder / f"{PASS}.xml"), compress_to_fp16=False)
        if net.draws_masks:
            with torch.no_grad():
                stages = net.feature_stages(example[:1])
            drawn = _converted(outline_graph(net, stages), tuple(stages))
            for number, one in enumerate(stages):
                drawn.reshape({drawn.input(number): openvino.PartialShape(list(one.shape))})
            openvino.save_model(drawn, str(folder / f"{OUTLINE}.xml"), compress_to_fp16=False)
    except Exception as error:  # converters raise anything
        raise ModelUnavailableError(
            f"OpenVINO cannot hold {net.architecture} ({_first_line(error)}).", "PyTorch answers for it."
        ) from error


def _converted(module: nn.Module, example: tuple[torch.Tensor, ...]) -> Any:
    decoder = package("openvino.frontend.pytorch.ts_decoder").TorchScriptPythonDecoder
    # The frontend beneath OpenVINO's own convert_model, which would report its use.
    frontend = package("openvino.frontend").FrontEndManager().load_by_framework("pytorch")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer: sizes are fixed, which is meant
        whole = decoder(module, example_input=example)  # by name: the frontend reads on in it while it converts
        return frontend.convert(frontend.load(whole))


def read(folder: Path, *, draws_masks: bool) -> Program:
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

    def compiled(graph: str) -> Any:
        try:
            return core.compile_model(core.read_model(str(folder / f"{graph}.xml")), "CPU", options)
        except Exception as error:
            raise ModelUnavailableError(
                f"{graph}.xml cannot be opened ({_first_line(error)}).", "Run: overread compile"
            ) from error

    return Program(compiled(PASS), compiled(OUTLINE) if draws_masks else None)


def _tensor(x: torch.Tensor) -> Any:
    return package("openvino").Tensor(np.ascontiguousarray(x.numpy(force=True), np.float32), shared_memory=True)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
