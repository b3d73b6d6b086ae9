"""A model as LiteRT (``.tflite``) or ExecuTorch (``.pte``), converted by an environment of its own.

Neither converter is installed with Overread: litert-torch 0.10 needs a torch before 2.15, ExecuTorch 1.5 brings a
compiler along. Both take one image at a time, of the contract's size. The files that are made here are for whoever made
the other environment: a program (``.pt2``) is unpickled when it is opened there.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
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
    "litert": "litert-torch==0.10.0 litert-converter==0.5.0 ai-edge-litert==2.3.0 torch==2.13.0",
    "executorch": "executorch==1.5.1 torch==2.15.0 torchao==0.18.0",
}
ENDINGS = {"litert": "tflite", "executorch": "pte"}
IMAGES = 2
_WORKER = Path(__file__).with_name("edge_worker.py")


@dataclass(frozen=True)
class Converted:
    """What a new file answers.

    Attributes:
        answers: outputs in the order of ``Exported.names``, by image. milliseconds: processor time of one image.
    """

    answers: list[list[np.ndarray]]
    milliseconds: float


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
    images = torch.randn((IMAGES, net.channels, *whole.size), generator=rng).split(1)
    found = converted(whole, images, kind, python, path)
    with torch.inference_mode():
        for x, said in zip(images, found.answers, strict=True):
            wanted = [one.numpy() for one in whole(x)]
            formats.refuse_where_apart(model, path, formats.differences(whole.names, wanted, said))
        if out is None and kind == "litert":
            note(weights / model, card, Link.LITERT, formats.manifest_of(whole, card))
    return path


def converted(whole: Exported, images: Sequence[torch.Tensor], kind: str, python: Path, path: Path) -> Converted:
    """Write a model and let the new file answer, both in the other environment.

    Args:
        images: ``(1, channels, height, width)`` each, of the contract's size. kind, python: as :func:`export`.
        path: of the file.

    Raises:
        OverreadError: the environment lacks the converter, or the conversion failed.
    """
    with TemporaryDirectory() as made:
        program, asked, answers = (str(Path(made) / name) for name in ("program.pt2", "images.npz", "answers.npz"))
        torch.export.save(formats.program(whole, images[0], several=False), program)
        np.savez(asked, x=torch.cat(tuple(images)).numpy())
        command = [str(python), str(_WORKER), kind, program, asked, str(path), answers]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            path.unlink(missing_ok=True)
            raise OverreadError(
                f"{python} could not make {path.name}: {_reason(done.stderr)}.",
                f"It needs an environment of its own: python3.11 -m venv ENV; ENV/bin/pip install {NEEDS[kind]}; "
                "then --python ENV/bin/python.",
            )
        with np.load(answers) as held:
            said = [[held[f"{n}_{k}"] for k in range(len(whole.names))] for n in range(len(images))]
            return Converted(said, float(held["milliseconds"]))


def _reason(told: str) -> str:
    lines = told.strip().splitlines() or ["it says nothing"]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1])
