"""``python -m core.review``: look after the store from the command line.

Exit codes: 0 done, 1 something is broken or missing, 2 the command could not be carried out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select

from core.errors import NotFoundError, OverreadError, StoreDamagedError, StoreError
from core.review import backup, exchange, older, trail
from core.review.database import DATABASE, place
from core.review.people import LOCAL_NUMBER
from core.review.pseudonyms import Pseudonyms
from core.review.schema import newest
from core.review.store import Store
from core.review.tables import CaseFile

app = typer.Typer(help="Look after Overread's store.", no_args_is_help=True, pretty_exceptions_enable=False)
Where = Annotated[
    str | None,
    typer.Option("--store", help="folder or database URL (default: OVERREAD_STORE, ~/.local/share/overread)"),
]


@contextmanager
def _opened(where: str | None, new: bool = False) -> Iterator[Store]:
    """The store, which must exist unless ``new``; errors become a message and exit code 2."""
    try:
        address, images = place(where)
        if not new and address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).is_file():
            raise StoreError(f"There is no store at {address.removeprefix('sqlite:///')}.", "Name it with --store.")
        store = Store.open(address, images)
        try:
            yield store
        finally:
            store.close()
    except OverreadError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _say(verb: str, carried: exchange.Carried) -> None:
    rows = f"{sum(carried.rows.values())} rows, " if carried.rows else ""
    typer.echo(f"{verb}: {rows}{carried.images} images, {carried.size / 1e6:.1f} MB. Head {carried.head or '(empty)'}")
    if carried.missing:
        typer.echo(f"{len(carried.missing)} images are missing or damaged: {', '.join(carried.missing)}", err=True)
        raise typer.Exit(1)


@app.command()
def verify(
    store: Where = None,
    head: Annotated[str | None, typer.Option(help="hash of an entry noted before: it must still be there")] = None,
    images: Annotated[bool, typer.Option(help="read every image and compare it with its hash too")] = True,
) -> None:
    """Check the audit trail, the rows it vouches for, and the images."""
    with _opened(store) as opened:
        found = trail.verify(opened, head)
        if not found.ok:
            typer.echo(f"BROKEN: {found.reason}. {found.entries} entries before it are sound.", err=True)
            raise typer.Exit(1)
        bad = []
        if images:
            with opened.reading() as session:
                names = sorted(session.connection().execute(select(CaseFile.sha256).distinct()).scalars())  # type: ignore[call-overload]
            for sha256 in names:
                try:
                    opened.image(sha256)
                except (NotFoundError, StoreDamagedError) as error:
                    bad.append(error.message)
        typer.echo(f"Sound: {found.entries} entries. Head {found.head}")
        for said in older.told(opened):
            typer.echo(said)
        if bad:
            typer.echo("\n".join(bad), err=True)
            raise typer.Exit(1)


@app.command(name="backup")
def backup_command(file: Path, store: Where = None) -> None:
    """Copy the store into one new zip file, while others go on working."""
    with _opened(store) as opened:
        carried = backup.backup(opened, file)
        opened.local_user()
        opened.note(LOCAL_NUMBER, "store.backed_up", "store", {"head": carried.head})
        _say("Backed up", carried)


@app.command()
def restore(file: Path, store: Where = None) -> None:
    """Make a store from a backup; refuses a damaged one and a place that is not empty."""
    try:
        address, images = place(store)
        _say("Restored", backup.restore(file, store or (str(images.parent) if DATABASE in address else address)))
    except OverreadError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


@app.command()
def export(folder: Path, store: Where = None) -> None:
    """Write everything to a new folder as JSON lines and images."""
    with _opened(store) as opened:
        carried = exchange.export_all(opened, folder)
        opened.local_user()
        opened.note(LOCAL_NUMBER, "store.exported", "store", {"head": carried.head})
        _say("Exported", carried)


@app.command(name="import")
def import_command(folder: Path, store: Where = None) -> None:
    """Fill an empty store from an export."""
    with _opened(store, new=True) as opened:
        _say("Imported", exchange.import_all(folder, opened))


@app.command()
def meaning(pseudonym: str, store: Where = None) -> None:
    """Say which path or reader a pseudonym (F-..., R-...) stands for, by the file beside the store that knows."""
    with _opened(store) as opened:
        found = Pseudonyms.of(opened.images_folder).meaning(pseudonym)
        if found is None:
            raise NotFoundError(f"What {pseudonym} stands for is not known here.", "Import the folder again.")
        typer.echo(found)


@app.command()
def migrate(store: Where = None) -> None:
    """Bring the store's tables up to date (opening it does so too)."""
    with _opened(store, new=True) as opened:
        typer.echo(f"{opened.url} is at revision {newest()}.")


if __name__ == "__main__":
    app(prog_name="python -m core.review")
