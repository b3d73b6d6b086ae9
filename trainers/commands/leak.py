"""What the leak between a set's published parts pays to who only remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.audit.fingerprint import tabulate
from core.audit.folder import find_set
from core.audit.memoriser import leak
from core.audit.sets import fingerprints
from trainers.data.sets import data_root


def leak_command(
    source: Annotated[str, typer.Argument(help="Name of a set with published parts, or its folder.")],
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON, for the tour on Learn.")] = None,
    resamples: Annotated[int, typer.Option(help="Resamples of the intervals.", min=1)] = 1000,
) -> None:
    """Measure what a set's published split pays to a memoriser, with and without the test's own groups."""
    folder = find_set(source, data_root())
    found = leak(folder.name, tabulate(fingerprints(folder)), resamples=resamples)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(found.to_json(), encoding="utf-8")
    typer.echo(found.to_json())
