"""Answers with their truth, a row each: a learner's own, and all of a quiz for its teacher."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from core.csv_cells import rows_csv
from core.review.people import Action, acting
from core.review.store import Store
from core.review.tables import Attempt, Learner, Quiz, QuizAnswer, QuizItem, User
from core.review.vocabulary import stamp
from core.teaching.learners import found_learner, name_of
from core.teaching.quizzes import found_quiz, own_course
from core.teaching.rules import Rules, Stage
from core.teaching.scoring import points, probability, right
from core.teaching.telling import told

COLUMNS = (
    *("quiz", "learner", "attempt", "purpose", "case", "system", "stage", "truth", "true class", "answer", "class"),
    *("confidence", "right", "points", "mark on lesion", "distance", "unit", "false marks", "dice", "seconds"),
    *("late", "hint used", "answered at"),
)


@dataclass(frozen=True)
class Row:
    """One answer beside the truth. ``models``: whether the quiz shows what models say of its cases."""

    answer: QuizAnswer
    item: QuizItem
    attempt: Attempt
    quiz: str
    learner: int
    name: str
    models: bool = True

    @property
    def right(self) -> bool:
        """Whether finding, and class where there are several, are as in truth, in time."""
        return right(self.answer, self.item)

    @property
    def points(self) -> float:
        """0 to 100, see :func:`core.teaching.scoring.points`; 0 when it came too late."""
        return 0.0 if self.answer.late else points(self.answer.finding, self.answer.confidence, self.item.finding)

    @property
    def probability(self) -> float | None:
        """Of a finding, as stated; ``None`` where time ran out."""
        if self.answer.finding is None or self.answer.confidence is None:
            return None
        return probability(self.answer.finding, self.answer.confidence)

    @property
    def stage(self) -> Stage:
        """Alone, or with the models in sight."""
        return Stage(self.answer.stage)


def of_learner(store: Store, learner_id: int) -> list[Row]:
    """A learner's own answers whose truth has been told, oldest first."""
    with store.reading() as session:
        found_learner(session, learner_id)
        rows = _rows(session, Attempt.learner_id == learner_id)
        return [row for row in rows if _told(session, row, rows)]


def of_class(store: Store, learner_id: int) -> list[Row]:
    """Answers of all others on the cases whose truth this learner has been told, without who gave them: first attempts
    only, and learners are told apart by nothing but a number that means nothing."""
    mine = {row.item.id for row in of_learner(store, learner_id)}
    with store.reading() as session:
        rows = _rows(session, Attempt.learner_id != learner_id, Attempt.number == 1)
    places = {number: place for place, number in enumerate(sorted({row.learner for row in rows}))}
    return [replace(r, learner=places[r.learner], name="") for r in rows if r.item.id in mine]


def of_quiz(store: Store, actor: int, quiz_id: int) -> list[Row]:
    """All answers on a quiz, for its teacher, by learner and moment.

    Raises:
        NotAllowedError: the actor does not teach, or the quiz is another teacher's.
    """
    with store.reading() as session:
        acting(session, actor, Action.TEACH)
        own_course(session, actor, found_quiz(session, quiz_id).course_id)
        return sorted(_rows(session, Attempt.quiz_id == quiz_id), key=lambda row: (row.learner, row.answer.id or 0))


def csv(rows: Iterable[Row]) -> str:
    """Rows as a table."""
    return rows_csv(COLUMNS, (_cells(row) for row in rows))


def _cells(row: Row) -> dict[str, object]:
    a = row.answer
    said = "" if a.finding is None else "finding" if a.finding else "clear"
    values = (
        *(row.quiz, row.name, row.attempt.number, row.attempt.purpose, row.item.position + 1, row.item.system),
        # Where no model is ever shown, what was in sight of a second answer was planted.
        *(
            row.stage.in_words(planted=not row.models),
            "finding" if row.item.finding else "clear",
            row.item.label or "",
            said,
            a.label or "",
        ),
        *("" if a.confidence is None else a.confidence, int(row.right), round(row.points, 2)),
        *("" if a.found is None else int(a.found), "" if a.distance is None else round(a.distance, 2), a.unit),
        *(a.false_marks, "" if a.dice is None else round(a.dice, 4), round(a.seconds, 1), int(a.late), int(a.hinted)),
        stamp(a.locked_at),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _rows(session: Session, *where: object) -> list[Row]:
    query = (
        select(QuizAnswer, QuizItem, Attempt, Quiz, Learner)  # type: ignore[call-overload]
        .join(QuizItem, col(QuizAnswer.item_id) == col(QuizItem.id))
        .join(Attempt, col(QuizAnswer.attempt_id) == col(Attempt.id))
        .join(Quiz, col(Attempt.quiz_id) == col(Quiz.id))
        .join(Learner, col(Attempt.learner_id) == col(Learner.id))
        .where(*where)  # type: ignore[arg-type]
        .order_by(col(QuizAnswer.id))
    )
    names = {user.number or 0: user.name for user in session.exec(select(User))}
    return [
        Row(
            answer,
            item,
            attempt,
            quiz.title,
            learner.id or 0,
            name_of(learner, names),
            Rules.of(quiz.rules).asks_models,
        )
        for answer, item, attempt, quiz, learner in session.exec(query)
    ]


def _told(session: Session, row: Row, rows: list[Row]) -> bool:
    rules = Rules.of(found_quiz(session, row.attempt.quiz_id).rules)
    given = [one.answer for one in rows if one.attempt.id == row.attempt.id and one.item.id == row.item.id]
    return told(row.attempt, rules, given)
