"""``prepare``: from a publisher's download to the folder that the trainers read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainers.data.prepare import PUBLISHERS, prepare
from trainers.fitting.logs import console


def prepare_command(
    name: Annotated[str, typer.Argument(metavar="SET", help=f"One of {', '.join(sorted(PUBLISHERS))}.")],
    source: Annotated[Path, typer.Argument(help="The publisher's download, unpacked.")],
    out: Annotated[Path, typer.Argument(help="Folder to make; OVERREAD_DATA is its parent.")],
) -> None:
    """Lay out a set as its publisher distributes it (data/cards says where from) as the trainers read it."""
    made = prepare(name, source, out, tell=console.print)
    for which, reason in made.left_out:
        console.print(f"left out: {which}: {reason}")
    console.print(f"{len(made.rows)} rows in {out / 'index.csv'}, {len(made.left_out)} left out")
