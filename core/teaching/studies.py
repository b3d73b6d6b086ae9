"""Reader studies, run as quizzes: made, joined, and read session after session with a pause between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from core.errors import NotAllowedError, NotFoundError
from core.review.cases import clean
from core.review.people import Action, acting
from core.review.store import Store
from core.review.tables import Attempt, Course, Learner, Quiz, QuizItem, Study, StudyArm, StudyReader
from core.review.trail import append, decide
from core.review.vocabulary import now
from core.statistics.multireader import assignment
from core.teaching.learners import found_learner
from core.teaching.material import material
from core.teaching.plans import Arm, Plan
from core.teaching.quizzes import MOST_ITEMS, ItemDraft, item_row
from core.teaching.rules import Models, Purpose, Rules, TeachingError, Verify
from core.teaching.telling import images, untold

_MODELS: Mapping[Arm, Models] = {
    Arm.UNAIDED: Models.NEVER,
    Arm.SECOND: Models.SECOND,
    Arm.CONCURRENT: Models.AT_ONCE,
}


@dataclass(frozen=True)
class Standing:
    """How far a reader is.

    Attributes:
        place: in the assignment table, from 0; ``None`` for who has not joined.
        done, total: sessions. cases: of the next session, or of the first one.
        attempt: a session under way. opens: when the next one may begin; ``None``: at once, or none is left.
    """

    study: Study
    place: int | None
    done: int
    total: int
    cases: int
    attempt: int | None = None
    opens: datetime | None = None


def make(store: Store, actor: int, title: str, items: Sequence[ItemDraft], plan: Plan) -> Study:
    """Make a study. Every case is read once, so that its truth is known and kept from here on.

    Raises:
        NotAllowedError: the actor does not teach.
        OverreadError: no title, a case whose truth is not known, or too few cases or readers for the plan.
    """
    title = clean(title).strip()
    if not title or not items or len(items) > MOST_ITEMS:
        raise TeachingError(f"A study needs a title and 1 to {MOST_ITEMS} cases.", "Give it both.")
    with store.reading() as session:
        acting(session, actor, Action.TEACH)
    rows: list[list[QuizItem]] = [[] for _ in plan.arms]
    for number, draft in enumerate(items):
        found = material(store, draft.source, draft.place)
        for own in rows:
            own.append(item_row(number, ItemDraft(draft.source, draft.place), found))
    truth = [int(row.finding) for row in rows[0]]
    table = assignment.assign(truth, len(plan.arms), plan.readers, plan.blocks, plan.seed)
    with store.writing() as session:
        acting(session, actor, Action.TEACH)
        study = Study(title=title, owner=actor, plan=plan.as_json(), sessions=[_kept(one) for one in table])
        course = Course(title=title, owner=actor)
        session.add_all([study, course])
        session.flush()
        made: list[StudyArm] = []
        for position, (arm, own) in enumerate(zip(plan.arms, rows, strict=True)):
            rules = Rules(shuffle=False, verify=Verify.NEVER, models=_MODELS[arm])
            quiz = Quiz(course_id=course.id or 0, title=f"{title}: {arm}", rules=rules.as_json(), listed=False)
            session.add(quiz)
            session.flush()
            for row in own:
                row.quiz_id = quiz.id or 0
            made.append(StudyArm(study_id=study.id or 0, position=position, arm=str(arm), quiz_id=quiz.id or 0))
        every = [row for own in rows for row in own]
        decide(session, actor, "study.made", f"study:{study.id}", study, *made, *every, cases=len(items))
        return study


def _kept(one: assignment.Session) -> dict[str, Any]:
    return asdict(one) | {"cases": list(one.cases)}


def studies(store: Store, actor: int) -> list[Study]:
    """The actor's studies, in the order they were made."""
    with store.reading() as session:
        acting(session, actor, Action.TEACH)
        return list(session.exec(select(Study).where(Study.owner == actor).order_by(col(Study.id))))


def close(store: Store, actor: int, study_id: int) -> None:
    """Let nobody join or begin a session any more; its cases are no longer held back from its readers.

    Raises:
        NotAllowedError: the study is another's.
    """
    with store.writing() as session:
        study = own_study(session, actor, study_id)
        if study.closed is None:
            study.closed = now()
            session.add(study)
            append(session, actor, "study.closed", f"study:{study_id}", {})


def own_study(session: Session, actor: int, study_id: int) -> Study:
    """A study of the actor's own. Raises ``NotAllowedError`` for another's, ``NotFoundError`` for none."""
    acting(session, actor, Action.TEACH)
    study = _found(session, study_id)
    if study.owner != actor:
        raise NotAllowedError("This study belongs to another teacher.", "Make one of your own.")
    return study


def offered(store: Store, learner_id: int) -> list[Standing]:
    """The studies that a learner reads in, or may still join."""
    with store.reading() as session:
        if found_learner(session, learner_id).user is None:
            return []
        open_ones = session.exec(select(Study).where(col(Study.closed).is_(None)).order_by(col(Study.id)))
        standings = [_standing(session, study, learner_id) for study in open_ones]
        return [one for one in standings if one.place is not None or _free(session, one.study) is not None]


def join(store: Store, learner_id: int, study_id: int) -> None:
    """Take the next free place of a study; who has one keeps it.

    Raises:
        TeachingError: it is full or closed, the learner is a guest of a class, or has begun a quiz of the same cases.
    """
    with store.writing() as session:
        learner, study = found_learner(session, learner_id), _found(session, study_id)
        if _standing(session, study, learner_id).place is not None:
            return
        place = _free(session, study)
        if learner.user is None or study.closed is not None or place is None:
            raise TeachingError(
                "This study takes no more readers, and none without an account.", "Ask the teacher who made it."
            )
        if images(session, untold(session, Learner.id == learner_id)) & images(session, _items(session, study_id)):
            raise TeachingError(
                "Cases of this study wait for your answer in a quiz that you have begun: it would tell their truth.",
                "Finish that quiz first.",
            )
        row = StudyReader(study_id=study_id, place=place, learner_id=learner_id)
        decide(session, learner.user, "study.joined", f"study:{study_id}", row, place=place)


def begin(store: Store, learner_id: int, study_id: int, at: datetime | None = None) -> Attempt:
    """Begin the next session, or go on with the one under way.

    Args:
        at: now, by default.

    Raises:
        TeachingError: the study is closed, the pause is not over, all sessions are done, or the learner has not joined.
    """
    with store.writing() as session:
        study = _found(session, study_id)
        stands = _standing(session, study, learner_id)
        if stands.attempt is not None:
            return session.exec(select(Attempt).where(Attempt.id == stands.attempt)).one()
        if stands.place is None:
            raise TeachingError("You have not joined this study.", "Take part in it first.")
        if study.closed is not None or stands.done == stands.total:
            raise TeachingError("No session of this study is left for you.", "Thank you for reading.")
        if stands.opens is not None and (at or now()) < stands.opens:
            raise TeachingError(
                f"Your next session opens on {stands.opens:%Y-%m-%d %H:%M} UTC.",
                "The pause lets you forget the cases: come back then.",
            )
        mine = _sessions(study, stands.place)[stands.done]
        arms = session.exec(select(StudyArm).where(StudyArm.study_id == study_id).order_by(col(StudyArm.position)))
        quiz = list(arms)[int(mine["arm"])].quiz_id
        query = select(QuizItem.id, QuizItem.position).where(QuizItem.quiz_id == quiz)
        items = {position: number for number, position in session.exec(query)}
        made = Attempt(
            quiz_id=quiz,
            learner_id=learner_id,
            number=1,
            purpose=Purpose.STUDY.value,
            sequence=[items[case] or 0 for case in mine["cases"]],
        )
        session.add(made)
        session.flush()
        return made


def held(session: Session, learner_id: int) -> set[int]:
    """Cases of open studies that a reader is still to read in some session: held back everywhere else."""
    found: set[int] = set()
    query = select(Study).join(StudyReader, col(StudyReader.study_id) == col(Study.id))
    for study in session.exec(query.where(StudyReader.learner_id == learner_id, col(Study.closed).is_(None))):
        stands = _standing(session, study, learner_id)
        if stands.done < stands.total:
            found |= _items(session, study.id or 0)
    return found


def _items(session: Session, study_id: int) -> set[int]:
    """The cases of a study, as its first arm has them."""
    first = select(StudyArm.quiz_id).where(StudyArm.study_id == study_id, StudyArm.position == 0)
    return {row or 0 for row in session.exec(select(QuizItem.id).where(col(QuizItem.quiz_id).in_(first)))}


def attempts_of(session: Session, study_id: int, learner_id: int) -> list[Attempt]:
    """A reader's sessions so far, oldest first."""
    query = select(Attempt).join(StudyArm, col(StudyArm.quiz_id) == col(Attempt.quiz_id))
    query = query.where(StudyArm.study_id == study_id, Attempt.learner_id == learner_id)
    return list(session.exec(query.order_by(col(Attempt.id))))


def _standing(session: Session, study: Study, learner_id: int) -> Standing:
    query = select(StudyReader).where(StudyReader.study_id == study.id, StudyReader.learner_id == learner_id)
    row = session.exec(query).first()
    plan = Plan.of(study.plan)
    place = None if row is None else row.place
    sessions = _sessions(study, place or 0)
    if row is None:
        return Standing(study, None, 0, len(plan.arms), len(sessions[0]["cases"]))
    mine = attempts_of(session, study.id or 0, learner_id)
    ended = [one.finished for one in mine if one.finished is not None]
    open_ones = [one.id for one in mine if one.finished is None]
    cases = len(sessions[min(len(ended), len(sessions) - 1)]["cases"])
    opens = None
    if ended and len(ended) < len(plan.arms) and not open_ones:
        opens = max(ended) + timedelta(days=plan.washout)
    return Standing(study, place, len(ended), len(plan.arms), cases, open_ones[0] if open_ones else None, opens)


def _sessions(study: Study, place: int) -> list[dict[str, Any]]:
    return sorted((one for one in study.sessions if one["reader"] == place), key=lambda one: int(one["number"]))


def _free(session: Session, study: Study) -> int | None:
    taken = session.exec(select(func.count()).select_from(StudyReader).where(StudyReader.study_id == study.id)).one()
    return taken if taken < Plan.of(study.plan).readers else None


def _found(session: Session, study_id: int) -> Study:
    study = session.get(Study, study_id)
    if study is None:
        raise NotFoundError(f"There is no study {study_id}.", "Choose one from the list.")
    return study
