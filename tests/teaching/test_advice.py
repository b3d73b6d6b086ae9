"""What models said beside what learners said, against scikit-learn and by hand; a quiz without models tells nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics
from sqlmodel import select

from core.engine.engine import Engine
from core.review.store import Store
from core.review.tables import ItemScore, QuizAnswer, QuizItem
from core.teaching import advice, results
from core.teaching.rules import Models, Rules
from core.teaching.scoring import right
from tests.engine import installed
from tests.teaching import school

LABELS = ["tumour", "no tumour", "tumour", "no tumour", "tumour", "no tumour"]
SAID = [0.9, 0.4, 0.3, 0.6, 0.8, 0.1]


def answered(store: Store, models: Models) -> list[results.Row]:
    quiz = school.quiz(store, Rules(shuffle=False, models=models), LABELS)
    who = school.learner(store)
    attempt = school.begun(store, quiz.id, who)
    for _ in LABELS:
        school.say(store, who, attempt)
        if models is Models.SECOND:
            school.say(store, who, attempt, finding=False)
    rows = results.of_learner(store, who)
    with store.writing() as session:
        for item, said in zip(sorted({row.item.id or 0 for row in rows}), SAID, strict=True):
            for title in ("One", "Two"):
                session.add(score(item, title, said if title == "One" else 0.0))
    return rows


def score(item: int, title: str, finding: float, version: str = "1") -> ItemScore:
    return ItemScore(
        item_id=item,
        model=title.lower(),
        title=title,
        weights_sha256="0" * 64,
        version=version,
        finding=finding,
        threshold=0.5 if title == "One" else 0.0,
    )


def test_another_version_of_the_weights_is_kept_beside_and_the_newest_is_told(store: Store) -> None:
    rows = answered(store, Models.WITH_TRUTH)
    item = min(row.item.id or 0 for row in rows)
    advice.keep(store, [score(item, "One", 0.7, "1"), score(item, "One", 0.2, "2"), score(item, "One", 0.6, "2")])
    assert [advice.scores(store, rows)["One"][item].finding] == [0.2]  # what is kept already stays
    with store.reading() as session:
        kept = session.exec(select(ItemScore).where(ItemScore.item_id == item, ItemScore.model == "one")).all()
    assert [(one.version, one.finding) for one in kept] == [("1", SAID[0]), ("2", 0.2)]


def test_curves_are_those_of_scikit_learn(store: Store) -> None:
    rows = answered(store, Models.WITH_TRUTH)
    said = advice.scores(store, rows)
    found = advice.curves(said, rows)["One"]
    truth = [row.item.finding for row in sorted(rows, key=lambda row: row.item.id or 0)]
    wanted = metrics.roc_auc_score(truth, SAID)
    assert metrics.auc(found.x, found.y) == pytest.approx(wanted)


def test_a_tie_is_no_finding(store: Store) -> None:
    # Two says finding of every case; One of the first, fourth and fifth: only there both do.
    assert list(advice.majority(advice.scores(store, answered(store, Models.WITH_TRUTH))).values()) == [
        said >= 0.5 for said in SAID
    ]


def test_a_quiz_that_never_shows_models_shows_none_in_its_curves(store: Store) -> None:
    rows = answered(store, Models.NEVER)
    said = advice.scores(store, rows)
    assert said == {}
    assert advice.curves(said, rows) == {}
    assert advice.majority(said) == {}


def test_who_followed_whom(store: Store) -> None:
    """Finding before and clear after, on every case: a tumour is lost, and by following where the models say clear."""
    rows = answered(store, Models.SECOND)
    truth = [row.item.finding for row in sorted(rows, key=lambda row: row.item.id or 0) if row.stage == "alone"]
    followed = sum(tumour and said < 0.5 for tumour, said in zip(truth, SAID, strict=True))
    found = advice.reliance(rows, advice.majority(advice.scores(store, rows)))
    assert found is not None
    one, cases = found
    assert cases == 6
    assert followed > 0
    assert (one.gained, one.lost, one.followed) == (truth.count(False), truth.count(True), followed)


@pytest.mark.parametrize(
    ("finding", "label", "known", "late", "good"),
    [
        (True, "tumour", "tumour", False, True),
        (True, "tumour", None, False, True),  # no class is known: none can be wrong
        (True, None, "tumour", False, True),
        (True, "other", "tumour", False, False),
        (False, None, "tumour", False, False),
        (True, "tumour", "tumour", True, False),
        (None, None, None, False, False),
    ],
)
def test_right_is_one_thing_everywhere(
    finding: bool | None, label: str | None, known: str | None, late: bool, good: bool
) -> None:
    answer = QuizAnswer(finding=finding, label=label, late=late)
    assert right(answer, QuizItem(finding=True, label=known)) is good


def test_of_slices_that_failed_none_is_the_highest(tmp_path: Path) -> None:
    """Slice 2 of three has no answer: the highest of the others is kept, not the first that was answered."""
    installed.install(tmp_path, "brain-mr", "resnet50", "resnet18")
    review = Engine(tmp_path, programs=tmp_path).review(installed.study(installed.scan(slices=3)), "brain-mr")
    result = next(one for one in review.ready if one.state.name == "resnet50")
    finding = np.array([0.2, np.nan, 0.7])
    (kept,) = advice.of_review(4, replace(review, results=(replace(result, finding=finding),)))
    assert (kept.item_id, kept.slice_index, kept.finding) == (4, 2, pytest.approx(0.7))
    assert result.state.card is not None
    assert (kept.weights_sha256, kept.version) == result.state.card.identity
