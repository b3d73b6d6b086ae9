"""The certificate, read back from the PDF: its figures are SciPy's and scikit-learn's; what is unfinished has none."""

from __future__ import annotations

import io
import re

import pytest
from pypdf import PdfReader
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss, roc_auc_score

from core.errors import NotFoundError
from core.reports.pdf.certificate import certificate_pdf
from core.review import Store
from core.review.vocabulary import now
from core.teaching import attempts, builtin, certificates, quizzes
from core.teaching.certificates import Certificate
from core.teaching.rules import Models, Rules, TeachingError
from tests.teaching import school

NAME = "Dr. Ägnes O'Neill <Жанна>"
SAID = ((True, 90), (True, 60), (True, 70), (False, 80))  # in the order of the cases


def _text(made: Certificate) -> str:
    pages = PdfReader(io.BytesIO(certificate_pdf(made, now()))).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def _answered(store: Store, quiz: int | None, who: int) -> int:
    attempt = school.begun(store, quiz, who)
    for finding, sure in SAID:
        for _ in school.next_task(store, who, attempt).rules.stages:
            school.say(store, who, attempt, finding, sure)
    return attempt


def _ends(successes: int, n: int) -> str:
    ends = binomtest(successes, n).proportion_ci(method="wilson")
    return f"{ends.low:.0%} to {ends.high:.0%}, n = {n}"


def test_a_quiz_is_certified_with_its_figures(sqlite_store: Store) -> None:
    quiz = school.quiz(sqlite_store, Rules(shuffle=False))
    who = school.learner(sqlite_store)
    attempt = _answered(sqlite_store, quiz.id, who)
    truth = [i.finding for i in quizzes.items_for(sqlite_store, school.teacher(sqlite_store), quiz.id or 0)]
    stated = [sure / 100 if finding else 1 - sure / 100 for finding, sure in SAID]
    right = sum(t is finding for t, (finding, _) in zip(truth, SAID, strict=True))
    text = _text(certificates.of_attempt(sqlite_store, who, attempt, f"  {NAME} "))
    for wanted in (
        NAME,
        "Course 7: Quiz",
        f"on {now().day} {now():%B %Y} (UTC), reading Brain MR.",
        "Simulated scans",
        f"Right {right / 4:.0%} {_ends(right, 4)} (Wilson)",
        f"AUC from confidence {roc_auc_score(truth, stated):.2f}",
        f"Brier score {brier_score_loss(truth, stated):.3f}",
        "Attempt 1 at this quiz. The truth after each case",
        "0 with a hint, 0 too late",
        "no qualification",
    ):
        assert wanted in text


def test_a_course_is_certified_when_all_of_it_is_finished(sqlite_store: Store) -> None:
    store, teacher = sqlite_store, school.teacher(sqlite_store)
    course = quizzes.add_course(store, teacher, "Whole course", "Look first.").id or 0
    two = [
        quizzes.add_quiz(store, teacher, course, title, builtin.simulated("brain-mr", school.LABELS, seed), rules)
        for title, seed, rules in (("One", 3, Rules()), ("Two", 4, Rules(models=Models.SECOND)))
    ]
    unlisted = quizzes.add_quiz(store, teacher, course, "Draft", builtin.simulated("brain-mr", ["tumour"], 5), Rules())
    quizzes.show_to_learners(store, teacher, unlisted.id or 0, False)
    who = school.learner(store)
    _answered(store, two[0].id, who)
    assert certificates.finished_courses(store, who) == []
    with pytest.raises(TeachingError, match="Finish all its quizzes"):
        certificates.of_course(store, who, course, NAME)
    _answered(store, two[1].id, who)
    _answered(store, two[0].id, who)  # once more: the first attempt counts
    assert certificates.finished_courses(store, who) == [course]
    made = certificates.of_course(store, who, course, NAME)
    assert [(p.quiz, p.number, p.cases) for p in made.parts] == [("One", 1, 4), ("Two", 1, 4)]
    assert made.figures.n == 8  # one answer a case, given alone
    text = _text(made)
    assert "Certificate of a finished course" in text
    assert "Draft" not in text
    assert all(f"{p.quiz} {now().day} {now():%B %Y} (UTC) {p.right} of 4" in text for p in made.parts)


def test_what_is_not_ones_own_or_not_finished_is_not_certified(sqlite_store: Store) -> None:
    quiz = school.quiz(sqlite_store, Rules(shuffle=False))
    ada, bo = school.learner(sqlite_store, "ada"), school.learner(sqlite_store, "bo")
    done = _answered(sqlite_store, quiz.id, ada)
    with pytest.raises(NotFoundError, match="no such attempt of yours"):
        certificates.of_attempt(sqlite_store, bo, done, NAME)
    for name in ("", " \n ", "x" * 81):
        with pytest.raises(TeachingError, match="Type a name of 1 to 80"):
            certificates.of_attempt(sqlite_store, ada, done, name)
    under_way = school.begun(sqlite_store, quiz.id, bo)
    with pytest.raises(TeachingError, match="Answer all its cases"):
        certificates.of_attempt(sqlite_store, bo, under_way, NAME)
    items = attempts.attempt(sqlite_store, ada, done).sequence[:1]
    again = attempts.begin(sqlite_store, ada, quiz.id or 0, items).id or 0
    school.say(sqlite_store, ada, again)
    with pytest.raises(TeachingError, match="finished quiz only"):
        certificates.of_attempt(sqlite_store, ada, again, NAME)
