"""The handout on paper, read back: every case asked, the truth on pages of its own, only where wanted."""

from __future__ import annotations

import io

import numpy as np
import pytest
from pypdf import PdfReader

from core.reports.pdf.handout import HandoutCase, handout_pdf
from core.review.vocabulary import now


def _pages(answers: bool) -> list[str]:
    picture = np.zeros((64, 48, 3), np.uint8)
    cases = [
        HandoutCase(f"Case {n}", "Tumour or not?", f"truth-{n}", f"note-{n}", picture, picture) for n in range(1, 5)
    ]
    data = handout_pdf("Quiz A", "Goals.", cases, simulated=True, answers=answers, generated_at=now())
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


@pytest.mark.parametrize("answers", [True, False], ids=["with the truth", "without"])
def test_a_handout_asks_first_and_tells_afterwards(answers: bool) -> None:
    pages = _pages(answers)
    first = next((n for n, text in enumerate(pages) if "truth-" in text), len(pages))
    asked, told = "\n".join(pages[:first]), "\n".join(pages[first:])
    assert "Simulated scans" in pages[0]
    assert all(f"Case {n}" in asked for n in range(1, 5))
    assert "note-" not in asked
    assert all((f"truth-{n}" in told and f"note-{n}" in told) is answers for n in range(1, 5))
