"""Converts an ExportedProgram for phones and small devices, and lets the new file answer.

Run by the Python of an environment of its own (:mod:`trainers.exporting.edge`), so it imports nothing of Overread:
``python edge_worker.py litert|executorch PROGRAM.pt2 IMAGES.npz OUT ANSWERS.npz``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

Run = Callable[[np.ndarray], list[np.ndarray]]


def litert(program: Any, example: torch.Tensor, out: str) -> Run:
    """Write ``.tflite``; the outputs keep their order as ``output_0``, ``output_1``, ..."""
    import litert_torch
    from ai_edge_litert.interpreter import Interpreter

    litert_torch.convert(program.module(), (example,)).export(out)
    run = Interpreter(model_path=out).get_signature_runner()
    (image,) = run.get_input_details()

    def answers(x: np.ndarray) -> list[np.ndarray]:
        said = run(**{image: x})
        return [said[f"output_{n}"] for n in range(len(said))]

    return answers


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
    """Convert, answer every image, write the answers as ``IMAGE_OUTPUT``."""
    kind, program, images, out, answers = sys.argv[1:6]
    with np.load(images) as held:
        x = held["x"]
    run = {"litert": litert, "executorch": executorch}[kind](torch.export.load(program), torch.from_numpy(x[:1]), out)
    said = {f"{n}_{k}": one for n in range(len(x)) for k, one in enumerate(run(x[n : n + 1]))}
    np.savez(answers, **said)  # type: ignore[arg-type]  # none of them is called allow_pickle


if __name__ == "__main__":
    main()
