"""What a reader study came to: how far its readers are, and the readings of those who are done, without their names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlmodel import Session, col, select

from core.csv_cells import rows_csv
from core.evidence.readings import COLUMNS, Readings
from core.review.store import Store
from core.review.tables import Learner, QuizAnswer, QuizItem, Study, StudyArm, StudyReader, User
from core.teaching.learners import name_of
from core.teaching.plans import Arm, Plan
from core.teaching.rules import Stage, TeachingError
from core.teaching.scoring import probability
from core.teaching.studies import attempts_of, own_study

TABLE = ("reader", "block", "session", "arm", "place", "case")


@dataclass(frozen=True)
class Progress:
    """A place of the assignment table.

    Attributes:
        place: from 0. block: from 0. name: who has taken it; empty while it is free.
        arms: in the order of this reader's sessions. done: sessions finished. answered: cases of the one under way.
        last: when the last session ended.
    """

    place: int
    block: int
    name: str
    arms: tuple[Arm, ...]
    done: int
    answered: int
    last: datetime | None


def progress(store: Store, actor: int, study_id: int) -> list[Progress]:
    """How far every place is.

    Raises:
        NotAllowedError: the study is another teacher's.
    """
    with store.reading() as session:
        study = own_study(session, actor, study_id)
        plan = Plan.of(study.plan)
        names = {user.number or 0: user.name for user in session.exec(select(User))}
        taken = {row.place: row.learner_id for row in _readers(session, study_id)}
        return [_place(session, study, plan, place, taken.get(place), names) for place in range(plan.readers)]


def _place(
    session: Session, study: Study, plan: Plan, place: int, learner_id: int | None, names: dict[int, str]
) -> Progress:
    mine = sorted((one for one in study.sessions if one["reader"] == place), key=lambda one: int(one["number"]))
    arms = tuple(plan.arms[int(one["arm"])] for one in mine)
    if learner_id is None:
        return Progress(place, int(mine[0]["block"]), "", arms, 0, 0, None)
    attempts = attempts_of(session, study.id or 0, learner_id)
    ended = [one.finished for one in attempts if one.finished is not None]
    open_ones = [one.id for one in attempts if one.finished is None]
    given = session.exec(select(QuizAnswer.item_id).where(col(QuizAnswer.attempt_id).in_(open_ones)).distinct())
    learner = session.exec(select(Learner).where(Learner.id == learner_id)).one()
    return Progress(
        place,
        int(mine[0]["block"]),
        name_of(learner, names),
        arms,
        len(ended),
        len(list(given)),
        max(ended, default=None),
    )


def readings(store: Store, actor: int, study_id: int) -> Readings:
    """Readings of the readers who are done: the stated probability of a finding, 0 to 1. Readers have numbers only.

    Raises:
        NotAllowedError: the study is another teacher's. TeachingError: nobody is done yet.
    """
    with store.reading() as session:
        study = own_study(session, actor, study_id)
        plan = Plan.of(study.plan)
        arms = session.exec(select(StudyArm).where(StudyArm.study_id == study_id).order_by(col(StudyArm.position)))
        quizzes = [arm.quiz_id for arm in arms]
        items = list(session.exec(select(QuizItem).where(col(QuizItem.quiz_id).in_(quizzes))))
        done = [
            row
            for row in _readers(session, study_id)
            if sum(one.finished is not None for one in attempts_of(session, study_id, row.learner_id)) == len(quizzes)
        ]
        if not done:
            raise TeachingError("No reader has finished every session yet.", "The analysis follows when two have.")
        position = {item.id or 0: item.position for item in items}
        of_quiz = {item.id or 0: item.quiz_id for item in items}
        truth = np.array(
            [item.finding for item in sorted(items, key=_by_position) if item.quiz_id == quizzes[0]], float
        )
        ratings = np.full((len(plan.compared), len(done), len(truth)), np.nan)
        for place, row in enumerate(done):
            numbers = [one.id for one in attempts_of(session, study_id, row.learner_id)]
            for given in session.exec(select(QuizAnswer).where(col(QuizAnswer.attempt_id).in_(numbers))):
                arm = _compared(plan, quizzes.index(of_quiz[given.item_id]), Stage(given.stage))
                if arm is not None and given.finding is not None and given.confidence is not None:
                    ratings[arm, place, position[given.item_id]] = probability(given.finding, given.confidence)
    names = tuple(f"Reader {row.place + 1}" for row in done)
    cases = tuple(f"Case {number + 1}" for number in range(len(truth)))
    read = ~np.isnan(ratings).all(axis=(0, 1))  # a block of which nobody is done has no readings
    kept = tuple(case for case, there in zip(cases, read, strict=True) if there)
    return Readings(tuple(map(str, plan.compared)), names, kept, truth[read], ratings[..., read])


def _compared(plan: Plan, position: int, stage: Stage) -> int | None:
    """Which compared arm an answer belongs to; ``None`` for first answers where another arm is the unaided one."""
    if plan.arms == (Arm.SECOND,):
        return 0 if stage is Stage.ALONE else 1
    return None if plan.arms[position] is Arm.SECOND and stage is Stage.ALONE else position


def csv(found: Readings) -> str:
    """Readings as ``overread readers compare`` takes them."""
    return rows_csv(
        COLUMNS,
        (
            dict(zip(COLUMNS, (reader, case, arm, int(found.truth[c]), found.ratings[a, r, c]), strict=True))
            for a, arm in enumerate(found.arms)
            for r, reader in enumerate(found.readers)
            for c, case in enumerate(found.cases)
            if np.isfinite(found.ratings[a, r, c])
        ),
    )


def assignment_csv(study: Study) -> str:
    """The assignment table, a row for each reading in its order; everything counted from 1."""
    plan = Plan.of(study.plan)
    rows = [
        (one["reader"] + 1, one["block"] + 1, one["number"], str(plan.arms[int(one["arm"])]), place, case + 1)
        for one in study.sessions
        for place, case in enumerate(one["cases"], 1)
    ]
    return rows_csv(TABLE, (dict(zip(TABLE, row, strict=True)) for row in rows))


def _by_position(item: QuizItem) -> int:
    return item.position


def _readers(session: Session, study_id: int) -> list[StudyReader]:
    query = select(StudyReader).where(StudyReader.study_id == study_id)
    return list(session.exec(query.order_by(col(StudyReader.place))))
