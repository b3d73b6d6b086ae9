"""Audit a data set before a model is trained on it: copies, leaks, conflicting labels, shortcuts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from core.audit import AuditReport, audit_table, tabulate, to_markdown
from core.errors import DataLayoutError
from trainers.audit_sets import fingerprints, read_split
from trainers.audit_simulated import PREFIX, simulated_fingerprints

ROOT = Path(__file__).resolve().parents[1]


def find_set(source: str | Path) -> Path:
    """Folder of a set: a path, or a name under ``OVERREAD_DATA`` (by default ``../shared/datasets``).

    Raises:
        DataLayoutError: neither.
    """
    root = Path(os.environ.get("OVERREAD_DATA") or ROOT.parent / "shared" / "datasets")
    for candidate in (Path(source), root / source):
        if (candidate / "index.csv").is_file():
            return candidate
    raise DataLayoutError(
        f"There is no set {str(source)!r}: no index.csv in that folder, nor in {root / source}.",
        "Pass the folder of the set, or set OVERREAD_DATA to the folder that holds the sets.",
    )


def audit(
    source: str | Path,
    *,
    series: str = "pet",
    positives: frozenset[str] | None = None,
    split: Mapping[str, str] | None = None,
    features: NDArray[Any] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> AuditReport:
    """Audit a set.

    Args:
        source: name of a set or its folder, or ``simulated.SYSTEM`` for scans drawn on the spot.
        series: of a set of volumes, ``pet`` or ``mr_t1``.
        positives: labels that count as positive; by default all but the usual names of health.
        split: part by group; by default the index's own ``official_split`` or ``split``, if any.
        features: ``(N, F)`` embeddings of a model in the order of the index; by default thumbnails.
        resamples, seed: of the intervals.

    Raises:
        DataLayoutError: the folder is not laid out as a data card says. UnreadableFileError: a picture is damaged.
    """
    if str(source).startswith(PREFIX):
        modality = "PT" if series == "pet" else "MR"
        table = tabulate(simulated_fingerprints(str(source).removeprefix(PREFIX), seed=seed, modality=modality))
        name, volumes = str(source), str(source) == f"{PREFIX}mr-pet"
    else:
        folder = find_set(source)
        table = tabulate(fingerprints(folder, series=series, positives=positives, split=split))
        name, volumes = folder.name, "file size" not in table.features
    if features is not None and len(features) != len(table):
        raise DataLayoutError(f"{len(features)} features for {len(table)} pictures.", "Pass one row a picture.")
    positive = " or ".join(sorted(np.unique(table.labels[table.positive]))) or "no label"
    return audit_table(
        f"{name} ({series})" if volumes else name,
        table,
        positive,
        features=features,
        feature_name="model features",
        resamples=resamples,
        seed=seed,
    )


def refresh_card(folder: Path, report: AuditReport) -> None:
    """Write the report into a data card: ``NAME.json``, and the marked section of the set's Markdown file.

    The section stands between ``<!-- audit: NAME -->`` and ``<!-- end of audit -->``; all else is left as it is.

    Raises:
        DataLayoutError: the card is missing or has no such section.
    """
    stem = report.name.split(" ")[0]
    # A set of volumes has a report for each series: PET under the set's own name, MR beside it.
    series = report.name.partition("(")[2].rstrip(")")
    (folder / f"{stem}{'.' + series if series not in ('', 'pet') else ''}.json").write_text(
        report.to_json(), encoding="utf-8"
    )
    card = folder / f"{stem.split('.')[0]}.md"
    start, end = f"<!-- audit: {report.name} -->", "<!-- end of audit -->"
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise DataLayoutError(f"{card} has no section {start} ... {end}.", "Add the two marks where the audit belongs.")
    card.write_text(f"{before}{start}\n{to_markdown(report)}{end}{after}", encoding="utf-8")


def audit_command(
    source: Annotated[str, typer.Argument(help="Name of a set, its folder, or simulated.SYSTEM.")],
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")] = None,
    markdown_out: Annotated[Path | None, typer.Option("--markdown", help="Write the report as Markdown.")] = None,
    card: Annotated[
        Path | None, typer.Option(help="Folder of data cards: write the report into the set's card.")
    ] = None,
    split: Annotated[Path | None, typer.Option(help="JSON with the part of every group.")] = None,
    series: Annotated[str, typer.Option(help="For sets of volumes: pet or mr_t1.")] = "pet",
    positive: Annotated[list[str] | None, typer.Option(help="Label that counts as positive; may be repeated.")] = None,
    resamples: Annotated[int, typer.Option(help="Resamples of the intervals.", min=1)] = 1000,
) -> None:
    """Look for copies, leaks, conflicting labels and shortcuts in a data set."""
    parts = read_split(split) if split else None
    report = audit(
        source, series=series, positives=frozenset(positive) if positive else None, split=parts, resamples=resamples
    )
    text = to_markdown(report)
    if json_out:
        json_out.write_text(report.to_json(), encoding="utf-8")
    if markdown_out:
        markdown_out.write_text(text, encoding="utf-8")
    if card:
        refresh_card(card, report)
    typer.echo(f"# {report.name}\n\n{text}")
