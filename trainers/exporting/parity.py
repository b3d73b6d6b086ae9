"""What a check of exports found, and how it is kept: ``docs/exports.json``, and its table ``docs/exports.md``."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trainers.exporting.edge import NEEDS

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Parity:
    """One export held against its original.

    Attributes:
        images: by part (``simulated``, ``validation``). difference: largest of any probability there,
            of a class or of a finding.
        mask: largest difference of the mask's probability over all images; ``None`` without a mask.
        alike: images with the same decision, by part.
        megabytes: of its files. milliseconds, original: processor time an image, the original's beside it.
        date, machine, version, weights_sha256: what was compared, where and when.
    """

    model: str
    format: str
    images: dict[str, int]
    difference: dict[str, float]
    mask: float | None
    alike: dict[str, int]
    megabytes: float
    milliseconds: float
    original: float
    date: str
    machine: str
    version: str
    weights_sha256: str

    @property
    def holds(self) -> bool:
        """Within the tolerance everywhere, and every decision the same."""
        return max(self.difference.values()) <= TOLERANCE and self.alike == self.images


def keep(rows: Sequence[Parity], path: Path) -> list[Parity]:
    """Enter rows in a JSON file in the place of older ones of the same model and format; all rows of the file."""
    known = [Parity(**row) for row in json.loads(path.read_text(encoding="utf-8"))] if path.is_file() else []
    fresh = {(row.model, row.format) for row in rows}
    every = sorted(
        [*(row for row in known if (row.model, row.format) not in fresh), *rows], key=lambda r: (r.model, r.format)
    )
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps([asdict(row) for row in every], indent=1) + "\n", encoding="utf-8")
    os.replace(aside, path)
    return every


def markdown(rows: Sequence[Parity]) -> str:
    """The rows as a table, with what it rests on."""
    lines = [
        "# Exports against the original",
        "",
        "Written by `python -m trainers export-check`; do not edit. Largest difference of any probability (classes,",
        "finding) in float32, and how many images get the same decision; processor time of one image, the",
        "original's in brackets.",
        "Simulated images are the built-in samples; validation images are those that thresholds were chosen on, spread",
        "evenly over the part where not all were taken.",
        "",
        "`litert` and `executorch` are converted and answer in environments of their own, one image at a time:",
        *(f"`python3.11 -m venv {kind}; {kind}/bin/pip install {needs}`," for kind, needs in NEEDS.items()),
        "then `--format FORMAT --python FORMAT/bin/python` for `export` and `export-check`.",
        "",
        "| model | format | MB | ms an image | difference, simulated | same decision | difference, validation | "
        "same decision | mask | version, date |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row.model, row.format, f"{row.megabytes:.1f}", f"{row.milliseconds:.0f} ({row.original:.0f})"]
        for part in ("simulated", "validation"):
            if part in row.images:
                cells += [f"{row.difference[part]:.1e}", f"{row.alike[part]} of {row.images[part]}"]
            else:
                cells += ["–", "–"]
        cells += ["–" if row.mask is None else f"{row.mask:.1e}", f"{row.version}, {row.date}"]
        lines.append("| " + " | ".join(cells) + " |")
    machines = sorted({row.machine for row in rows})
    worst = max((max(row.difference.values()) for row in rows), default=0.0)
    lines += ["", f"Largest difference of all: {worst:.1e}. Measured on: {'; '.join(machines)}."]
    return "\n".join(lines) + "\n"
