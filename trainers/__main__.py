"""``python -m trainers``: train, evaluate and audit from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import torch
import typer
from lightning_fabric import Fabric

from core.errors import OverreadError
from trainers.audit import audit_command
from trainers.evaluate import evaluate_command
from trainers.fit import ROOT, train_recipe
from trainers.recipe import load_recipe

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Fit, evaluate and audit Overread's models."""


@app.command()
def train(
    recipe: Annotated[str, typer.Option(help="Recipe name, or path of a YAML file.")],
    data: Annotated[Path | None, typer.Option(help="Data root; by default OVERREAD_DATA.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder for checkpoints and logs.")] = ROOT / "runs",
    weights: Annotated[Path, typer.Option(help="Folder for the finished model.")] = ROOT / "weights",
    minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes of training.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    ship: Annotated[bool, typer.Option(help="Calibrate, measure and write the model at the end.")] = True,
    accelerator: Annotated[str, typer.Option(help="cpu, gpu or auto.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes on this node.")] = 1,
    nodes: Annotated[int, typer.Option(help="Number of nodes.")] = 1,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all.")] = 0,
    limit: Annotated[int | None, typer.Option(help="Use only so many groups of each set (a trial).")] = None,
) -> None:
    """Train one model and ship it."""
    if threads:
        torch.set_num_threads(threads)
    fabric = Fabric(accelerator=accelerator, devices=devices, num_nodes=nodes, precision="bf16-mixed")
    fabric.launch()
    train_recipe(
        load_recipe(recipe),
        folder=data,
        runs=runs,
        weights=weights,
        minutes=minutes,
        resume=resume,
        fabric=fabric,
        limit=limit,
        finish=ship,
    )


@app.command()
def evaluate(
    system: Annotated[str, typer.Option(help="brain-mr, chest-ct, ...")],
    data: Annotated[Path, typer.Option(help="Folder laid out like one of the system's sets (see data/cards).")],
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = ROOT / "weights",
    split: Annotated[str | None, typer.Option(help="Only images of this named split.")] = None,
    insert_lesions: Annotated[
        int | None, typer.Option(help="pet: insert lesions of three classes into the no-cancer studies, by this seed.")
    ] = None,
) -> None:
    """Measure the shipped models on labelled scans: table with intervals and baselines, and JSON."""
    evaluate_command(system, data, json, weights, split, insert_lesions)


app.command("audit")(audit_command)


def main() -> None:
    """Run a command; an expected error ends with its message and exit code 2."""
    try:
        app()
    except OverreadError as error:
        print(f"{error.message} {error.remedy}".strip(), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
