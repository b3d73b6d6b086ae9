"""Reader studies run as quizzes: who may read what when, nothing told between sessions, and the readings analysed."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from core.errors import BlindingError, NotAllowedError
from core.evidence.reader_analysis import analyse
from core.review import Role, Store
from core.review.tables import Attempt, Study
from core.review.trail import verify
from core.review.vocabulary import now
from core.teaching import (
    attempts,
    blinding,
    builtin,
    held,
    learners,
    quizzes,
    repetition,
    results,
    studies,
    study_outcome,
)
from core.teaching.attempts import Task
from core.teaching.given import Given
from core.teaching.material import material
from core.teaching.plans import Arm, Plan
from core.teaching.rules import Models, Stage, TeachingError
from tests.review.casebook import person
from tests.teaching import school

LABELS = ["tumour", "no tumour"] * 4
BOTH = (Arm.UNAIDED, Arm.CONCURRENT)
LATER = datetime.timedelta(days=29)


def made(store: Store, plan: Plan) -> Study:
    return studies.make(store, school.teacher(store), "Study", builtin.simulated(school.SYSTEM, LABELS, 5), plan)


def said(seed: int, task: Task, truth: bool) -> Given:
    """An answer that is mostly right, more often with the models in sight."""
    rng = np.random.default_rng([seed, task.item, task.stage == Stage.ADVISED])
    finding = truth if rng.random() < (0.9 if task.stage is Stage.ADVISED else 0.6) else not truth
    return Given(finding, None, int(rng.choice([50, 60, 70, 80, 90, 95, 100])))


def read(store: Store, who: int, attempt: Attempt, say: Callable[[int, Task, bool], Given] = said) -> list[Task]:
    """Answer a session to its end."""
    seen = []
    while (task := attempts.task(store, who, attempt.id or 0)) is not None:
        with store.reading() as session:
            truth = quizzes.found_item(session, task.item).finding
        attempts.answer(store, who, attempt.id or 0, task.item, task.stage, say(who, task, truth))
        seen.append(task)
    return seen


def all_read(store: Store, study: Study, readers: list[int]) -> None:
    for who in readers:
        studies.join(store, who, study.id or 0)
        for number in range(len(Plan.of(study.plan).arms)):
            read(store, who, studies.begin(store, who, study.id or 0, now() + number * LATER))


def test_a_crossed_study_from_joining_to_the_analysis(store: Store) -> None:
    study = made(store, Plan(BOTH, readers=2))
    readers = [school.learner(store, name) for name in ("ann", "bea")]
    firsts = set()
    for who in readers:
        studies.join(store, who, study.id or 0)
        studies.join(store, who, study.id or 0)  # twice is once
        session = studies.begin(store, who, study.id or 0)
        assert studies.begin(store, who, study.id or 0).id == session.id  # a reload goes on
        firsts.add({task.stage for task in read(store, who, session)}.pop())
        with pytest.raises(TeachingError, match="opens on"):
            studies.begin(store, who, study.id or 0)
        assert len(read(store, who, studies.begin(store, who, study.id or 0, now() + LATER))) == len(LABELS)
        with pytest.raises(TeachingError, match="No session"):
            studies.begin(store, who, study.id or 0, now() + 2 * LATER)
    assert firsts == {Stage.ALONE, Stage.ADVISED}  # one began unaided, the other with the models
    assert [one.done for one in study_outcome.progress(store, 1, study.id or 0)] == [2, 2]

    found = study_outcome.readings(store, 1, study.id or 0)
    assert (found.arms, found.readers) == (("unaided", "concurrent"), ("Reader 1", "Reader 2"))
    table = pd.read_csv(io.StringIO(study_outcome.csv(found)))
    assert len(table) == 2 * 2 * len(LABELS)
    analysed = analyse(found).studies[0]
    for (arm, reader), rows in table.groupby(["arm", "reader"]):
        area = analysed.figures[found.arms.index(str(arm)), found.readers.index(str(reader))]
        assert area == pytest.approx(roc_auc_score(rows["truth"], rows["rating"]))
    with pytest.raises(TeachingError, match="no more readers"):
        studies.join(store, school.learner(store, "cem"), study.id or 0)
    assert verify(store).ok, verify(store).reason


def test_a_split_plot_study_and_its_assignment_table(sqlite_store: Store) -> None:
    store = sqlite_store
    study = made(store, Plan(BOTH, readers=4, blocks=2, washout=0, seed=3))
    table = pd.read_csv(io.StringIO(study_outcome.assignment_csv(study)))
    assert len(table) == 4 * 2 * len(LABELS) // 2
    assert (table.groupby("case")["reader"].nunique() == 2).all()
    all_read(store, study, [school.learner(store, name) for name in ("ann", "bea", "cem", "dee")])
    found = study_outcome.readings(store, 1, study.id or 0)
    for reader in range(4):
        mine = {f"Case {case}" for case in table[table["reader"] == reader + 1]["case"]}
        assert {case for case, one in zip(found.cases, found.ratings[0, reader], strict=True) if one == one} == mine
    assert analyse(found).blocks == 2


def test_second_reader_alone_compares_its_two_answers(sqlite_store: Store) -> None:
    store = sqlite_store
    study = made(store, Plan((Arm.SECOND,), readers=2))

    def say(who: int, task: Task, truth: bool) -> Given:
        return Given(True, None, 90 if task.stage is Stage.ADVISED else 60)

    for name in ("ann", "bea"):
        who = school.learner(store, name)
        studies.join(store, who, study.id or 0)
        read(store, who, studies.begin(store, who, study.id or 0), say)
    found = study_outcome.readings(store, 1, study.id or 0)
    assert found.arms == ("unaided", "second reader")
    assert found.ratings.mean(axis=(1, 2)) == pytest.approx([0.6, 0.9])


def test_between_sessions_nothing_is_told_and_the_cases_are_held_back(sqlite_store: Store) -> None:
    store = sqlite_store
    study = made(store, Plan(BOTH, readers=2))
    user = person(store, "ann", Role.STUDENT)
    who = learners.of_user(store, user).id or 0
    seen = material(store, "simulated", builtin.simulated(school.SYSTEM, LABELS, 5)[0].place).study
    assert not held.in_quiz(store, user, seen)
    studies.join(store, who, study.id or 0)
    assert held.in_quiz(store, user, seen)
    session = studies.begin(store, who, study.id or 0)
    task = school.next_task(store, who, session.id or 0)
    assert task.rules.models is (Models.AT_ONCE if task.stage is Stage.ADVISED else Models.NEVER)
    assert blinding.models_allowed(store, who, session.id or 0, task.item) is (task.stage is Stage.ADVISED)
    read(store, who, session)
    with pytest.raises(BlindingError):
        blinding.truth(store, who, session.id or 0, task.item)
    assert results.of_learner(store, who) == []
    assert repetition.next_due(store, who) is None
    assert held.in_quiz(store, user, seen)  # the second session is still to come
    read(store, who, studies.begin(store, who, study.id or 0, now() + LATER))
    assert not held.in_quiz(store, user, seen)


def test_its_quizzes_are_begun_by_its_table_only(sqlite_store: Store) -> None:
    store = sqlite_store
    study, who = made(store, Plan(BOTH, readers=2)), school.learner(store)
    assert quizzes.quizzes(store) == []
    assert quizzes.courses(store) == []
    with pytest.raises(TeachingError, match="reader study"):
        attempts.begin(store, who, 1)
    with pytest.raises(TeachingError, match="not joined"):
        studies.begin(store, who, study.id or 0)
    other = person(store, "other", Role.TEACHER)
    for forbidden in (study_outcome.readings, study_outcome.progress, studies.close):
        with pytest.raises(NotAllowedError):
            forbidden(store, other, study.id or 0)
    with pytest.raises(TeachingError, match="No reader has finished"):
        study_outcome.readings(store, 1, study.id or 0)


def test_a_closed_study_takes_nobody_and_holds_nothing_back(sqlite_store: Store) -> None:
    store = sqlite_store
    study = made(store, Plan(BOTH, readers=2))
    user = person(store, "ann", Role.STUDENT)
    who = learners.of_user(store, user).id or 0
    studies.join(store, who, study.id or 0)
    studies.close(store, 1, study.id or 0)
    assert studies.offered(store, who) == []
    seen = material(store, "simulated", builtin.simulated(school.SYSTEM, LABELS, 5)[0].place).study
    assert not held.in_quiz(store, user, seen)
    with pytest.raises(TeachingError, match="No session"):
        studies.begin(store, who, study.id or 0)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"arms": (Arm.UNAIDED,), "readers": 3}, "compares arms"),
        ({"arms": (Arm.UNAIDED, Arm.UNAIDED), "readers": 3}, "compares arms"),
        ({"arms": BOTH, "readers": 1}, "2 to 100 readers"),
        ({"arms": BOTH, "readers": 3, "washout": -1}, "A pause"),
    ],
)
def test_a_plan_that_compares_nothing_is_told(plan: dict[str, object], message: str) -> None:
    with pytest.raises(TeachingError, match=message):
        Plan(**plan)  # type: ignore[arg-type]
