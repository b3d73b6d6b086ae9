"""What the installed models say about the files of a folder or zip, one row an image and model, without a store."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from core.csv_cells import frame_csv
from core.engine.results import ModelStatus
from core.errors import ArchiveError, OverreadError
from core.imaging import Series, Study, read
from core.review.archives.intake.sources import Found, Layout, Survey, read_files, survey
from core.review.archives.intake.staging import locate
from core.review.archives.scoring import Reviewer, installed, scores_of
from core.review.tables import Score
from core.systems import accepts, adapt, match, system

COLUMNS = (
    *("path", "system", "model", "version", "weights_sha256", "slices", "slice", "finding", "decision", "threshold"),
    *("votes", "probabilities", "mask_pixels", "beyond_gate", "stopped", "error"),
)
FORMATS = {".csv", ".parquet"}


def score_folder(
    source: Path, engine: Reviewer, known: str | None = None, *, join: bool = False
) -> Iterator[tuple[int, int, list[dict[str, Any]]]]:
    """Score the images of a folder, zip or sheet one after another.

    Args:
        source: folder, zip or CSV, as an archive is imported from.
        known: the system that reads them; by default matched image by image.
        join: slices of one patient and series form one image.

    Yields:
        Number of the image from 1, how many there are, and its rows with the keys of :data:`COLUMNS`: one a model, or
        a single one with ``error`` where nothing could read it.

    Raises:
        ArchiveError: there is nothing to score. SystemMismatchError: there is no such system.
    """
    if known is not None:
        system(known)
    with tempfile.TemporaryDirectory() as scratch:
        root, sheet = locate(source, Path(scratch) / "images")
        # Without a sheet named by the user the files themselves are the images: a table beside them may list others.
        found = survey(root, Layout(sheet=sheet or "", join=join))
        for number, one in enumerate(found.cases, 1):
            yield number, len(found.cases), _rows(found, one, engine, known)


def write(rows: list[dict[str, Any]], out: Path) -> None:
    """Write rows as CSV or Parquet, by the file's ending; the file appears when it is whole.

    Raises:
        ArchiveError: another ending, or a folder that is not there.
    """
    check(out)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    waiting = out.with_name(f".{out.name}.part")
    if out.suffix.lower() == ".parquet":
        table.to_parquet(waiting, index=False)
    else:
        waiting.write_text(frame_csv(table), encoding="utf-8", newline="")
    waiting.replace(out)


def check(out: Path) -> None:
    """Refuse a place that :func:`write` could not write to, before hours are spent. Raises ``ArchiveError``."""
    if out.suffix.lower() not in FORMATS:
        raise ArchiveError(f"{out.name} is neither a CSV nor a Parquet file.", "Name it .csv or .parquet.")
    if not out.absolute().parent.is_dir():
        raise ArchiveError(f"There is no folder {out.absolute().parent}.", "Make it first.")


def _rows(found: Survey, one: Found, engine: Reviewer, known: str | None) -> list[dict[str, Any]]:
    try:
        if one.error is not None:
            raise one.error
        study = read(read_files(found.root, one.files))
        index, name = _placed(study, known)
        models = installed(engine, name)
        review = engine.review(study, name, index)
    except OverreadError as error:
        return [{"path": one.path, "system": known, "error": str(error)}]
    rows = [_row(one.path, score) for score in scores_of(review, 0, models)]
    missing = [r.state for r in review.results if r.state.status is ModelStatus.REFUSED]
    rows += [{"path": one.path, "system": name, "model": state.name, "error": state.reason} for state in missing]
    return rows or [{"path": one.path, "system": name, "error": f"No model of {system(name).title} is installed."}]


def _placed(study: Study, known: str | None) -> tuple[int, str]:
    if known is None:
        found = match(study)
        if found.system is None:
            raise ArchiveError(found.reason, "Name the system with --system.")
        return found.series_index, found.system
    declared = system(known)

    def refused(series: Series) -> str | None:
        return accepts(declared, adapt(series, declared))

    for index, series in enumerate(study.series):
        if refused(series) is None:
            return index, known
    raise ArchiveError(refused(study.series[0]) or f"{declared.title} cannot read it.", "Name another system.")


def _row(path: str, score: Score) -> dict[str, Any]:
    return {
        "path": path,
        "system": score.system,
        "model": score.model,
        "version": score.version,
        "weights_sha256": score.weights_sha256,
        "slices": score.details.get("slices"),
        "slice": score.slice_index,
        "finding": score.finding,
        "decision": score.decision or None,
        "threshold": score.threshold,
        "votes": score.details.get("votes"),
        "probabilities": json.dumps(score.probabilities) if score.probabilities else None,
        "mask_pixels": score.mask_pixels,
        "beyond_gate": score.ood,
        "stopped": " ".join(score.details.get("stopped", [])),
        "error": score.error or None,
    }
