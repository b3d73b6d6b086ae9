"""``overread node``: the DICOM node as a process, and what it did."""

from __future__ import annotations

import signal
import threading
import time
from datetime import datetime
from typing import Annotated

import typer

from core.background import as_error
from core.engine.engine import Engine
from core.errors import OverreadError
from core.review.store import Store, open_store
from core.settings import settings
from dashboard.service.node import fetching
from dashboard.service.node.config import NodeConfig
from dashboard.service.node.receiving import serve
from dashboard.service.node.sending import send_due
from dashboard.service.node.spool import Spool
from dashboard.service.node.working import Work

PAUSE = 1.0
app = typer.Typer(help="The DICOM node.", no_args_is_help=True, pretty_exceptions_enable=False)


def spool_of(store: Store) -> Spool:
    """The node's folder, beside the store's images."""
    return Spool(store.images_folder.parent / "dicom")


@app.command()
def run() -> None:
    """Receive, read, send back, until it is ended; what is under way then goes on at the next start."""
    config, store = NodeConfig.of(settings()), open_store()
    spool, ended = spool_of(store), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    work = Work(config, spool, store, Engine(settings().weights))
    try:
        stop = serve(config, spool)
    except OSError as error:
        raise OverreadError(
            f"{config.address}:{config.port} cannot be listened on ({error.strerror}).",
            "Set OVERREAD_DICOM_PORT to a free port, or end what uses it.",
        ) from error
    typer.echo(
        f"{config.title} listens on {config.address}:{config.port}; {', '.join(config.peers) or 'nobody'} may call."
    )
    sender = threading.Thread(target=_keep_sending, args=(config, spool, ended), daemon=True)
    sender.start()
    try:
        while not ended.wait(PAUSE):
            try:
                work.step()
            except Exception as error:  # a full disk, a locked database: the images wait in the inbox
                spool.note("waits", why=as_error(error).message)
                ended.wait(10 * PAUSE)
    finally:
        stop()
        sender.join(timeout=5)


def _keep_sending(config: NodeConfig, spool: Spool, ended: threading.Event) -> None:
    while not ended.wait(PAUSE):
        try:
            send_due(config, spool)
        except Exception as error:  # results wait in the outbox; whoever sends them goes on
            spool.note("waits", why=as_error(error).message)


@app.command()
def status() -> None:
    """What waits, what was sent, what was refused."""
    spool = spool_of(open_store())
    for name, count in spool.counts().items():
        typer.echo(f"{count:6d} {name}")
    for result in spool.waiting():
        typer.echo(f"{result.kind} to {result.place}: {result.attempts} attempts. {result.error}")
    for line in spool.journal(20):
        at = datetime.fromtimestamp(line.pop("at")).isoformat(" ", "seconds")
        typer.echo(f"{at} " + " ".join(f"{key}={value}" for key, value in line.items()))


@app.command()
def retry() -> None:
    """Try now what was put off."""
    spool_of(open_store()).at_once()


Server = Annotated[str, typer.Argument(help="Address of a DICOMweb server of OVERREAD_DICOMWEB_SERVERS.")]

Filters = Annotated[list[str] | None, typer.Option("--where", help="KEYWORD=VALUE, such as StudyDate=20260101-.")]


@app.command()
def find(
    server: Server,
    filters: Annotated[
        list[str] | None, typer.Option("--where", help="KEYWORD=VALUE, such as StudyDate=20260101-.")
    ] = None,
) -> None:
    """Studies of a DICOMweb server: UID, date, modalities, number of images."""
    wanted = dict(one.split("=", 1) for one in filters or [] if "=" in one)
    for one in fetching.search(NodeConfig.of(settings()), server, wanted):
        modalities = one.get("ModalitiesInStudy", "")
        told = (
            one.StudyInstanceUID,
            one.get("StudyDate", ""),
            modalities,
            one.get("NumberOfStudyRelatedInstances", ""),
        )
        typer.echo("  ".join(str(value) for value in told))


@app.command()
def fetch(server: Server, study: Annotated[str, typer.Argument(help="StudyInstanceUID.")]) -> None:
    """Retrieve a study into the inbox; a running node reads it."""
    started = time.monotonic()
    count = fetching.fetch(NodeConfig.of(settings()), spool_of(open_store()), server, study)
    typer.echo(f"{count} images in {time.monotonic() - started:.1f} s")
