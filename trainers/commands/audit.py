"""Audit a data set before a model is trained on it: copies, leaks, conflicting labels, shortcuts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.audit import AuditReport, to_markdown
from core.audit.folder import audit
from core.audit.sets import FIRST, audit_suffix, read_split
from core.errors import DataLayoutError
from trainers.data.sets import data_root


def refresh_card(folder: Path, report: AuditReport) -> None:
    """Write the report into a data card: ``NAME.json``, and the marked section of the set's Markdown file.

    The section stands between ``<!-- audit: NAME -->`` and ``<!-- end of audit -->``; all else is left as it is.

    Raises:
        DataLayoutError: the card is missing or has no such section.
    """
    stem = report.name.split(" ")[0]
    # A set of volumes has a report for each series: PET under the set's own name, MR beside it.
    series = report.name.partition("(")[2].rstrip(")")
    (folder / f"{stem}{audit_suffix(series)}.json").write_text(report.to_json(), encoding="utf-8")
    card = folder / f"{stem.split('.')[0]}.md"
    start, end = f"<!-- audit: {report.name} -->", "<!-- end of audit -->"
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise DataLayoutError(f"{card} has no section {start} ... {end}.", "Add the two marks where the audit belongs.")
    card.write_text(f"{before}{start}\n{to_markdown(report)}{end}{after}", encoding="utf-8")


def _root() -> Path | None:
    try:
        return data_root()
    except DataLayoutError:
        return None  # a set may still be given by its folder


def audit_command(
    source: Annotated[str, typer.Argument(help="Name of a set, its folder, or simulated.SYSTEM.")],
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")] = None,
    markdown_out: Annotated[Path | None, typer.Option("--markdown", help="Write the report as Markdown.")] = None,
    card: Annotated[
        Path | None, typer.Option(help="Folder of data cards: write the report into the set's card.")
    ] = None,
    split: Annotated[Path | None, typer.Option(help="JSON with the part of every group.")] = None,
    series: Annotated[str, typer.Option(help="For sets of volumes: pet or mr_t1.")] = FIRST,
    positive: Annotated[list[str] | None, typer.Option(help="Label that counts as positive; may be repeated.")] = None,
    resamples: Annotated[int, typer.Option(help="Resamples of the intervals.", min=1)] = 1000,
) -> None:
    """Look for copies, leaks, conflicting labels and shortcuts in a data set."""
    parts = read_split(split) if split else None
    report = audit(
        source,
        series=series,
        positives=frozenset(positive) if positive else None,
        split=parts,
        resamples=resamples,
        root=_root(),
    )
    text = to_markdown(report)
    if json_out:
        json_out.write_text(report.to_json(), encoding="utf-8")
    if markdown_out:
        markdown_out.write_text(text, encoding="utf-8")
    if card:
        refresh_card(card, report)
    typer.echo(f"# {report.name}\n\n{text}")
