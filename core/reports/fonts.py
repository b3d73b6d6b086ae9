"""Fonts of reports: DejaVu where it is found, for umlauts, Greek and Cyrillic; the built-in fonts elsewhere."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import matplotlib
from PIL import ImageFont
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

_NAMES = {"regular": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf"}
_REPLACED = {"▲": "^", "▽": "v", "×": "x", "−": "-", "≥": ">=", "…": "...", "→": "->"}


def _folders() -> tuple[Path, ...]:
    return (
        Path(matplotlib.get_data_path()) / "fonts" / "ttf",
        Path("/usr/share/fonts/truetype/dejavu"),
        Path("/usr/share/fonts/TTF"),
    )


@lru_cache(maxsize=1)
def font_files() -> tuple[Path, Path] | None:
    """Regular and bold DejaVu Sans, or ``None``."""
    for folder in _folders():
        regular, bold = (folder / name for name in _NAMES.values())
        if regular.is_file() and bold.is_file():
            return regular, bold
    return None


@lru_cache(maxsize=1)
def pdf_fonts() -> tuple[str, str]:
    """Names of the regular and bold font for a PDF, registered on first use."""
    files = font_files()
    if files is None:
        return "Helvetica", "Helvetica-Bold"
    pdfmetrics.registerFont(TTFont("DejaVu", str(files[0])))
    pdfmetrics.registerFont(TTFont("DejaVu-Bold", str(files[1])))
    pdfmetrics.registerFontFamily("DejaVu", normal="DejaVu", bold="DejaVu-Bold", italic="DejaVu", boldItalic="DejaVu")
    return "DejaVu", "DejaVu-Bold"


def printable(text: str) -> str:
    """Text with what the font cannot draw replaced; unchanged with DejaVu."""
    if font_files() is not None:
        return text
    for sign, instead in _REPLACED.items():
        text = text.replace(sign, instead)
    return text.encode("cp1252", "replace").decode("cp1252")


@lru_cache(maxsize=8)
def picture_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Font for words drawn into a picture."""
    files = font_files()
    return ImageFont.truetype(str(files[0]), size) if files else ImageFont.load_default(size)
