"""The sheet of paper: fonts, styles, header and footer with page x of y, and small building blocks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image as Pillow
from PIL import ImageDraw
from reportlab import rl_config
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, Image, PageTemplate, Paragraph, Table, TableStyle

from core.reports.case import NOTICE
from core.reports.fonts import pdf_fonts, printable

# Pictures and fonts as the bytes that they are: written as text, in base 85, by Python, they take most of a report's
# time, and a quarter more room.
rl_config.useA85 = 0

INK = HexColor("#1c1c1c")
QUIET = HexColor("#5a5a5a")
LINE = HexColor("#c4c4c4")
ACCENT = HexColor("#2f6f8f")
MARGIN = 15 * mm
WIDTH = A4[0] - 2 * MARGIN


@lru_cache(maxsize=1)
def styles() -> dict[str, ParagraphStyle]:
    """Paragraph styles by name."""
    regular, bold = pdf_fonts()
    body = ParagraphStyle("body", fontName=regular, fontSize=8.5, leading=11.5, textColor=INK)
    return {
        "body": body,
        "strong": ParagraphStyle("strong", parent=body, fontName=bold),
        "lead": ParagraphStyle("lead", parent=body, fontName=bold, fontSize=11, leading=15),
        "title": ParagraphStyle("title", parent=body, fontName=bold, fontSize=16, leading=20, spaceAfter=2),
        "section": ParagraphStyle(
            "section",
            parent=body,
            fontName=bold,
            fontSize=10.5,
            leading=14,
            spaceBefore=9,
            spaceAfter=3,
            keepWithNext=1,
        ),
        "small": ParagraphStyle("small", parent=body, fontSize=7.2, leading=9.4, textColor=QUIET),
        "head": ParagraphStyle("head", parent=body, fontName=bold, fontSize=7.4, leading=9.4, textColor=QUIET),
        "number": ParagraphStyle("number", parent=body, alignment=TA_RIGHT),
        "notice": ParagraphStyle("notice", parent=body, fontName=bold, fontSize=8.5, leading=11.5),
    }


def words(text: str, style: str = "body") -> Paragraph:
    """A paragraph of plain text; signs that mean something to the typesetter are escaped."""
    return Paragraph(escape(printable(text)), styles()[style])


def section(text: str) -> Paragraph:
    """Heading of a section."""
    return words(text, "section")


def moment(when: datetime) -> str:
    """A moment in UTC, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def picture(pixels: Any, width: float) -> Image:
    """A picture ``(height, width, 3)`` at a width in points, with a thin edge: some are as white as the paper."""
    buffer = io.BytesIO()
    image = Pillow.fromarray(pixels)
    ImageDraw.Draw(image).rectangle([(0, 0), (image.width - 1, image.height - 1)], outline=(160, 160, 160))
    image.save(buffer, format="PNG", optimize=False)
    buffer.seek(0)
    return Image(buffer, width=width, height=width * image.height / image.width)


def grid(rows: Sequence[Sequence[Any]], widths: Sequence[float], *, head: bool = True) -> Table:
    """A table with thin lines; the head is repeated on every page it runs over."""
    cells = []
    for number, row in enumerate(rows):
        style = "head" if head and number == 0 else "body"
        cells.append([c if isinstance(c, (Flowable, list)) else words(str(c), style) for c in row])
    table = Table(cells, colWidths=list(widths), repeatRows=1 if head else 0)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
                ("TOPPADDING", (0, 0), (-1, -1), 2.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 5),
            ]
        )
    )
    return table


def boxed(content: Sequence[Flowable], colour: Color = INK) -> Table:
    """Content in a frame."""
    table = Table([[list(content)]], colWidths=[WIDTH])
    table.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 0.8, colour), ("TOPPADDING", (0, 0), (-1, -1), 4)]))
    return table


class _Numbered(Canvas):
    """A canvas that holds its pages back until their count is known."""

    def __init__(self, *args: Any, foot: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._foot = foot
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - the library's name
        """Keep the page."""
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write all pages with their number and the number of pages."""
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self._furnish(number, len(self._pages))
            super().showPage()
        super().save()

    def _furnish(self, number: int, count: int) -> None:
        regular, bold = pdf_fonts()
        top, bottom = A4[1] - 10 * mm, 9 * mm
        self.setFillColor(INK)
        self.setFont(bold, 7.5)
        self.drawString(MARGIN, top, "Overread")
        self.drawRightString(A4[0] - MARGIN, top, printable(NOTICE))
        self.setStrokeColor(LINE)
        self.setLineWidth(0.5)
        self.line(MARGIN, top - 4, A4[0] - MARGIN, top - 4)
        self.line(MARGIN, bottom + 9, A4[0] - MARGIN, bottom + 9)
        self.setFont(regular, 7)
        self.setFillColor(QUIET)
        self.drawString(MARGIN, bottom, printable(self._foot))
        self.drawRightString(A4[0] - MARGIN, bottom, f"Page {number} of {count}")


def build(story: list[Flowable], *, title: str, subject: str, foot: str, generated_at: datetime) -> bytes:
    """Typeset a story.

    Args:
        foot: line at the bottom of every page, left of the page number.
    """
    out = io.BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=16 * mm,
        bottomMargin=16 * mm,
        title=printable(title),
        subject=printable(subject),
        author="Overread",
        creator=f"Overread, {moment(generated_at)}",
        lang="en",
    )
    frame = Frame(MARGIN, 16 * mm, WIDTH, A4[1] - 32 * mm, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate("sheet", [frame]))
    document.build(story, canvasmaker=lambda *args, **kwargs: _Numbered(*args, foot=foot, **kwargs))
    return out.getvalue()
