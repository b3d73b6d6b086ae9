"""``python -m trainers``: train, pretrain, evaluate, time, export and audit from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import torch
import typer

from core import places
from core.errors import OverreadError
from core.settings import settings
from trainers.commands.audit import audit_command
from trainers.commands.benchmark import benchmark
from trainers.commands.discrepancies import discrepancies_command
from trainers.commands.evaluate import evaluate_command
from trainers.commands.figures import figures_command
from trainers.commands.folds import folds_command
from trainers.commands.fuse import fuse_command
from trainers.commands.gain import gain_command
from trainers.commands.gate import gate_command
from trainers.commands.heat_checks import heat_checks_command
from trainers.commands.leak import leak_command
from trainers.commands.options import Accelerator, DataRoot, Limit, RecipeName, Runs, Threads
from trainers.commands.pack import pack
from trainers.commands.prepare import prepare_command
from trainers.commands.seeds import seeds_command
from trainers.commands.speed import speed_command
from trainers.exporting import check, edge, formats
from trainers.exporting.demonstrator import page
from trainers.exporting.torchscript import export_torchscript
from trainers.fitting import masked, supervised
from trainers.fitting.chain import installed, missing_before
from trainers.fitting.fit import train_recipe
from trainers.fitting.logs import console
from trainers.fitting.members import train_members
from trainers.fitting.pooled import Pooled, read_tasks
from trainers.fitting.precision import launched
from trainers.fitting.recipe import as_trial, load_recipe, variant, with_initial_weights

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Fit, evaluate and audit Overread's models."""


@app.command()
def train(
    recipe: RecipeName,
    data: DataRoot = None,
    runs: Runs = places.RUNS,
    weights: Annotated[Path, typer.Option(help="Folder for the finished model.")] = places.WEIGHTS,
    minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes of training.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    ship: Annotated[bool, typer.Option(help="Calibrate, measure and write the model at the end.")] = True,
    accelerator: Accelerator = "auto",
    devices: Annotated[int, typer.Option(help="Processes on this node.")] = 1,
    nodes: Annotated[int, typer.Option(help="Number of nodes.")] = 1,
    threads: Threads = 0,
    limit: Limit = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Start from: scratch, imagenet, imagenet-lite, radimagenet:FILE, ours or model:SYSTEM/NAME; "
            "else as the recipe says."
        ),
    ] = None,
    trial: Annotated[bool, typer.Option(help="Two epochs of a few small batches; nothing is shipped.")] = False,
) -> None:
    """Train one model and ship it; a model that it starts from or is gated by is trained first where it is missing."""
    chosen = load_recipe(recipe)
    if init is not None:
        chosen = with_initial_weights(chosen, init)
    before = missing_before(chosen, weights)
    if trial:
        if any(f"{r.system}/{r.model}" == chosen.initial_weights.removeprefix("model:") for r in before):
            console.print(f"{chosen.initial_weights} is not installed: the trial starts from scratch")
            chosen = with_initial_weights(chosen, "scratch")
        chosen, ship = as_trial(chosen), False
        if chosen.teacher and not all(installed(name, weights) for name in chosen.teacher.models):
            console.print(f"{', '.join(chosen.teacher.models)} are not all installed: the trial has no teacher")
            chosen = variant(chosen, {"teacher": None}, "untaught")
        before = []
    fabric = launched(accelerator, devices, nodes, threads)
    if before:
        console.print(f"{chosen.source} needs {', '.join(r.source for r in before)} first; each has the time given")
    for one in (*before, chosen):
        if one.members > 1:
            told = {"folder": data, "runs": runs, "weights": weights, "minutes": minutes, "limit": limit}
            train_members(one, **told, fabric=fabric, finish=ship or one is not chosen)  # type: ignore[arg-type]
            continue
        train_recipe(
            one,
            folder=data,
            runs=runs,
            weights=weights,
            minutes=minutes,
            resume=resume,
            fabric=fabric,
            limit=limit,
            finish=ship or one is not chosen,
            pretrained=weights / "pretrained",
        )
        fabric.barrier()  # one process ships, and the others read what it has shipped


@app.command()
def evaluate(
    system: Annotated[str, typer.Option(help="brain-mr, chest-ct, ...")],
    data: Annotated[Path, typer.Option(help="Folder laid out like one of the system's sets (see data/cards).")],
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
    split: Annotated[str | None, typer.Option(help="Only images of this named split.")] = None,
    insert_lesions: Annotated[
        int | None, typer.Option(help="pet: insert lesions of three classes into the no-cancer studies, by this seed.")
    ] = None,
) -> None:
    """Measure the shipped models on labelled scans: table with intervals and baselines, and JSON."""
    evaluate_command(system, data, json, weights, split, insert_lesions)


@app.command()
def pretrain(
    architecture: Annotated[str, typer.Option(help="resnet18, resnet34, resnet50, vit_stem, ...")] = "resnet18",
    recipe: Annotated[list[str] | None, typer.Option(help="Learn from these recipes' data only.")] = None,
    self_supervised: Annotated[
        bool, typer.Option(help="See images and no label: a masked autoencoder, for vit_tiny and vit_stem.")
    ] = False,
    data: DataRoot = None,
    runs: Runs = places.RUNS,
    weights: Annotated[Path, typer.Option(help="The backbone goes to its subfolder pretrained.")] = places.WEIGHTS,
    init: Annotated[str, typer.Option(help="Start from: scratch, imagenet or radimagenet:FILE.")] = "scratch",
    epochs: Annotated[int, typer.Option(min=1)] = 20,
    steps: Annotated[int, typer.Option(help="Steps an epoch.", min=1)] = 400,
    batch: Annotated[int, typer.Option(min=2)] = 16,
    minutes: Annotated[float | None, typer.Option(help="Start no further epoch after so many minutes.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    accelerator: Accelerator = "auto",
    threads: Threads = 0,
    limit: Limit = None,
    size: Annotated[int | None, typer.Option(help="Another side of all images in pixels (a trial).")] = None,
) -> None:
    """Train one encoder on all sets together; recipes start from it with --init ours."""
    fabric = launched(accelerator, threads=threads)
    how: type[Pooled] = masked.MaskedAutoencoder if self_supervised else supervised.Pretraining
    pooled = masked.RECIPES if self_supervised else supervised.RECIPES
    tasks, splits = read_tasks(
        tuple(recipe or pooled), data, limit=limit, size=size or (masked.SIZE if self_supervised else None)
    )
    folder = runs / f"pretrain-{architecture}{'-masked' if self_supervised else ''}"
    how(
        architecture,
        tasks,
        epochs=epochs,
        steps=steps,
        batch=batch,
        folder=folder,
        out=weights / "pretrained",
        fabric=fabric,
        start=init,
        resume=resume,
        splits=splits,
    ).fit(minutes=minutes)


@app.command("benchmark")
def benchmark_command(
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
    json: Annotated[Path | None, typer.Option(help="Write the times here.")] = None,
    repeats: Annotated[int, typer.Option(min=1)] = 20,
    threads: Threads = 0,
    processor_time: Annotated[bool, typer.Option(help="Of one thread, where the machine is busy otherwise.")] = False,
) -> None:
    """Inference time of every installed model on this machine, one image at a time."""
    if threads:
        torch.set_num_threads(threads)
    benchmark(weights, json, repeats=repeats, processor_time=processor_time)


@app.command()
def export(
    model: Annotated[str, typer.Option(help="system/name, such as brain-mr/unet.")],
    kind: Annotated[
        str, typer.Option("--format", help="torchscript, onnx, pt2, openvino, litert or executorch.")
    ] = "torchscript",
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
    out: Annotated[Path | None, typer.Option(help="Where to write; by default beside the weights.")] = None,
    python: Annotated[
        Path, typer.Option(help="litert, executorch: Python of the environment with the converter.")
    ] = Path(sys.executable),
) -> None:
    """Write a model for other programs; the file is loaded back and must answer as the model does."""
    if kind == "torchscript":
        print(export_torchscript(model, weights, out))
    elif kind in formats.KINDS:
        print(formats.export(model, weights, kind, out))
    elif kind in edge.NEEDS:
        print(edge.export(model, weights, kind, python, out))
    else:
        known = ", ".join(["torchscript", *formats.KINDS, *edge.NEEDS])
        raise OverreadError(f"There is no format {kind!r}.", f"Known: {known}.")


@app.command("export-check")
def export_check_command(
    model: Annotated[list[str] | None, typer.Option(help="system/name; by default every shipped model.")] = None,
    data: DataRoot = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
    images: Annotated[int, typer.Option(help="Validation images a model; 0 takes all.", min=0)] = 50,
    kind: Annotated[
        list[str] | None, typer.Option("--format", help="By default pt2, onnx and openvino; also litert, executorch.")
    ] = None,
    python: Annotated[
        Path, typer.Option(help="litert, executorch: Python of the environment with the converter.")
    ] = Path(sys.executable),
    json: Annotated[Path | None, typer.Option(help="Keep the figures here; those of other models stay.")] = None,
    docs: Annotated[Path | None, typer.Option(help="Write the table here (Markdown).")] = None,
) -> None:
    """Hold exports of the shipped models against the originals, on simulated and validation images."""
    root = data or settings().data
    wanted = check.Wanted(model or (), kind or check.FORMATS, python)
    known = {*formats.KINDS, *edge.NEEDS}
    if strange := {*wanted.formats} - known:
        raise OverreadError(f"There is no format {', '.join(sorted(strange))}.", f"Known: {', '.join(sorted(known))}.")
    check.export_check(weights, wanted, root, images, json, docs)


@app.command()
def demonstrate(
    model: Annotated[str, typer.Argument(help="system/name, such as chest-ct/efficientnet-b0.")],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
) -> None:
    """Write one HTML file that runs a model in the browser, with its heat map, without a network."""
    print(page.demonstrate(model, weights, out))


@app.command("pack")
def pack_command(
    model: Annotated[str, typer.Option(help="system/name, such as brain-mr/unet.")],
    storage: Annotated[
        str, typer.Option(help="float16, int8, int6, int5 or float32; same: the very values in today's form of file.")
    ] = "int8",
    data: DataRoot = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
    threads: Threads = 0,
) -> None:
    """Store a shipped model in another precision and measure it again."""
    if threads:
        torch.set_num_threads(threads)
    pack(model, storage, data, weights)


app.command("prepare")(prepare_command)
app.command("seeds")(seeds_command)
app.command("speed")(speed_command)
app.command("folds")(folds_command)
app.command("figures")(figures_command)
app.command("fuse")(fuse_command)
app.command("gain")(gain_command)
app.command("audit")(audit_command)
app.command("leak")(leak_command)
app.command("gate")(gate_command)
app.command("discrepancies")(discrepancies_command)
app.command("heat-checks")(heat_checks_command)


def main() -> None:
    """Run a command; an expected error ends with its message and exit code 2."""
    try:
        app()
    except OverreadError as error:
        print(f"{error.message} {error.remedy}".strip(), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
