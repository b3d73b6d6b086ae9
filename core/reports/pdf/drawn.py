"""The table of what the reader measured by hand."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable

from core.reports.drawn import DrawnPart
from core.reports.pdf.page import WIDTH, grid, section, words
from core.reports.record import CaseRecord


def drawn_by_hand(record: CaseRecord) -> list[Flowable]:
    """Kind, image, numbers and place of every measurement; nothing where none was drawn."""
    if not record.drawn:
        return []
    rows: list[Sequence[object]] = [("Drawn", "Image", "Measured", "Column, row")]
    rows += [(one.kind.capitalize(), one.slice, one.words, _where(one)) for one in record.drawn]
    how = (
        "Drawn by the reader who made this report, not by a model; the numbers are the viewer's. Column and row are "
        "counted from 0 at the centre of the upper left pixel."
    )
    if record.study.spacing_mm is None:
        how += " The file does not give the pixel size, so lengths are in pixels (px)."
    return [
        CondPageBreak(35 * mm),
        section("Measured by hand"),
        grid(rows, (62, 40, WIDTH - 302, 200)),
        words(how, "small"),
    ]


def _where(one: DrawnPart) -> str:
    """The points of a line or an angle; what a region spans."""
    if one.kind in ("length", "angle"):
        return " to ".join(f"({column:.1f}, {row:.1f})" for column, row in one.points)
    columns, rows = zip(*one.points, strict=True)
    return f"columns {min(columns):.1f} to {max(columns):.1f}, rows {min(rows):.1f} to {max(rows):.1f}"
