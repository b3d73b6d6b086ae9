"""The certificate of a finished quiz or course, under a name that the learner types."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.reports.pdf.certificate import certificate_pdf
from core.review import Store
from core.review.tables import Attempt
from core.review.vocabulary import now
from core.teaching import certificates
from core.teaching.certificates import LONGEST_NAME, Certificate
from core.teaching.rules import Purpose


def of_attempt(store: Store, learner: int, made: Attempt) -> None:
    """Offer that of a finished attempt; nothing for cases that came back."""
    if made.finished is not None and made.purpose == Purpose.QUIZ:
        _offer(f"quiz-{made.id}", partial(certificates.of_attempt, store, learner, made.id or 0))


def of_course(store: Store, learner: int, course: int) -> None:
    """Offer that of a finished course."""
    _offer(f"course-{course}", partial(certificates.of_course, store, learner, course))


def _offer(key: str, make: Callable[[str], Certificate]) -> None:
    with st.popover("Certificate", icon=":material/workspace_premium:"):
        name = st.text_input(
            "Name on the certificate", key=f"certificate-name-{key}", max_chars=LONGEST_NAME, help="Printed as typed."
        )

        def pdf() -> bytes:
            return certificate_pdf(make(name), now())

        st.download_button(
            "Certificate (PDF)",
            pdf,
            file_name=f"certificate-{key}.pdf",
            mime="application/pdf",
            icon=":material/picture_as_pdf:",
            on_click="ignore",
            disabled=not name.strip(),
            key=f"certificate-{key}",
        )
