"""How long the installed models take on this machine, one image at a time."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from core.errors import ModelUnavailableError
from core.evidence.timing import machine_name, time_model
from core.systems import SYSTEMS

console = Console()


def benchmark(
    weights: Path, out: Path | None = None, *, repeats: int = 20, processor_time: bool = False
) -> dict[str, Any]:
    """Time every installed model, print a table, write JSON.

    Args:
        processor_time: of one thread, for a machine that is busy with other work.

    Raises:
        ModelUnavailableError: no model is installed.
    """
    found: dict[str, Any] = {}
    clock = time.process_time if processor_time else time.perf_counter
    if processor_time:
        torch.set_num_threads(1)  # the time of several threads would be added up
    for name in SYSTEMS:
        for card in sorted((weights / name).glob("*/card.json")):
            try:
                timing = asdict(time_model(card.parent, repeats=repeats, clock=clock))
                found[f"{name}/{card.parent.name}"] = timing | {"input": list(timing["input"])}
            except ModelUnavailableError as error:
                console.print(f"{name}/{card.parent.name} is left out: {error.message}")
    if not found:
        raise ModelUnavailableError(f"No model is installed in {weights}.", "Train one, or restore its folder.")
    result = {
        "machine": machine_name(),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "clock": "processor time of one thread" if processor_time else "time",
        "torch": torch.__version__,
        "models": found,
    }
    table = Table(title=f"milliseconds an image, {torch.get_num_threads()} threads, {repeats} repeats")
    for column in ("model", "median", "range", "input", "million parameters", "MB"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for name, m in found.items():
        shape = " x ".join(map(str, m["input"]))
        spread = f"{m['shortest_ms']:.1f} to {m['longest_ms']:.1f}"
        sizes = f"{m['parameters'] / 1e6:.1f}", f"{m['weight_bytes'] / 1e6:.1f}"
        table.add_row(name, f"{m['median_ms']:.1f}", spread, shape, *sizes)
    console.print(table)
    if out is not None:
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result
