"""Reports on paper: one case, one archive."""

from core.reports.pdf.archive_pages import archive_pdf
from core.reports.pdf.case_pages import case_pdf

__all__ = ["archive_pdf", "case_pdf"]
