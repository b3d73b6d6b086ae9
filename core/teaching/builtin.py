"""The course that the program brings along: simulated cases of four kinds, so that there is something to learn at once.

Every case is drawn by a computer from a seed, and says so.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.review.store import Store
from core.review.tables import Course
from core.simulate import DRAWINGS
from core.teaching import quizzes
from core.teaching.quizzes import ItemDraft
from core.teaching.rules import Models, Rules, Source, Verify

KEY = "simulated"
TITLE = "First steps on simulated scans"
GOALS = (
    "Read with a system, say what you see before anybody tells you, and learn how sure you may be. Every scan here is "
    "drawn by a computer: it trains the eye and the habit, not the knowledge of real disease."
)
_one_at_a_time = threading.Lock()
_USUAL = Rules()


@dataclass(frozen=True)
class Plan:
    """A built-in quiz: so many cases of each label, of which a share is hard to see."""

    system: str
    title: str
    goals: str
    hint: str
    counts: tuple[tuple[str, int], ...]
    seed: int
    slices: int = 1
    hard: float = 0.4
    rules: Rules = _USUAL


PLANS = (
    Plan(
        "brain-mr",
        "Brain MR: is there a tumour?",
        "Compare both halves of the brain; tell an infiltrating tumour from ventricles, sulci and shading.",
        "Compare the two halves: what has no partner on the other side?",
        (("no tumour", 5), ("tumour", 5)),
        41,
    ),
    Plan(
        "chest-ct",
        "Chest CT: malignant or not?",
        "Follow the vessels: a nodule is what does not go on. Lobulated or spiculated edges speak for malignancy, "
        "smooth and calcified ones against it.",
        "Go along the pleura and the vessels in both lungs. What is round and ends?",
        (("normal", 3), ("benign", 3), ("malignant", 6)),
        43,
    ),
    Plan(
        "pet",
        "FDG PET: which uptake is not normal?",
        "Know the normal uptake (brain, heart, kidneys, bladder, bowel) before you call anything else a focus.",
        "Name the normal organs from head to pelvis. What is left?",
        (("no cancer", 5), ("breast cancer", 3), ("prostate cancer", 2)),
        47,
        rules=Rules(models=Models.SECOND),
    ),
    Plan(
        "brain-mr",
        "Brain MR stacks: find it and mark it",
        "Scroll the whole stack, decide, and mark the middle of what you found. The truth comes at the end.",
        "Look at every slice once quickly, then slowly where the halves differ.",
        (("no tumour", 3), ("tumour", 3)),
        53,
        slices=8,
        rules=Rules(verify=Verify.AT_END),
    ),
)


def ensure(store: Store) -> Course:
    """The built-in course; made with its quizzes where it is not there yet.

    Systems that are not simulated in this program are left out.
    """
    with _one_at_a_time:
        course = next((one for one in quizzes.courses(store) if one.builtin == KEY), None)
        actor = store.local_user().number or 0
        if course is None:
            course = quizzes.add_course(store, actor, TITLE, GOALS, builtin=KEY)
        there = {one.quiz.title for one in quizzes.quizzes(store) if one.course.id == course.id}
        for plan in PLANS:
            if plan.title not in there and plan.system in DRAWINGS:
                quizzes.add_quiz(store, actor, course.id or 0, plan.title, drafts(plan), plan.rules, plan.goals)
        return course


def drafts(plan: Plan) -> list[ItemDraft]:
    """The cases of a plan in an order that tells nothing."""
    labels = [label for label, count in plan.counts for _ in range(count)]
    return simulated(plan.system, labels, plan.seed, hard=plan.hard, slices=plan.slices, hint=plan.hint)


def simulated(
    system: str, labels: Sequence[str], seed: int, *, hard: float = 0.4, slices: int = 1, hint: str = ""
) -> list[ItemDraft]:
    """Simulated cases of given labels.

    Args:
        labels: of the system's drawing, one a case. seed: of the scans, their order and which are hard.
        hard: share of the cases of each label that are hard to see, 0 to 1. slices: of each scan.
        hint: for all of them.
    """
    rng = np.random.default_rng([seed, len(labels)])
    chosen = []
    for label in dict.fromkeys(labels):
        count = sum(one == label for one in labels)
        chosen += [(label, k < round(hard * count)) for k in range(count)]
    order = rng.permutation(len(chosen))
    seeds = rng.integers(1, 2**31, len(chosen))
    return [
        ItemDraft(
            Source.SIMULATED,
            {"system": system, "seed": int(seeds[n]), "label": chosen[k][0], "hard": chosen[k][1], "slices": slices},
            hint=hint,
        )
        for n, k in enumerate(order)
    ]
