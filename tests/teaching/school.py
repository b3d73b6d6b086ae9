"""A small quiz of simulated scans, and people who answer it."""

from __future__ import annotations

from collections.abc import Sequence

from core.review import Role, Store
from core.review.tables import ItemScore, Quiz, QuizAnswer
from core.teaching import advice, attempts, builtin, learners, quizzes, studies
from core.teaching.attempts import Task
from core.teaching.given import Given
from core.teaching.plans import Arm, Plan
from core.teaching.rules import Models, Rules, Verify
from tests.review.casebook import person

SYSTEM = "brain-mr"
LABELS = ("tumour", "no tumour", "tumour", "no tumour")


def teacher(store: Store) -> int:
    """Number of the local user, who may do everything."""
    return store.local_user().number or 0


def quiz(store: Store, rules: Rules | None = None, labels: Sequence[str] = LABELS, seed: int = 7) -> Quiz:
    """A quiz of single slices."""
    course = quizzes.add_course(store, teacher(store), f"Course {seed}")
    drafts = builtin.simulated(SYSTEM, labels, seed, hint="Look twice.")
    return quizzes.add_quiz(store, teacher(store), course.id or 0, "Quiz", drafts, rules or Rules())


def short_course(store: Store) -> None:
    """The built-in course with one case a quiz: the first visit of a page need not draw dozens of scans."""
    course = quizzes.add_course(store, teacher(store), builtin.TITLE, builtin=builtin.KEY)
    for number, plan in enumerate(builtin.PLANS):
        drafts = builtin.simulated(SYSTEM, LABELS[:1], 90 + number)
        quizzes.add_quiz(store, teacher(store), course.id or 0, plan.title, drafts, plan.rules)


def learner(store: Store, name: str = "student") -> int:
    """Number of a learner who is a student with an account."""
    return learners.of_user(store, person(store, name, Role.STUDENT)).id or 0


def begun(store: Store, quiz_id: int | None, who: int) -> int:
    """Number of an attempt."""
    return attempts.begin(store, who, quiz_id or 0).id or 0


def next_task(store: Store, who: int, attempt: int) -> Task:
    """The next case, which there must be."""
    found = attempts.task(store, who, attempt)
    assert found is not None
    return found


def say(store: Store, who: int, attempt: int, finding: bool | None = True, confidence: int | None = 80) -> QuizAnswer:
    """Answer the next case."""
    now = next_task(store, who, attempt)
    label = None if finding is None else "tumour" if finding else "no tumour"
    return attempts.answer(store, who, attempt, now.item, now.stage, Given(finding, label, confidence))


def lesson(store: Store) -> None:
    """At least one row in every table of teaching."""
    made = quiz(store, labels=["no tumour", "no tumour"])
    who = learner(store)
    attempt = begun(store, made.id, who)
    given = say(store, who, attempt, finding=True)
    next_task(store, who, attempt)
    score = ItemScore(
        item_id=given.item_id, model="unet", title="U-Net", weights_sha256="a" * 64, finding=0.1 + 0.2, threshold=0.5
    )
    advice.keep(store, [score])
    quiz(store, Rules(models=Models.SECOND, verify=Verify.AT_END, planted=0.5), ["tumour", "no tumour"], 3)
    plan = Plan((Arm.SECOND,), readers=2)
    study = studies.make(store, teacher(store), "Study", builtin.simulated(SYSTEM, LABELS, 9), plan)
    studies.join(store, who, study.id or 0)
