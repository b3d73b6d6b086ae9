"""``overread``: the dashboard, scoring, training and the care of the store from one command line.

Commands load what they need when they are called: the libraries of the models take seconds, and ``overread run`` must
not wait for them.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core import places
from core.errors import ModelUnavailableError, OverreadError
from core.settings import settings

if TYPE_CHECKING:
    from core.systems import ModelSlot, System
    from core.weights.card import ModelCard
    from core.weights.compiled import Made

app = typer.Typer(
    name="overread",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A second opinion on cancer scans. For research and teaching only.",
)
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
TRAINING = {
    "train": "Train one model and ship it.",
    "evaluate": "Measure the models on labelled scans: figures with intervals and baselines.",
    "pretrain": "Train one encoder on all sets together, for recipes to start from.",
    "benchmark": "Time every installed model on this machine.",
    "export": "Write a model for other programs: ONNX, .pt2, OpenVINO, LiteRT, ExecuTorch, TorchScript.",
    "export-check": "Hold every export of the shipped models against the original.",
    "demonstrate": "Write a model as one HTML file that runs in a browser without a network.",
    "prepare": "Lay a publisher's data set out as the trainers read it.",
    "pack": "Store a model in another precision and measure it again.",
    "seeds": "Train a recipe from several seeds: how much of a figure is luck.",
    "folds": "Cross-validate a recipe by patient.",
    "fuse": "Fuse the PET model of mr-pet with that of MR, and of CT, calibrated and measured.",
    "gain": "Measure what the pretrained backbone brings a recipe.",
    "audit": "Look for copies, leaks, conflicting labels and shortcuts in a data set.",
    "gate": "Train the wrong-image gate.",
    "discrepancies": "Rank recorded labels by how likely they are wrong.",
    "heat-checks": "Test how often heat maps hit the tumour.",
}


@app.callback()
def _root() -> None:
    """A second opinion on cancer scans. For research and teaching only."""


@app.command(context_settings=PASSED_ON)
def run(
    rest: typer.Context,
    address: Annotated[str, typer.Option(help="Listen on this address; 0.0.0.0 is every one.")] = "localhost",
    port: Annotated[int, typer.Option(help="Listen on this port.", min=1, max=65535)] = 8501,
) -> None:
    """Serve the dashboard. Further options are Streamlit's."""
    settings()  # what is set wrong is told here, not on the first page
    from streamlit.web import cli

    from dashboard import alone
    from dashboard.service.guard import LOCAL

    alone.keep_alone()
    home = Path(__file__).resolve().parent / "Home.py"
    options = shipped_options() | {"server.address": address, "server.port": port}
    own = {name.strip("[]") for name in LOCAL}  # Streamlit compares without the brackets
    if address in own or settings().hosts:  # else under whatever name the network gives this machine
        options["server.allowedHosts"] = sorted(own | settings().hosts)
    words = [
        f"--{name}={_word(one)}"
        for name, value in options.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    typer.echo(f"Overread answers at http://{_answers_at(address)}:{port} in a moment.")
    cli.main(["run", str(home), *words, *rest.args], prog_name="overread")


class Where(StrEnum):
    """Where a batch is scored."""

    LOCAL = "local"
    RAY = "ray"


@app.command()
def score(
    source: Annotated[str, typer.Argument(help="Folder, zip, CSV or DICOM tree, or an address such as s3://...")],
    out: Annotated[Path, typer.Option(help="File for the rows: .csv or .parquet.")],
    system: Annotated[
        str | None, typer.Option(help="brain-mr, chest-ct, ...; by default matched image by image.")
    ] = None,
    join: Annotated[bool, typer.Option(help="Slices of one patient and series form one image.")] = False,
    weights: Annotated[Path | None, typer.Option(help="Folder with the models (default: OVERREAD_WEIGHTS).")] = None,
    processes: Annotated[int, typer.Option(help="Processes that decode; 0 decodes in this one.", min=0)] = 1,
    engine: Annotated[Where, typer.Option(help="This machine, or the Ray cluster of RAY_ADDRESS.")] = Where.LOCAL,
) -> None:
    """Ask every model about the images of a folder: one row an image and model. Run again, it goes on where it was."""
    from core.engine.engine import Engine
    from core.review.batch import cluster
    from core.review.batch.score import score as score_here

    def told(done: int, images: int) -> None:
        typer.echo(f"\r{done} of {images}", nl=False, err=True)

    make = partial(Engine, (weights or settings().weights).absolute())
    if engine is Where.RAY:
        scored = cluster.score_on_ray(Path(source), out, make, system, join=join, told=told)
    else:
        scored = score_here(source, out, make(), system, join=join, processes=processes, told=told)
    typer.echo("", err=True)
    wrong = f"; {scored.failed} of {scored.images} images with errors, see the column error" if scored.failed else ""
    typer.echo(f"{scored.rows} rows in {out}{wrong}")


@app.command("compile")
def compile_models(
    weights: Annotated[Path | None, typer.Option(help="Folder with the models (default: OVERREAD_WEIGHTS).")] = None,
    again: Annotated[bool, typer.Option(help="Also those that were compiled before.")] = False,
) -> None:
    """Compile the installed models for this machine, measured one by one."""
    from core.weights import compiled

    if not compiled.installed():
        raise OverreadError("OpenVINO is not installed.", "Install Overread anew, or go on: PyTorch computes instead.")
    told_once = False
    for name, make in _to_compile((weights or settings().weights).absolute(), settings().programs, again=again):
        if not told_once:
            typer.echo("Compiling the models for this machine: once, some minutes. Ctrl+C goes on with PyTorch.")
            told_once = True
        try:
            found = make()
        except ModelUnavailableError as error:
            typer.echo(f"{name}: {error.message} PyTorch answers.")
            continue
        said = f"{found.torch_ms:.0f} ms by PyTorch, {found.openvino_ms:.0f} ms compiled, {found.apart:.1g} apart"
        typer.echo(f"{name}: {said}; {'compiled' if found.chosen == 'openvino' else 'PyTorch'} answers")


def _to_compile(weights: Path, programs: Path, *, again: bool) -> Iterator[tuple[str, Callable[[], Made]]]:
    """What is installed and, but for ``again``, was not compiled yet: its name, and what compiles it."""
    from core.engine.results import ModelStatus
    from core.engine.shelf import Shelf
    from core.systems import SYSTEMS
    from core.systems.router import FOLDER, Router, load_card
    from core.weights import compiled, compiled_router

    with suppress(ModelUnavailableError):  # the pages tell why there is none
        if again or compiled_router.made(load_card(weights / FOLDER).digest, programs) is None:
            yield "router", partial(Router(weights / FOLDER).compile, programs)
    shelf = Shelf(weights)

    def make(system: System, slot: ModelSlot, card: ModelCard) -> Made:
        return compiled.make(shelf.load(system.name, slot).net, card, programs)

    for system in SYSTEMS.values():
        for slot in system.models:
            state = shelf.state(system.name, slot)
            if state.status is not ModelStatus.READY or state.card is None or state.instead:
                continue
            if again or compiled.made(state.card, programs) is None:
                yield f"{system.name}/{slot.name}", partial(make, system, slot, state.card)


@app.command("evidence-pack")
def evidence_pack(
    out: Annotated[Path, typer.Argument(help="The folder to write, which must not exist yet.")],
    key: Annotated[Path | None, typer.Option(help="Sign with this Ed25519 private key (PEM, no password).")] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder with the models (default: OVERREAD_WEIGHTS).")] = None,
    audit: Annotated[Path | None, typer.Option(help="What pip-audit said of the packages (its JSON).")] = None,
) -> None:
    """Write a folder for a hospital's committee: bill of materials, licences, model and data cards, manifest."""
    from core.proof.pack import Sources, write
    from core.proof.signing import load_key

    signer = load_key(key) if key is not None else None
    code = Path(__file__).resolve().parents[1]
    rooms = ("dashboard/viewer", "trainers/exporting/demonstrator")
    clients = tuple(code / room / "package-lock.json" for room in rooms)
    sources = Sources((weights or settings().weights).absolute(), places.LOCK, clients, audit=audit)
    manifest = write(out, sources, signer)
    typer.echo(f"{len(manifest)} files and their manifest in {out}, {'signed' if signer else 'not signed'}.")


def shipped_options() -> dict[str, Any]:
    """Streamlit's options as Overread ships them (localhost, no usage statistics, the theme), by dotted name.

    Streamlit looks for them in the folder it is started from; this way they hold wherever that is.
    """

    def flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
        for name, value in table.items():
            if isinstance(value, Mapping):
                yield from flat(value, f"{above}{name}.")
            else:
                yield f"{above}{name}", value

    return dict(flat(tomllib.loads(places.STREAMLIT.read_text(encoding="utf-8"))))


def _answers_at(address: str) -> str:
    """A name for an address that is listened on: one that stands for every address of the machine is none."""
    try:
        listens = ip_address(address)
    except ValueError:
        return address
    if listens.is_unspecified:
        return "localhost"
    return f"[{address}]" if listens.version == 6 else address


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _later(name: str, module: str, says: str, *, within: bool) -> None:
    """Add a command that is another application's: of that name ``within`` it, or the whole of it."""

    def command(rest: typer.Context) -> None:
        try:
            other: typer.Typer = importlib.import_module(module).app
        except ModuleNotFoundError as error:
            raise OverreadError(
                f"`overread {name}` needs the package {error.name}, which is not installed.",
                "Install Overread with what training needs: pip install 'overread[train]'.",
            ) from error
        other([name, *rest.args] if within else rest.args, prog_name="overread" if within else f"overread {name}")

    app.command(name, help=says, context_settings=PASSED_ON | {"help_option_names": []})(command)


for _name, _says in TRAINING.items():
    _later(_name, "trainers.__main__", _says, within=True)
_later("node", "dashboard.service.node.process", "The DICOM node: receives images, sends results.", within=False)
_later("archives", "core.review.archives.__main__", "Archives of cases: import, score, list, drift.", within=False)
_later("readers", "core.evidence.readers", "Reader studies: compare arms over readers and cases, plan.", within=False)
_later("store", "core.review.__main__", "Look after the store: verify, back up, restore, export.", within=False)


def main() -> None:
    """Run a command; an expected error ends with its message and exit code 2."""
    try:
        app()
    except OverreadError as error:
        print(f"{error.message} {error.remedy}".strip(), file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
