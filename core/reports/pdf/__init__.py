"""Reports on paper: one case, one archive."""

from core.reports.pdf.case_pages import case_pdf

__all__ = ["case_pdf"]
