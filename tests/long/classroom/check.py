"""What a class has left in the store: what everybody said, once, and figures that are scikit-learn's."""

from __future__ import annotations

import csv
import io

from sklearn.metrics import brier_score_loss, roc_auc_score

from core.review import Store
from core.review.trail import verify
from core.teaching import quizzes, results
from core.teaching.figures import by_learner, figures
from tests.long.classroom.plan import Student
from tests.teaching import school


def check(store: Store, quiz: int, class_: list[Student]) -> list[str]:
    """What does not agree: the export with what was said, the store's figures with scikit-learn's."""
    actor = school.teacher(store)
    truth = [item.finding for item in quizzes.items_for(store, actor, quiz)]
    rows = results.of_quiz(store, actor, quiz)
    told = list(csv.DictReader(io.StringIO(results.csv(rows))))
    wrong = [] if verify(store).ok else ["the audit trail is broken"]
    if len(told) != len(class_) * len(truth):
        wrong.append(f"{len(told)} answers instead of {len(class_) * len(truth)}")
    found = {mine[0].name: figures(mine, resamples=0) for mine in by_learner(rows).values()}
    for me in class_:
        mine = sorted((row for row in told if row["learner"] == me.name), key=lambda row: int(row["case"]))
        said = [(row["answer"] == "finding", int(row["confidence"])) for row in mine]
        stated = [sure / 100 if finding else 1 - sure / 100 for finding, sure in me.plan]
        own = found.get(me.name)
        if said != me.plan:
            wrong.append(f"{me.name} said {me.plan}, exported is {said}")
        elif own is None or own.auc is None or own.brier is None:
            wrong.append(f"{me.name} has no figures")
        elif (
            abs(own.auc.value - roc_auc_score(truth, stated)) + abs(own.brier - brier_score_loss(truth, stated)) > 1e-9
        ):
            wrong.append(f"{me.name}: AUC {own.auc.value}, Brier {own.brier} are not scikit-learn's")
    return wrong
