"""Small untrained models with cards, so that the pages have something fast to ask; their answers mean nothing."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import torch

from core.models.registry import create
from core.systems import system
from core.weights.card import DataUse, Metric, Threshold
from core.weights.folder import WEIGHTS, load_card
from core.weights.heat_checks import HeatChecks, MethodChecks
from core.weights.store import save_model
from tests.cards import card_of

SIDE = 64
SMALL = {"unet": "resunet", "resnet50": "resnet18", "resunet": "resunet"}


def write(folder: Path) -> Path:
    """Brain MR with its models that vote, chest CT with one refused model; the other systems stay without weights."""
    for name, content in _files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@functools.cache
def _files() -> dict[str, bytes]:
    """Contents by place in the folder; made once a process."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, architecture in SMALL.items():
            _write(folder, "brain-mr", name, architecture)
        spoilt = _write(folder, "chest-ct", "densenet121", "resnet18") / WEIGHTS
        spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"\x00\x01")
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _write(folder: Path, system_name: str, name: str, architecture: str) -> Path:
    torch.manual_seed(7)
    declared = system(system_name)
    slot = next(s for s in declared.models if s.name == name)
    card = card_of(
        system_name,
        name,
        architecture,
        title=slot.title,
        version="0.0.1",
        role=slot.role,
        contract={"channels": 3, "height": SIDE, "width": SIDE},
        threshold=Threshold(value=0.42, rule="sensitivity at least 0.9", data="validation", n=120),
        gate=slot.gate,
        data=(DataUse(name="nothing", licence="none", train=0, validation=0, test=40, split_fingerprint="0" * 16),),
        training={
            "date": "2026-01-01",
            "epochs": 2,
            "seed": 7,
            "learning_curve": [{"epoch": 1.0, "loss": 0.7}, {"epoch": 2.0, "loss": 0.5}],
        },
        metrics={"auc": Metric(value=0.913, low=0.871, high=0.944, n=40, groups=9)},
        baselines={"always positive": {"accuracy": 0.36}},
        published="0.98 accuracy by slice (README)",
    )
    net = create(architecture, classes=len(declared.classes), channels=3, size=(SIDE, SIDE))
    save_model(net, card, folder / system_name / name)
    _checked(folder / system_name / name)
    return folder / system_name / name


def _checked(folder: Path) -> None:
    """Heat-map checks that Grad-CAM and EigenCAM passed, as far as the page can tell."""
    card = load_card(folder)
    passed = MethodChecks(hit=Metric(value=0.8, low=0.6, high=0.9, n=40, groups=9), chance=0.2)
    HeatChecks(
        system=card.system,
        name=card.name,
        version=card.version,
        weights_sha256=card.weights_sha256,
        date="2026-01-01",
        code_version="0",
        data=("nothing",),
        seed=0,
        slices=40,
        groups=9,
        outline=False,
        tolerance=0.05,
        fractions=(0.1,),
        random_maps=1,
        methods={"grad-cam": passed, "eigencam": passed.model_copy(update={"chance": 0.3})},
    ).save(folder)
