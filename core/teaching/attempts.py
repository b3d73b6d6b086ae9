"""Answering a quiz: case after case in the learner's own order, each answer final, nothing lost by a reload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from sqlmodel import Session, col, delete, select

from core.errors import AlreadyLockedError, BlindingError, NotFoundError
from core.review.people import Action, acting, allowed
from core.review.store import Store
from core.review.tables import Attempt, Learner, Quiz, QuizAnswer, QuizDraft, QuizItem, StudyArm
from core.review.trail import record
from core.review.vocabulary import now
from core.teaching import repetition, studies
from core.teaching.given import Given, checked, located
from core.teaching.learners import found_learner
from core.teaching.quizzes import found_item, found_quiz
from core.teaching.rules import Purpose, Rules, Source, Stage, TeachingError, Verify
from core.teaching.telling import answers, images, known_by, told, untold

GRACE = 3.0  # seconds that an answer may come after the end of its time: it has to travel


@dataclass(frozen=True)
class Task:
    """What a learner is to answer next. Nothing in it tells the truth, or what a model says.

    Attributes:
        attempt, item: their numbers. quiz: its number.
        place, total: the how-manieth case of how many, from 1.
        system: by whose words it is answered. stage: which answer it takes now.
        content: what was filled in so far. started: when it was shown first, in UTC.
        hint: the teacher's; empty without one.
    """

    attempt: int
    item: int
    quiz: int
    place: int
    total: int
    system: str
    stage: Stage
    rules: Rules
    simulated: bool
    started: datetime
    hint: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)

    def seconds_left(self, at: datetime | None = None) -> float | None:
        """Of the time for this case; ``None`` without a limit."""
        if self.rules.seconds is None:
            return None
        return self.rules.seconds - ((at or now()) - self.started).total_seconds()


def begin(store: Store, learner_id: int, quiz_id: int, items: Sequence[int] | None = None) -> Attempt:
    """Begin a quiz, or go on with one that is not finished.

    Args:
        items: only these of its cases: those that came back. All of them by default.

    Raises:
        NotFoundError: no such quiz or learner.
        TeachingError: a guest of another class, or no case is left for this learner.
    """
    purpose = Purpose.QUIZ if items is None else Purpose.AGAIN
    with store.writing() as session:
        learner, quiz = found_learner(session, learner_id), found_quiz(session, quiz_id)
        if learner.quiz_id not in (None, quiz_id):
            raise TeachingError("This quiz is not your class's.", "Join it with its own code.")
        if session.exec(select(StudyArm).where(StudyArm.quiz_id == quiz_id)).first() is not None:
            raise TeachingError("These cases belong to a reader study.", "Begin its sessions from your page.")
        mine = select(Attempt).where(Attempt.learner_id == learner_id, Attempt.quiz_id == quiz_id)
        before = list(session.exec(mine.order_by(col(Attempt.number))))
        for attempt in before:
            if attempt.finished is None and attempt.purpose == purpose:
                return attempt
        rows = list(session.exec(select(QuizItem).where(QuizItem.quiz_id == quiz_id).order_by(col(QuizItem.position))))
        chosen = [row for row in rows if items is None or row.id in set(items)]
        # Told here, the truth of a case that waits in another quiz or study would be known there.
        elsewhere = images(session, untold(session, Learner.id == learner_id) | studies.held(session, learner_id))
        open_ones = [
            row.id or 0 for row in chosen if not _waits(session, store, learner, row) and not elsewhere & known_by(row)
        ]
        if not open_ones:
            raise TeachingError(
                "No case of this quiz is left for you.",
                "Those that wait for your own opinion, or in another quiz or study of yours, are read there first.",
            )
        number = len(before) + 1
        rules = Rules.of(quiz.rules)
        if rules.shuffle:
            order = np.random.default_rng([rules.seed, learner_id, number]).permutation(len(open_ones))
            open_ones = [open_ones[k] for k in order]
        made = Attempt(quiz_id=quiz_id, learner_id=learner_id, number=number, purpose=purpose.value, sequence=open_ones)
        session.add(made)
        session.flush()
        return made


def _waits(session: Session, store: Store, learner: Learner, item: QuizItem) -> bool:
    """Whether a case waits for the learner's blind opinion as second reader: there it is read first."""
    if learner.user is None or item.source != Source.CASE:
        return False
    if not allowed(acting(session, learner.user), Action.READ):
        return False
    return bool(store.hidden_by_content([str(item.details.get("content", ""))], learner.user))


def attempts(store: Store, learner_id: int) -> list[Attempt]:
    """A learner's own attempts, oldest first."""
    with store.reading() as session:
        found_learner(session, learner_id)
        return list(session.exec(select(Attempt).where(Attempt.learner_id == learner_id).order_by(col(Attempt.id))))


def attempt(store: Store, learner_id: int, attempt_id: int) -> Attempt:
    """One of the learner's own attempts. Raises ``NotFoundError`` for another's too."""
    with store.reading() as session:
        return own(session, learner_id, attempt_id)


def own(session: Session, learner_id: int, attempt_id: int) -> Attempt:
    """The same within a transaction."""
    found_learner(session, learner_id)
    found = session.get(Attempt, attempt_id)
    if found is None or found.learner_id != learner_id:
        raise NotFoundError("There is no such attempt of yours.", "Open the quiz again from your page.")
    return found


def task(store: Store, learner_id: int, attempt_id: int) -> Task | None:
    """The next case to answer; ``None`` when all are. Its clock begins with the first call."""
    with store.reading() as session:
        found = _next(session, own(session, learner_id, attempt_id))
        draft = None if found is None else _draft(session, attempt_id, *found)
    if found is None:
        return None
    if draft is None:
        with store.writing() as session:
            draft = _draft(session, attempt_id, *found)
            if draft is None:
                draft = QuizDraft(attempt_id=attempt_id, item_id=found[0], stage=found[1].value)
                session.add(draft)
                session.flush()
    with store.reading() as session:
        made = own(session, learner_id, attempt_id)
        item = found_item(session, found[0])
        rules = Rules.of(found_quiz(session, made.quiz_id).rules)
        return Task(
            attempt=attempt_id,
            item=found[0],
            quiz=made.quiz_id,
            place=made.sequence.index(found[0]) + 1,
            total=len(made.sequence),
            system=item.system,
            stage=found[1],
            rules=rules,
            simulated=item.simulated,
            started=draft.started,
            hint=item.hint,
            content=dict(draft.content),
        )


def save(store: Store, learner_id: int, now_at: Task, content: Mapping[str, Any]) -> None:
    """Keep what was filled in so far, so that a reload loses nothing; nothing happens once it is answered, or once its
    time is over."""
    with store.writing() as session:
        own(session, learner_id, now_at.attempt)
        draft = _draft(session, now_at.attempt, now_at.item, now_at.stage)
        left = now_at.seconds_left()
        if draft is not None and (left is None or left >= -GRACE):
            draft.content = dict(content)
            session.add(draft)


def answer(store: Store, learner_id: int, attempt_id: int, item_id: int, stage: Stage, given: Given) -> QuizAnswer:
    """Give the final answer on the case that is next. When this returns it survives a kill and a power cut.

    Raises:
        AlreadyLockedError: the case was answered before: that answer stands, and nothing is changed.
        BlindingError: another case is next.
        TeachingError: a class that the system does not know, or numbers out of range.
    """
    with store.reading() as session:
        made = own(session, learner_id, attempt_id)
        _may(session, made, item_id, stage)
        item = found_item(session, item_id)
        quiz = found_quiz(session, made.quiz_id)
    marks, outline = checked(item, given)
    where = located(store, item, given, marks, outline)
    with store.writing() as session:
        made = own(session, learner_id, attempt_id)
        _may(session, made, item_id, stage)
        draft = _draft(session, attempt_id, item_id, stage)
        at = now()
        started = draft.started if draft is not None else at
        seconds = (at - started).total_seconds()
        limit = Rules.of(quiz.rules).seconds
        row = QuizAnswer(
            attempt_id=attempt_id,
            item_id=item_id,
            stage=stage.value,
            finding=given.finding,
            label=given.label,
            confidence=given.confidence,
            marks=marks,
            outline=outline,
            hinted=given.hinted,
            late=given.finding is None or (limit is not None and seconds > limit + GRACE),
            found=where.found,
            distance=where.distance,
            unit=where.unit,
            false_marks=where.false_marks,
            dice=where.dice,
            started=started,
            locked_at=at,
            seconds=seconds,
        )
        learner = found_learner(session, learner_id)
        record(session, learner.user or 0, "quiz.answered", f"attempt:{attempt_id}", row, stage=stage.value)
        mine = (col(QuizDraft.attempt_id) == attempt_id, col(QuizDraft.item_id) == item_id)
        session.exec(delete(QuizDraft).where(*mine, col(QuizDraft.stage) == stage.value))
        if _next(session, made) is None:
            made.finished = at
            session.add(made)
        _schedule(session, made, quiz, item_id)
    return row


def _schedule(session: Session, made: Attempt, quiz: Quiz, item_id: int) -> None:
    """Note when cases come back, of those whose truth is told with this answer: what is due tells what was missed."""
    rules, given = Rules.of(quiz.rules), answers(session, made.id or 0)
    if rules.planted is not None:  # once it is told, the same AI deceives nobody
        return
    for item in made.sequence if rules.verify is Verify.AT_END else [item_id]:
        mine = [given[item, stage] for stage in rules.stages if (item, stage) in given]
        if told(made, rules, mine):
            repetition.note(session, made.learner_id, mine[0], found_item(session, item))


def _next(session: Session, made: Attempt) -> tuple[int, Stage] | None:
    given = answers(session, made.id or 0)
    stages = Rules.of(found_quiz(session, made.quiz_id).rules).stages
    return next(((item, stage) for item in made.sequence for stage in stages if (item, stage) not in given), None)


def _may(session: Session, made: Attempt, item_id: int, stage: Stage) -> None:
    if (item_id, stage) in answers(session, made.id or 0):
        raise AlreadyLockedError("You have answered this case already.", "Your first answer stands; go on.")
    if _next(session, made) != (item_id, stage):
        raise BlindingError("Another case comes first.", "Answer the cases in their order.")


def _draft(session: Session, attempt_id: int, item_id: int, stage: Stage) -> QuizDraft | None:
    query = select(QuizDraft).where(QuizDraft.attempt_id == attempt_id, QuizDraft.item_id == item_id)
    return session.exec(query.where(QuizDraft.stage == stage.value)).first()


def quiz_of(store: Store, learner_id: int, attempt_id: int) -> Quiz:
    """The quiz of one of the learner's own attempts."""
    with store.reading() as session:
        return found_quiz(session, own(session, learner_id, attempt_id).quiz_id)
