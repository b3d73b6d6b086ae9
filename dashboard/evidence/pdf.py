"""The whole evidence of a system as one PDF: the tables and figures of the page, for paper and for a file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, PageBreak, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as Grid
from reportlab.platypus.tables import LongTable

from core.evidence import Evidence, Row, Table
from core.evidence.tables import MODEL, PUBLISHED
from core.statistics import Interval
from core.statistics.perfect import SAID
from dashboard.evidence import on_paper
from dashboard.kit import words
from dashboard.kit.charts import Chart
from dashboard.kit.tables import interval, number

PAGE = landscape(A4)
MARGIN = 14 * mm
WIDTH = PAGE[0] - 2 * MARGIN
NOTICE = "Research and teaching use only. Not a medical device; never a diagnosis."
_SHEET = getSampleStyleSheet()
TEXT = ParagraphStyle("text", _SHEET["Normal"], fontSize=8, leading=10.5)
CELL = ParagraphStyle("cell", TEXT, fontSize=6.8, leading=8.2)
HEAD = ParagraphStyle("head", CELL, fontName="Helvetica-Bold")
TITLE = ParagraphStyle("title", _SHEET["Heading1"], fontSize=17)
SECTION = ParagraphStyle("section", _SHEET["Heading2"], fontSize=12, spaceBefore=10)


def pdf(
    title: str, scope: str, split: str, models: Sequence[Evidence], tables: Sequence[Table], charts: Sequence[Chart]
) -> bytes:
    """The report; arguments as of :func:`dashboard.evidence.report.html`."""
    story: list[Flowable] = [
        _p(f"Evidence: {title}", TITLE),
        _p(scope),
        _p(f"All figures are from the {split} part unless a title says otherwise. {NOTICE}"),
        _p("Models", SECTION),
    ]
    for model in models:
        story.append(_p(f"{model.card.pedigree}; card and predictions SHA-256 {model.sha256[:16]}"))
        story += [_p(warning, HEAD) for warning in model.warnings]
    limits = [_p(f"{m.card.title}: {text}") for m in models for text in m.card.limits]
    if limits:
        story += [_p("Limits", SECTION), *limits]
    for table in tables:
        story += [_p(table.title, SECTION), _grid(table), *(_p(note, CELL) for note in table.notes)]
    story += [PageBreak(), _p("Figures", SECTION), *_pictures(charts)]
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=PAGE,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=f"Evidence: {title}",
        author="Overread",
    )
    document.build(story, onFirstPage=_foot, onLaterPages=_foot)
    return out.getvalue()


def _p(text: str, style: ParagraphStyle = TEXT) -> Paragraph:
    # The standard fonts of PDF have no true minus, no arrows and no infinity sign.
    for sign, plain in (("−", "-"), ("∞", "infinite"), ("→", "to"), ("≥", ">="), ("≤", "<="), ("…", "...")):
        text = text.replace(sign, plain)
    return Paragraph(escape(text).replace("\n", "<br/>"), style)


def _foot(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.saveState()
    canvas.setFont("Helvetica", 7)
    canvas.drawString(MARGIN, 7 * mm, NOTICE)
    canvas.drawRightString(PAGE[0] - MARGIN, 7 * mm, f"page {document.page}")
    canvas.restoreState()


def _grid(table: Table) -> Grid:
    heads = [_p("95 % interval below", HEAD), *(_p(c.head, HEAD) for c in table.columns), _p("Rests on", HEAD)]
    lines: list[list[Flowable | str]] = [list(heads)]
    style: list[tuple[object, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.lightgrey),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    for place, row in enumerate(table.rows, 1):
        lines.append(_line(table, row))
        if row.kind == PUBLISHED:
            style.append(("SPAN", (1, place), (-1, place)))
    first, last = 0.22 * WIDTH, 0.11 * WIDTH
    rest = (WIDTH - first - last) / len(table.columns)
    return LongTable(lines, colWidths=[first, *([rest] * len(table.columns)), last], style=style, repeatRows=1)


def _line(table: Table, row: Row) -> list[Flowable | str]:
    if row.kind == PUBLISHED:
        return [_p(row.label, CELL), _p(row.note, CELL), *([""] * len(table.columns))]
    label = (
        row.label + (f"\nversion {row.version}" if row.kind == MODEL else "") + (f"\n{row.note}" if row.note else "")
    )
    counted = row.counted or table.counted
    told = [_figure(row.figures.get(c.key), c.digits, row.kind) for c in table.columns]
    cells = [_p(words.in_terms(one, counted), CELL) for one in told]
    groups = words.count(row.groups, counted)
    basis = f"n = {row.n:,}\n{groups}, {row.split}" if row.n else ""
    return [_p(label, CELL), *cells, _p(basis, CELL)]


def _figure(figure: Interval | None, digits: int, kind: str) -> str:
    if figure is None:
        return "-"
    below = interval(figure, digits) if kind == MODEL or figure.low != figure.high else ""
    if figure.method.startswith(SAID):
        below += "\n" + figure.method.split(" (")[0]
    return number(figure.value, digits) + (f"\n{below}" if below else "")


def _pictures(charts: Sequence[Chart]) -> list[Flowable]:
    """Two a row, each with its words below."""
    wide = WIDTH / 2 - 4 * mm
    drawn = [[_scaled(on_paper.drawing(chart), wide), _p(chart.alt, CELL)] for chart in charts]
    rows = [drawn[k : k + 2] + [[]] * (2 - len(drawn[k : k + 2])) for k in range(0, len(drawn), 2)]
    style = [("VALIGN", (0, 0), (-1, -1), "TOP")]
    return [KeepTogether([Grid([row], colWidths=[WIDTH / 2] * 2, style=style), Spacer(1, 4 * mm)]) for row in rows]


def _scaled(drawn: Drawing, width: float) -> Drawing:
    factor = width / drawn.width
    drawn.scale(factor, factor)
    drawn.width, drawn.height = width, drawn.height * factor
    return drawn
