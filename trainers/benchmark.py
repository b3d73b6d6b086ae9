"""How long the installed models take on this machine, one image at a time."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from core.engine.predict import predict_series
from core.errors import ModelUnavailableError
from core.imaging.study import Series
from core.models.card import ModelCard
from core.models.store import load_model
from core.simulate import phantom
from core.systems import SYSTEMS, adapt, system

WARM_UPS = 2
console = Console()


def sample(card: ModelCard) -> Series:
    """A simulated slice that the model reads."""
    drawn = phantom(card.system, 1, modality=card.contract.modality or "PT")
    return adapt(drawn.series, system(card.system))


def measure(folder: Path, *, repeats: int) -> dict[str, Any]:
    """Time one model: milliseconds from pixels to answer, preprocessing and test-time flips included.

    Returns:
        median, shortest and longest of the repeats, parameters, bytes of the weight file.
    """
    net, card = load_model(folder)
    series = sample(card)
    seconds = [predict_series(net, card, series, indices=[0]).seconds for _ in range(WARM_UPS + repeats)][WARM_UPS:]
    times = 1000 * np.array(seconds)
    return {
        "median_ms": float(np.median(times)),
        "shortest_ms": float(times.min()),
        "longest_ms": float(times.max()),
        "repeats": repeats,
        "input": [card.contract.channels, card.contract.height, card.contract.width],
        "parameters": card.parameters,
        "weight_bytes": (folder / "weights.safetensors").stat().st_size,
    }


def benchmark(weights: Path, out: Path | None = None, *, repeats: int = 20) -> dict[str, Any]:
    """Time every installed model, print a table, write JSON.

    Raises:
        ModelUnavailableError: no model is installed.
    """
    found: dict[str, Any] = {}
    for name in SYSTEMS:
        for card in sorted((weights / name).glob("*/card.json")):
            try:
                found[f"{name}/{card.parent.name}"] = measure(card.parent, repeats=repeats)
            except ModelUnavailableError as error:
                console.print(f"{name}/{card.parent.name} is left out: {error.message}")
    if not found:
        raise ModelUnavailableError(f"No model is installed in {weights}.", "Train one, or restore its folder.")
    result = {
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
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
