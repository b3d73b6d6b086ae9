"""Train the router of the wrong-image gate, choose its limits on groups left out, measure it on test, write it."""

from __future__ import annotations

import datetime
import hashlib
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import timm
import torch
import torch.nn.functional as F
import typer
from sklearn.model_selection import GroupKFold
from torch import nn

from core import places
from core.models.imagenet_lite import NAME, load_into
from core.models.router_net import TRUNK, RouterNet, cut
from core.systems.router import CARD, CONTRACT, FOLDER, STORAGE, Router, RouterCard, save
from core.weights.card import DataUse, Training
from core.weights.store import as_stored
from trainers.data.router_data import OTHER, Shots, joined, kinds, read_shots, sources
from trainers.fitting.augment import geometric, photometric
from trainers.fitting.fit import code_version
from trainers.fitting.logs import console
from trainers.fitting.recipe import Augment
from trainers.measuring.gate_limits import Readings, limit_of, naming

AUGMENT = Augment(
    rotation=12, shift=0.06, zoom=0.15, flip_horizontal=True, gain=0.15, bias=0.05, gamma=0.4, noise=0.05, blur=0.25
)
BATCH, PASSES = 64, 256  # images at once through the trunk; features at once through the head
PEAK, DECAY, SMOOTHED, DROPPED = 1e-3, 0.1, 0.02, 0.1
SIMULATED = 4  # what a simulated scan weighs: they are few, and those of two systems are drawn by one hand


def gate_command(
    data: Annotated[Path | None, typer.Option(help="Data root; by default OVERREAD_DATA.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder for checkpoints and what has been read.")] = places.RUNS,
    weights: Annotated[Path, typer.Option(help="The router goes to its subfolder router.")] = places.WEIGHTS,
    epochs: Annotated[int, typer.Option(min=1, help="Passes of the head over all features.")] = 12,
    folds: Annotated[int, typer.Option(min=2, help="Parts by group, to choose the thresholds on.")] = 4,
    seed: Annotated[int, typer.Option()] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all.")] = 1,
    limit: Annotated[int | None, typer.Option(help="Use only so many groups of each set (a trial).")] = None,
) -> None:
    """Train the wrong-image gate: a small head on ImageNet's features names the kind of an image."""
    if threads:
        torch.set_num_threads(threads)
    started = time.monotonic()
    shots, use = read_shots(seed, data, runs / "gate", limit, console.print)
    known = joined(shots["train"], shots["validation"])
    net = RouterNet(len(kinds()))
    start(net)
    table = Features.of(net, known, seed)
    answers = out_of_fold(net, table, known, folds, epochs, seed)
    fit_head(net, table, np.ones(len(known), bool), epochs, seed)
    minutes = (time.monotonic() - started) / 60
    ship(net, known, answers, shots["test"], use, weights / FOLDER, _training(epochs, seed, minutes))


def start(net: RouterNet) -> None:
    """ImageNet's weights into the trunk, rounded as they will be stored: the head learns on what it will be asked with.

    Raises:
        ModelUnavailableError: the package with the weights is not installed.
    """
    whole = timm.create_model(TRUNK, pretrained=False, num_classes=0, in_chans=1)
    load_into(whole, TRUNK)
    for part, known in zip((net.stem, net.blocks), cut(whole), strict=True):
        part.load_state_dict(known.state_dict())
    as_stored(net.stem, STORAGE)
    as_stored(net.blocks, STORAGE)
    net.eval().requires_grad_(False)
    net.head.requires_grad_(True)


@dataclass(frozen=True, eq=False)
class Features:
    """What the trunk makes of the images as they are, and changed at random: ``(N, F)`` each.

    ``kinds`` and ``simulated`` ``(N,)`` are those of the images.
    """

    plain: torch.Tensor
    changed: torch.Tensor
    kinds: torch.Tensor
    simulated: torch.Tensor

    @classmethod
    def of(cls, net: RouterNet, shots: Shots, seed: int) -> Features:
        """Both from the planes; sets the centre and the spread by which the network standardises features."""
        rng = torch.Generator().manual_seed(seed)
        # Uptake is shown dark on white as often as bright on black, and so are drawings and pages.
        reversible = [k for k, (_, scan) in enumerate(sources()) if scan.reversible] + [kinds().index(OTHER)]
        turned = torch.from_numpy(np.isin(shots.kinds, reversible))
        plain, changed = [], []
        with torch.inference_mode():
            for rows in torch.arange(len(shots)).split(BATCH):
                images = torch.from_numpy(shots.planes[rows.numpy()]).float()[:, None] / 255
                plain.append(net.pooled(images))
                flip = turned[rows] & (torch.rand(len(rows), generator=rng) < 0.5)
                images = torch.where(flip.view(-1, 1, 1, 1), 1 - images, images)
                images = photometric(geometric(images, None, AUGMENT, rng)[0], AUGMENT, rng).clamp(0, 1)
                changed.append(net.pooled(images))
        drawn = torch.from_numpy(shots.families == "simulated")
        both = cls(torch.cat(plain).clone(), torch.cat(changed).clone(), torch.from_numpy(shots.kinds), drawn)
        net.centre.copy_(both.plain.mean(0))
        net.spread.copy_(both.plain.std(0).clamp_min(1e-6))
        return both


def fit_head(net: RouterNet, table: Features, rows: np.ndarray, epochs: int, seed: int) -> None:
    """Train the head from nothing on the chosen rows, every kind weighing the same."""
    torch.manual_seed(seed)
    for layer in net.head:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    chosen = np.flatnonzero(rows)
    x = torch.cat([table.plain[chosen], table.changed[chosen]])
    truth = table.kinds[chosen].repeat(2)
    weight = torch.where(table.simulated[chosen], float(SIMULATED), 1.0).repeat(2)
    counts = torch.bincount(truth, minlength=len(kinds())).clamp_min(1).float()
    optimizer = torch.optim.AdamW(net.head.parameters(), lr=PEAK, weight_decay=DECAY)
    net.head.train()
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = PEAK * (1 - epoch / epochs)
        for batch in torch.randperm(len(x)).split(PASSES):
            logits = net.judged(F.dropout(x[batch], DROPPED))
            each = F.cross_entropy(
                logits, truth[batch], weight=counts.mean() / counts, label_smoothing=SMOOTHED, reduction="none"
            )
            loss = (each * weight[batch]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.head.eval()


def out_of_fold(net: RouterNet, table: Features, shots: Shots, folds: int, epochs: int, seed: int) -> np.ndarray:
    """Logits of every image ``(N, kinds)`` by a head that saw no image of its group.

    Args:
        folds: into how many parts the groups are dealt.
    """
    logits = np.zeros((len(shots), len(kinds())))
    for number, (seen, left) in enumerate(GroupKFold(folds).split(table.plain, groups=apart(shots))):
        rows = np.zeros(len(shots), bool)
        rows[seen] = True
        fit_head(net, table, rows, epochs, seed)
        with torch.inference_mode():
            logits[left] = net.judged(table.plain[left]).numpy()
        console.print(f"fold {number + 1} of {folds}")
    return logits


def apart(shots: Shots) -> np.ndarray:
    """Groups; a drawn image is one of its own."""
    drawn = (shots.kinds == len(kinds()) - 1) | (shots.families == "simulated")
    return np.where(drawn, [f"drawn {n}" for n in range(len(shots))], shots.groups)


def ship(
    net: RouterNet,
    known: Shots,
    answers: np.ndarray,
    test: Shots,
    use: tuple[DataUse, ...],
    folder: Path,
    training: Training,
) -> None:
    """Choose the thresholds on answers out of the folds, measure on test with the stored file, write the card."""
    draft = RouterCard(
        version=_next_version(folder),
        kinds=kinds(),
        systems={},
        contract=CONTRACT,
        data=use,
        training=training,
        limits=(
            f"Names {len(kinds()) - 1} kinds of images; an organ or modality that it never saw may look like one.",
            f"Looks at {CONTRACT.height} x {CONTRACT.width} pixels: it judges what kind of image this is, not whether "
            "it is of good quality.",
        ),
        parameters=sum(p.numel() for p in net.parameters()),
        weights_sha256="",
    )
    written = save(net.eval(), draft, folder)
    # What is measured is what is stored: the rounded weights.
    router = Router(folder)
    found = np.concatenate([router.read(p.astype(np.float32) / 255) for p in np.array_split(test.planes, 60)])
    limits = {
        name: limit_of(name, Readings(known, answers), Readings(test, found))
        for name in dict.fromkeys(system for system, _ in sources())
    }
    written.model_copy(update={"systems": limits, "metrics": naming(Readings(test, found))}).save(folder / CARD)
    for name, one in limits.items():
        told = ", ".join(f"{key} {metric.value:.3f}" for key, metric in one.metrics.items())
        console.print(f"{name}: {told}")


def _training(epochs: int, seed: int, minutes: float) -> Training:
    return Training(
        recipe="trainers/commands/gate.py",
        recipe_sha256=hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        initial_weights=f"{NAME} ({TRUNK}, frozen)",
        date=datetime.date.today().isoformat(),
        code_version=code_version(),
        device=f"cpu ({platform.processor() or platform.machine()})",
        minutes=round(minutes, 1),
        epochs=float(epochs),
        seed=seed,
    )


def _next_version(folder: Path) -> str:
    """One above that of the router that is replaced: a verdict names the version it comes from."""
    try:
        return str(int(RouterCard.load(folder / CARD).version) + 1)
    except (OSError, ValueError):
        return "1"
