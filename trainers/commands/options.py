"""Options that several commands have, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipeName = Annotated[str, typer.Option("--recipe", help="Recipe name, or path of a YAML file.")]
DataRoot = Annotated[Path | None, typer.Option("--data", help="Data root; by default OVERREAD_DATA.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder for checkpoints and logs.")]
Accelerator = Annotated[str, typer.Option("--accelerator", help="cpu, gpu or auto.")]
Threads = Annotated[int, typer.Option("--threads", help="CPU threads; 0 takes all.")]
Limit = Annotated[int | None, typer.Option("--limit", help="Use only so many groups of each set (a trial).")]
Start = Annotated[str | None, typer.Option("--init", help="Start from: as for train; else as the recipe says.")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Fewer or more epochs than the recipe's.", min=1)]
