"""``python -m core.review.archives``: import, score and list archives from the command line.

Exit codes: 0 done, 1 the run did not finish, 2 the command could not be carried out.
"""

from __future__ import annotations

import json as json_module
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core.engine.engine import Engine
from core.errors import ArchiveError, OverreadError
from core.review import archives
from core.review.archives.background import Run
from core.review.archives.planting import prove as prove_worklist
from core.review.store import Store
from core.review.tables import ScoreRun
from core.review.vocabulary import Mode, Outcome, RunState
from core.settings import settings

app = typer.Typer(help="Archives of cases.", no_args_is_help=True, pretty_exceptions_enable=False)
Where = Annotated[str | None, typer.Option("--store", help="Folder or database URL (default: OVERREAD_STORE).")]
Weights = Annotated[Path | None, typer.Option("--weights", help="Folder with the models (default: OVERREAD_WEIGHTS).")]
System = Annotated[str, typer.Option("--system", help="brain-mr, chest-ct, ...")]
Name = Annotated[str, typer.Argument(help="Name of the archive.")]


@contextmanager
def _opened(where: str | None) -> Iterator[Store]:
    """The store; errors become a message and exit code 2."""
    try:
        store = Store.open(where)
        try:
            yield store
        finally:
            archives.shut_down()
            store.close()
    except OverreadError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _actor(store: Store) -> int:
    return store.local_user().number or 0


def _archive(store: Store, name: str, *, make: bool = False) -> int:
    for archive in store.archives():
        if archive.name == name:
            return archive.id or 0
    if make:
        return store.add_archive(_actor(store), name, mode=Mode.SECOND_READER).id or 0
    raise ArchiveError(f"There is no archive {name!r}.", "Import into it first.")


def _follow(store: Store, run: Run) -> None:
    """Show progress until the run rests; interrupting stops it, and the same command goes on."""
    try:
        while True:
            run = store.run(type(run), run.id or 0)
            told = archives.progress(store, run)
            left = f", {told.seconds_left / 60:.0f} min left" if told.seconds_left else ""
            speed = f", {told.per_minute:.0f} a minute" if told.per_minute else ""
            line = f"{told.state}: {told.done} of {told.total}, {told.failed} failed{speed}{left}"
            typer.echo(f"\r{line:<78}", nl=False, err=True)
            if not told.active or told.interrupted:
                break
            time.sleep(0.5)
    except KeyboardInterrupt:
        archives.stop(store, _actor(store), run)
        run = archives.wait(store, run)
    typer.echo("", err=True)
    if run.message:
        typer.echo(run.message)
    if run.state != RunState.DONE:
        raise typer.Exit(1)


@app.command("import")
def import_command(
    name: Name,
    source: Annotated[Path, typer.Argument(help="Folder, zip, CSV or DICOM tree.")],
    system: Annotated[str | None, typer.Option("--system", help="By default matched case by case.")] = None,
    keep_patient_codes: Annotated[bool, typer.Option(help="The patients' codes are pseudonyms already.")] = False,
    join: Annotated[bool, typer.Option(help="Slices of one patient and series form one case.")] = False,
    store: Where = None,
) -> None:
    """Import into an archive, which is made when there is none; what could not be read is listed."""
    with _opened(store) as opened:
        archive = _archive(opened, name, make=True)
        layout = archives.Layout(join=join)
        options = archives.ImportOptions(system=system, layout=layout, keep_patient_codes=keep_patient_codes)
        run = archives.begin_import(opened, _actor(opened), archive, source, options, anywhere=True)
        try:
            _follow(opened, run)
        finally:
            for row in opened.import_report(archive):
                if row.outcome != Outcome.ADDED and row.reason and row.run_id == run.id:
                    typer.echo(f"{row.outcome}: {row.path}: {row.reason} {row.remedy}")


@app.command()
def score(name: Name, system: System, store: Where = None, weights: Weights = None) -> None:
    """Score what the installed models have not answered yet; a run that was killed goes on."""
    with _opened(store) as opened:
        engine, archive = Engine(weights or settings().weights), _archive(opened, name)
        left = [
            run
            for run in archives.adopt(opened, engine)
            if isinstance(run, ScoreRun) and (run.archive_id, run.system) == (archive, system)
        ]
        _follow(opened, left[0] if left else archives.begin_scoring(opened, engine, _actor(opened), archive, system))


@app.command("list")
def list_command(
    name: Name,
    system: System,
    top: Annotated[int, typer.Option(help="How many.")] = 20,
    store: Where = None,
    weights: Weights = None,
) -> None:
    """Show the worklist as the local user may see it."""
    with _opened(store) as opened:
        models = archives.need_models(Engine(weights or settings().weights), system)
        told = archives.worklist(opened, _archive(opened, name), models, _actor(opened))
        typer.echo(f"{len(told.rows)} cases, {told.hidden} hidden, {told.stale} stale, {told.unscored} not scored")
        for row in told.rows[:top]:
            chance = "" if row.probability is None else f"{row.probability:.2f} "
            typer.echo(f"{row.rank or '-':>4} case {row.case_id} {row.source} {row.patient} {chance}{row.reason}")


@app.command("yield")
def yield_command(name: Name, system: System, store: Where = None, weights: Weights = None) -> None:
    """Reads needed to find one relevant miss."""
    with _opened(store) as opened:
        models = archives.need_models(Engine(weights or settings().weights), system)
        curve = archives.archive_yield(opened, _archive(opened, name), models)
        typer.echo(curve.sentence)
        for tenth in curve.tenths:
            typer.echo(
                f"{tenth.first:>6}-{tenth.last:<6} {tenth.reads_per_miss:>8.1f} "
                f"({tenth.reads_low:.1f} to {tenth.reads_high:.1f}), {tenth.misses} in {tenth.reads} reads"
            )


@app.command()
def drift(name: Name, system: System, store: Where = None, weights: Weights = None) -> None:
    """Compare the archive's scores with each model's calibration set."""
    with _opened(store) as opened:
        models = archives.need_models(Engine(weights or settings().weights), system)
        for told in archives.check_drift(opened, _archive(opened, name), models):
            typer.echo(f"{told.title} {told.version}: {told.drift.sentence if told.drift else told.why}")


@app.command()
def versions(name: Name, system: System, store: Where = None, weights: Weights = None) -> None:
    """List the versions that scored an archive, and compare each older one with the installed one."""
    with _opened(store) as opened:
        models, archive = archives.installed(Engine(weights or settings().weights), system), _archive(opened, name)
        known = archives.scored_versions(opened, archive, models)
        for one in known:
            mark = "installed" if one.installed else "not installed"
            typer.echo(f"{one.model} {one.version} ({one.weights_sha256[:12]}, {mark}): {one.cases} cases")
        fresh = {one.model: one for one in known if one.installed}
        for one in known:
            if not one.installed and one.model in fresh:
                new = fresh[one.model].identity
                told = archives.compare_versions(opened, archive, models, one.model, one.identity, new)
                typer.echo(f"{one.model}: {told.sentence}")


@app.command()
def prove(
    data: Annotated[Path, typer.Argument(help="Folder of the set that the models' predictions name images of.")],
    system: System,
    plant: Annotated[float, typer.Option(help="Share of images whose label is turned over, by patient.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of the planting.")] = 0,
    most: Annotated[int, typer.Option(help="Slices.")] = 500,
    repeats: Annotated[int, typer.Option(help="Further plantings on the same scores.")] = 20,
    json: Annotated[Path | None, typer.Option(help="Write the figures here.")] = None,
    weights: Weights = None,
) -> None:
    """Plant wrong labels in an archive of held-out images and see how many stand in the worklist's first tenth."""
    with tempfile.TemporaryDirectory() as folder, _opened(f"{folder}/store") as opened:
        told = prove_worklist(
            *(opened, Engine(weights or settings().weights), system, data, Path(folder) / "source"),
            share=plant,
            seed=seed,
            most=most,
            repeats=repeats,
        )
        text = json_module.dumps(asdict(told), indent=1)
        typer.echo(text)
        if json is not None:
            json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(app())
