"""One image to rows of a table: what every installed model says about it, or why there is nothing to say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from core.engine.results import ModelStatus
from core.errors import ArchiveError, OverreadError
from core.imaging import Series, Study
from core.review.archives.scoring import Reviewer, installed, scores_of
from core.review.tables import Score
from core.systems import accepts, adapt, match, system

# The table. ``image`` is the number of the image in its source, from 0: rows stand in that order. ``slice_number`` is
# the most suspicious slice, from 1: the number that pages and reports give it.
SCHEMA = pa.schema(
    [
        ("image", pa.int64()),
        ("path", pa.string()),
        ("system", pa.string()),
        ("model", pa.string()),
        ("version", pa.string()),
        ("weights_sha256", pa.string()),
        ("slices", pa.int64()),
        ("slice_number", pa.int64()),
        ("finding", pa.float64()),
        ("decision", pa.string()),
        ("threshold", pa.float64()),
        ("votes", pa.bool_()),
        ("probabilities", pa.string()),
        ("mask_pixels", pa.int64()),
        ("beyond_gate", pa.float64()),
        ("stopped", pa.string()),
        ("error", pa.string()),
    ]
)
COLUMNS = tuple(SCHEMA.names)
Row = dict[str, Any]


def answered(number: int, path: str, study: Study | OverreadError, engine: Reviewer, known: str | None) -> list[Row]:
    """Rows of one image.

    Args:
        number: of the image in its source, from 0. path: its stable name there.
        study: what was decoded, or the error.
        known: the system that reads it; by default the one that matches.

    Returns:
        One row a model with the keys of :data:`COLUMNS`, or a single one with ``error`` where nothing could read it.
    """
    head: Row = dict.fromkeys(COLUMNS) | {"image": number, "path": path, "system": known}
    if isinstance(study, OverreadError):
        return [head | {"error": str(study)}]
    try:
        index, name = _placed(study, known)
        models = installed(engine, name)
        review = engine.review(study, name, index)
    except OverreadError as error:
        return [head | {"error": str(error)}]
    head["system"] = name
    rows = [head | _row(score) for score in scores_of(review, 0, models)]
    refused = [r.state for r in review.results if r.state.status is ModelStatus.REFUSED]
    rows += [head | {"model": state.name, "error": state.reason} for state in refused]
    return rows or [head | {"error": f"No model of {system(name).title} is installed."}]


def table(rows: Sequence[Row]) -> pa.Table:
    """Rows as a table of :data:`SCHEMA`."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


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


def _row(score: Score) -> Row:
    return {
        "model": score.model,
        "version": score.version,
        "weights_sha256": score.weights_sha256,
        "slices": score.details.get("slices"),
        "slice_number": score.slice_index + 1,
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
