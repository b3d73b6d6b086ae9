"""A model as LiteRT (``.tflite``) or ExecuTorch (``.pte``), converted by an environment of its own.

Neither converter is installed with Overread: litert-torch 0.10 needs a torch before 2.15, ExecuTorch 1.5 brings a
compiler along. Both take one image at a time, of the contract's size.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from core.errors import ModelUnavailableError, OverreadError
from core.weights.exported.manifest import Link, note
from core.weights.store import load_model
from trainers.exporting import formats
from trainers.exporting.exported import Exported

NEEDS = {
    "litert": "litert-torch==0.10.0 'torch<2.15'",
    "executorch": "executorch==1.5.1 torch==2.15.0",
}
ENDINGS = {"litert": "tflite", "executorch": "pte"}
IMAGES = 2
_WORKER = Path(__file__).with_name("edge_worker.py")


def export(model: str, weights: Path, kind: str, python: Path, out: Path | None = None) -> Path:
    """Write ``system/name`` as ``model.tflite`` or ``model.pte``.

    Args:
        kind: a key of :data:`NEEDS`. python: interpreter of the environment with the converter.
        out: where to; by default beside the weights, where a ``.tflite`` is entered in ``exports.json``.

    Raises:
        ModelUnavailableError: no such model, or weights that do not fit their card.
        OverreadError: the environment lacks the converter, the conversion failed, or the file answers differently.
    """
    if model.count("/") != 1:
        raise ModelUnavailableError(f"{model!r} names no model.", "Write system/name, such as brain-mr/unet.")
    net, card = load_model(weights / model)
    whole = Exported(net, card)
    path = out or weights / model / f"model.{ENDINGS[kind]}"
    rng = torch.Generator().manual_seed(0)
    x = torch.randn((IMAGES, net.channels, *whole.size), generator=rng)
    with TemporaryDirectory() as made:
        program, images, answers = (str(Path(made) / name) for name in ("program.pt2", "images.npz", "answers.npz"))
        torch.export.save(formats.program(whole, x[:1], several=False), program)
        np.savez(images, x=x.numpy())
        command = [str(python), str(_WORKER), kind, program, images, str(path), answers]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            path.unlink(missing_ok=True)
            lines = done.stderr.strip().splitlines() or ["it says nothing"]
            last = next((line for line in reversed(lines) if "Error" in line), lines[-1])
            raise OverreadError(
                f"{python} could not convert {model}: {last}.",
                f"It needs an environment with: pip install {NEEDS[kind]}; name its Python with --python.",
            )
        with np.load(answers) as held:
            said = [[held[f"{n}_{k}"] for k in range(len(whole.names))] for n in range(IMAGES)]
    with torch.inference_mode():
        for n in range(IMAGES):
            wanted = [one.numpy() for one in whole(x[n : n + 1])]
            formats.refuse_where_apart(model, path, formats.differences(whole.names, wanted, said[n]))
        if out is None and kind == "litert":
            note(weights / model, card, Link.LITERT, formats.manifest_of(whole, card))
    return path
