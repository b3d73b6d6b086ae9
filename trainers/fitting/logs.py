"""What a run leaves to look at: the curve as CSV, scalars for TensorBoard, a bar on a terminal."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(stderr=True)
TELL_EVERY = 20.0  # seconds between two lines about the running loss


def write_curve(path: Path, curve: list[dict[str, float]]) -> None:
    """Write one row an epoch; figures that only some epochs have are left empty in the others."""
    names = list(dict.fromkeys(name for row in curve for name in row))
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, names, restval="")
        writer.writeheader()
        writer.writerows(curve)


def write_scalars(folder: Path, row: dict[str, float], rate: float) -> None:
    """Add an epoch to the TensorBoard log: every figure of the row and the learning rate, at step ``row["epoch"]``."""
    from torch.utils.tensorboard import SummaryWriter  # slow to import, and only a training needs it

    step = int(row["epoch"])
    with SummaryWriter(str(folder), purge_step=step) as writer:  # type: ignore[no-untyped-call]
        for name, value in row.items():
            if name != "epoch":
                writer.add_scalar(name, value, step)  # type: ignore[no-untyped-call]
        writer.add_scalar("learning rate", rate, step)  # type: ignore[no-untyped-call]


class Teller:
    """The running loss of an epoch: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, title: str, steps: int) -> None:
        self.title, self.steps, self.losses = title, steps, list[float]()
        self._told = time.monotonic()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=console, transient=True) if console.is_terminal else None
        if self._bar is not None:
            self._job = self._bar.add_task(title, total=steps, loss=float("nan"))

    def __enter__(self) -> Teller:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, loss: float) -> None:
        """Count a step and its loss."""
        self.losses.append(loss)
        recent = float(np.mean(self.losses[-20:]))
        if self._bar is not None:
            self._bar.update(self._job, advance=1, loss=recent)
        elif time.monotonic() - self._told > TELL_EVERY:
            self._told = time.monotonic()
            console.print(f"{self.title}  step {len(self.losses)}/{self.steps}  loss {recent:.4f}")
