"""Converts an ExportedProgram for phones and small devices, and lets the new file answer.

Run by the Python of an environment of its own (:mod:`trainers.exporting.edge`), so it imports nothing of Overread:
``python edge_worker.py litert|executorch PROGRAM.pt2 IMAGES.npz OUT ANSWERS.npz``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

Run = Callable[[np.ndarray], list[np.ndarray]]
REPEATS = 5


def litert(program: Any, example: torch.Tensor, out: str) -> Run:
    """Write ``.tflite``; the outputs keep their order as ``output_0``, ``output_1``, ..."""
    module = program.module()
    graphs = [part.graph for part in module.modules() if isinstance(part, torch.fx.GraphModule)]
    if any(node.target is torch.ops.aten.topk.default for graph in graphs for node in graph.nodes):
        # otherwise litert-torch 0.10.0 writes a sort of StableHLO, which its interpreter does not know
        os.environ["LITERT_TORCH_FULL_TFL_DECOMPS"] = "1"
    import litert_torch
    from ai_edge_litert.interpreter import Interpreter

    litert_torch.convert(_plain(module), (example,)).export(out)
    run = Interpreter(model_path=out).get_signature_runner()
    (image,) = run.get_input_details()

    def answers(x: np.ndarray) -> list[np.ndarray]:
        said = run(**{image: x})
        return [said[f"output_{n}"] for n in range(len(said))]

    return answers


def _plain(module: Any) -> Any:
    """Without the types of means that are their inputs' own: litert-torch 0.10.0 cannot lower a mean that names one.

    They stand in parts of the graph too: those that are computed without autocast.
    """
    for part in module.modules():
        if isinstance(part, torch.fx.GraphModule):
            for node in part.graph.nodes:
                if node.target is torch.ops.aten.mean.dim and node.kwargs.get("dtype") is torch.float32:
                    node.kwargs = {name: value for name, value in node.kwargs.items() if name != "dtype"}
            part.recompile()
    return module


def executorch(program: Any, example: torch.Tensor, out: str) -> Run:
    """Write ``.pte`` for XNNPACK, the processor's library on phones."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower
    from executorch.runtime import Runtime

    made = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    Path(out).write_bytes(made.buffer)
    method = Runtime.get().load_program(out).load_method("forward")
    return lambda x: [one.numpy().copy() for one in method.execute([torch.from_numpy(x)])]


def main() -> None:
    """Convert, answer every image, write the answers as ``IMAGE_OUTPUT`` and the processor time of one image."""
    kind, program, images, out, answers = sys.argv[1:6]
    with np.load(images) as held:
        x = held["x"]
    run = {"litert": litert, "executorch": executorch}[kind](torch.export.load(program), torch.from_numpy(x[:1]), out)
    said = {f"{n}_{k}": one for n in range(len(x)) for k, one in enumerate(run(x[n : n + 1]))}
    spent = []
    for _ in range(REPEATS):
        before = time.process_time()
        run(x[:1])
        spent.append(1000 * (time.process_time() - before))
    np.savez(answers, milliseconds=np.median(spent), **said)  # type: ignore[arg-type]  # none of them is called allow_pickle


if __name__ == "__main__":
    main()
