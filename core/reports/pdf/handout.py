"""A handout of cases on paper: pictures with room to write, and on further pages the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, PageBreak, Spacer, Table, TableStyle

from core.reports.pdf.page import WIDTH, boxed, build, moment, picture, section, words

LINE = "_" * 52


@dataclass(frozen=True, eq=False)
class HandoutCase:
    """One case on paper.

    Attributes:
        title: "Case 3". question: what is asked. truth: the answer in words; note: the teacher's.
        plain, outlined: uint8 ``(height, width, 3)``: the picture as it is read, and with the truth.
    """

    title: str
    question: str
    truth: str
    note: str
    plain: np.ndarray
    outlined: np.ndarray


def handout_pdf(
    title: str, goals: str, cases: Sequence[HandoutCase], *, simulated: bool, answers: bool, generated_at: datetime
) -> bytes:
    """The handout as PDF, A4.

    Args:
        simulated: all cases are drawn by a computer: said on the first page.
        answers: with the truth on pages of its own, after the cases.
    """
    story: list[Flowable] = [words(title, "title")]
    if simulated:
        story += [boxed([words("Simulated scans: drawn by a computer, not patients.", "notice")]), Spacer(1, 2 * mm)]
    if goals:
        story += [words(goals), Spacer(1, 3 * mm)]
    story += [_asked(case) for case in cases]
    if answers:
        story += [PageBreak(), section("The truth")]
        story += [_told(case) for case in cases]
    foot = f"{title}, {len(cases)} cases, generated {moment(generated_at)}"
    return build(story, title=title, subject="Handout", foot=foot, generated_at=generated_at)


def _asked(case: HandoutCase) -> Flowable:
    side = 88 * mm
    asked = [
        words(case.title, "lead"),
        words(case.question),
        Spacer(1, 6 * mm),
        words("What I see:"),
        words(LINE, "small"),
        Spacer(1, 4 * mm),
        words("How sure (50 to 100 %):"),
        words(LINE, "small"),
        Spacer(1, 4 * mm),
        words("Mark the place in the picture.", "small"),
    ]
    return KeepTogether([_row(picture(case.plain, min(side, _fit(case.plain, side))), asked, side), Spacer(1, 5 * mm)])


def _told(case: HandoutCase) -> Flowable:
    side = 62 * mm
    told = [words(case.title, "lead"), words(case.truth, "strong")]
    if case.note:
        told.append(words(case.note))
    return KeepTogether(
        [_row(picture(case.outlined, min(side, _fit(case.outlined, side))), told, side), Spacer(1, 4 * mm)]
    )


def _fit(pixels: np.ndarray, side: float) -> float:
    """Width at which neither side is longer than ``side``."""
    height, width = pixels.shape[:2]
    return side * min(1.0, width / height)


def _row(left: Flowable, right: list[Flowable], side: float) -> Table:
    table = Table([[left, right]], colWidths=[side + 4 * mm, WIDTH - side - 4 * mm])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return table
