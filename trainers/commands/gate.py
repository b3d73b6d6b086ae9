"""Train the router of the wrong-image gate, choose its scores on validation, measure it on test, write it."""

from __future__ import annotations

import datetime
import hashlib
import platform
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer

from core import places
from core.models.router_net import RouterNet
from core.statistics import outlier
from core.systems.router import CARD, CONTRACT, FOLDER, Router, RouterCard, save
from core.weights.card import DataUse, Training
from trainers.data.router_data import OTHER, Shots, kinds, read_shots, sources
from trainers.fitting.augment import geometric, photometric
from trainers.fitting.fit import code_version
from trainers.fitting.logs import console
from trainers.fitting.recipe import Augment
from trainers.measuring.gate_limits import Readings, limit_of, naming

AUGMENT = Augment(
    rotation=12, shift=0.06, zoom=0.15, flip_horizontal=True, gain=0.15, bias=0.05, gamma=0.4, noise=0.05, blur=0.25
)
BATCH, STEPS = 64, 60
PEAK, FALL = 4e-3, 3  # learning rate, and the epochs over which it falls at the end
PRINCIPAL = 48  # dimensions of ViM's principal space, of 128
TAKEN, BANK = 600, 400  # real scans of each kind that the statistics rest on, and that are kept whole
NEIGHBOUR = 5  # which neighbour's distance counts


def gate_command(
    data: Annotated[Path | None, typer.Option(help="Data root; by default OVERREAD_DATA.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder for checkpoints and what has been read.")] = places.RUNS,
    weights: Annotated[Path, typer.Option(help="The router goes to its subfolder router.")] = places.WEIGHTS,
    epochs: Annotated[int, typer.Option(min=1)] = 8,
    seed: Annotated[int, typer.Option()] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all.")] = 1,
    limit: Annotated[int | None, typer.Option(help="Use only so many groups of each set (a trial).")] = None,
) -> None:
    """Train the wrong-image gate: a small network that names the kind of an image; goes on where it was stopped."""
    if threads:
        torch.set_num_threads(threads)
    folder = runs / "gate"
    shots, use = read_shots(seed, data, folder, limit, console.print)
    net, minutes, curve = fit(shots["train"], epochs, seed, folder / "last.pt")
    ship(net, shots, use, weights / FOLDER, _training(epochs, seed, minutes, curve))


def rate(epoch: float, epochs: int) -> float:
    """Learning rate: two epochs up, level, the last three down to nothing; so a run can be stopped or made longer."""
    return PEAK * min(1.0, (epoch + 0.05) / 2, max(epochs - epoch, 0.0) / FALL)


def fit(shots: Shots, epochs: int, seed: int, checkpoint: Path) -> tuple[RouterNet, float, list[dict[str, float]]]:
    """Train from scratch with every kind drawn equally often; resumed from ``checkpoint`` where there is one."""
    torch.manual_seed(seed)
    net = RouterNet(len(kinds()))
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK, weight_decay=0.02)
    first, minutes, curve = 0, 0.0, list[dict[str, float]]()
    if checkpoint.is_file():
        kept = torch.load(checkpoint, weights_only=True)
        # A run of another length goes on from its level stretch, not from rates that had begun to fall.
        level = kept["epoch"] <= min(kept["epochs"], epochs) - FALL
        if kept["seed"] == seed and (level or kept["epochs"] == epochs):
            net.load_state_dict(kept["net"])
            optimizer.load_state_dict(kept["optimizer"])
            first, minutes, curve = kept["epoch"], kept["minutes"], kept["curve"]
    planes, shown = torch.from_numpy(shots.planes), torch.from_numpy(shots.kinds)
    by_kind = [torch.nonzero(shown == k)[:, 0] for k in range(len(kinds()))]
    # Uptake is shown dark on white as often as bright on black, and so are drawings and pages.
    reversible = torch.tensor([k for k, (_, s) in enumerate(sources()) if s.reversible] + [kinds().index(OTHER)])
    net.train()
    for epoch in range(first, epochs):
        rng = torch.Generator().manual_seed(seed * 1000 + epoch)  # an epoch draws the same whether resumed or not
        started, losses = time.monotonic(), []
        for step in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = rate(epoch + step / STEPS, epochs)
            drawn = torch.randint(len(kinds()), (BATCH,), generator=rng)
            rows = torch.stack([by_kind[k][torch.randint(len(by_kind[k]), (), generator=rng)] for k in drawn.tolist()])
            images = planes[rows].float()[:, None] / 255
            turned = torch.isin(drawn, reversible) & (torch.rand(BATCH, generator=rng) < 0.5)
            images = torch.where(turned.view(-1, 1, 1, 1), 1 - images, images)
            images = photometric(geometric(images, None, AUGMENT, rng)[0], AUGMENT, rng).clamp(0, 1)
            loss = F.cross_entropy(net(images)[0], drawn)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        minutes += (time.monotonic() - started) / 60
        curve.append({"epoch": float(epoch + 1), "loss": float(np.mean(losses))})
        console.print(f"epoch {epoch + 1}/{epochs}  loss {curve[-1]['loss']:.4f}  {minutes:.1f} min")
        state = {"net": net.state_dict(), "optimizer": optimizer.state_dict()}
        told = {"epoch": epoch + 1, "epochs": epochs, "seed": seed, "minutes": minutes, "curve": curve}
        aside = checkpoint.with_suffix(".part")
        torch.save({**state, **told}, aside)
        aside.replace(checkpoint)
    return net.eval(), minutes, curve


def statistics_of(net: RouterNet, shots: Shots, seed: int) -> dict[str, np.ndarray]:
    """Statistics of the feature space, from training scans only; wrong images teach the network, not these.

    Some of each kind are enough for means and covariances; of those a part is kept whole, for distances to neighbours.
    """
    rng = np.random.default_rng(seed)
    taken, kept = list[np.ndarray](), list[np.ndarray]()
    for kind in range(len(sources())):
        for drawn, most, bank in ((False, TAKEN, BANK), (True, TAKEN // 3, BANK // 4)):
            rows = rng.permutation(np.flatnonzero((shots.kinds == kind) & ((shots.families == "simulated") == drawn)))
            taken.append(rows[:most])
            kept.append(np.arange(len(rows[:most])) < bank)
    chosen, banked = np.concatenate(taken), np.concatenate(kept)
    shown = shots.kinds[chosen]
    planes = torch.from_numpy(shots.planes[chosen]).float()[:, None] / 255
    with torch.inference_mode():
        features = torch.cat([net(some)[1] for some in planes.split(BATCH)]).numpy().astype(np.float64)
    linear = net.head
    return {
        **outlier.fit_gaussians(features, shown, len(sources())),
        **outlier.fit_vim(features, linear.weight.detach().numpy(), linear.bias.detach().numpy(), PRINCIPAL),
        "bank": features[banked],
        "bank_kinds": shown[banked],
    }


def ship(net: RouterNet, shots: dict[str, Shots], use: tuple[DataUse, ...], folder: Path, training: Training) -> None:
    """Choose the scores and thresholds on validation, measure on test with the stored files, write the card."""
    statistics = statistics_of(net, shots["train"], training.seed)
    draft = RouterCard(
        version=_next_version(folder),
        kinds=kinds(),
        systems={},
        contract=CONTRACT,
        neighbour=NEIGHBOUR,
        data=use,
        training=training,
        limits=(
            f"Names {len(sources())} kinds of images; an organ or modality that it never saw may look like one.",
            "Looks at 96 x 96 pixels: it judges what kind of image this is, not whether it is of good quality.",
        ),
        parameters=sum(p.numel() for p in net.parameters()),
        weights_sha256="",
        statistics_sha256="",
    )
    written = save(net, statistics, draft, folder)
    # What is measured is what is stored: the rounded weights and statistics.
    router = Router(folder)
    readings = {part: _readings(router, shots[part]) for part in ("validation", "test")}
    limits = {name: limit_of(name, router, readings) for name in dict.fromkeys(system for system, _ in sources())}
    written.model_copy(update={"systems": limits, "metrics": naming(readings["test"])}).save(folder / CARD)
    for name, one in limits.items():
        told = ", ".join(f"{key} {metric.value:.3f}" for key, metric in one.metrics.items())
        console.print(f"{name}: {' + '.join(one.thresholds)}: {told}")


def _readings(router: Router, shots: Shots) -> Readings:
    some = [router.read(planes.astype(np.float32) / 255) for planes in np.array_split(shots.planes, 40)]
    return Readings(shots, np.concatenate([f for _, f in some]), np.concatenate([logits for logits, _ in some]))


def _training(epochs: int, seed: int, minutes: float, curve: list[dict[str, float]]) -> Training:
    return Training(
        recipe="trainers/commands/gate.py",
        recipe_sha256=hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        initial_weights="scratch",
        date=datetime.date.today().isoformat(),
        code_version=code_version(),
        device=f"cpu ({platform.processor() or platform.machine()})",
        minutes=round(minutes, 1),
        epochs=float(epochs),
        seed=seed,
        learning_curve=curve,
    )


def _next_version(folder: Path) -> str:
    """One above that of the router that is replaced: a verdict names the version it comes from."""
    try:
        return str(int(RouterCard.load(folder / CARD).version) + 1)
    except (OSError, ValueError):
        return "1"
