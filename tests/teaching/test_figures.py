"""A reader's figures and a class's, against scikit-learn, SciPy and pandas; the export says the same."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from core.review.tables import Attempt, QuizAnswer, QuizItem
from core.review.vocabulary import now
from core.teaching.figures import by_case, by_learner, figures, free_response
from core.teaching.results import Row, csv


def row(item: int, learner: int, truth: bool, finding: bool | None, confidence: int | None, **more: object) -> Row:
    answer = QuizAnswer(
        id=1000 * learner + item, attempt_id=learner, item_id=item, stage="alone", finding=finding,
        confidence=confidence, started=now(), seconds=float(item), **more,
    )  # fmt: skip
    kept = QuizItem(id=item, quiz_id=1, position=item, source="simulated", system="brain-mr", finding=truth)
    return Row(
        answer,
        kept,
        Attempt(id=learner, quiz_id=1, learner_id=learner, number=1, purpose="quiz"),
        "Q",
        learner,
        f"=L{learner}",
    )


@pytest.fixture(scope="module")
def school_year() -> list[Row]:
    """12 learners on 30 cases, of different skill."""
    rng = np.random.default_rng(4)
    truth = rng.random(30) < 0.4
    made = []
    for learner in range(1, 13):
        skill = rng.uniform(0.3, 2.5)
        for item in range(30):
            seen = skill * (1 if truth[item] else -1) + rng.normal(0, 1 + item / 20)
            sure = int(50 + 50 * min(abs(np.tanh(seen / 2)), 1.0))
            made.append(row(item, learner, bool(truth[item]), bool(seen > 0), sure))
    return made


def test_curves_and_figures_are_scikit_learns(school_year: list[Row]) -> None:
    for rows in by_learner(school_year).values():
        found = figures(rows, resamples=50)
        truth = [r.item.finding for r in rows]
        sure = [r.answer.confidence or 0 for r in rows]
        stated = [s / 100 if r.answer.finding else 1 - s / 100 for r, s in zip(rows, sure, strict=True)]
        decided = [bool(r.answer.finding) for r in rows]
        assert found.auc is not None
        assert found.curve is not None
        assert found.auc.value == pytest.approx(metrics.roc_auc_score(truth, stated))
        x, y, _ = metrics.roc_curve(truth, stated, drop_intermediate=False)
        np.testing.assert_allclose((found.curve.x, found.curve.y), (x, y))
        assert found.sensitivity.value == pytest.approx(metrics.recall_score(truth, decided))
        assert found.specificity.value == pytest.approx(metrics.recall_score(truth, decided, pos_label=False))
        assert found.brier == pytest.approx(metrics.brier_score_loss(truth, stated))
        assert found.points == pytest.approx(100 * (1 - metrics.brier_score_loss(truth, stated)))
        assert found.right.value == pytest.approx(metrics.accuracy_score(truth, decided))


def test_hardest_cases_and_discrimination_are_those_of_pandas(school_year: list[Row]) -> None:
    table = pd.DataFrame(
        [(r.learner, r.item.id, float(r.right)) for r in school_year], columns=["who", "case", "right"]
    )
    wide = table.pivot_table(index="who", columns="case", values="right")
    found = by_case(school_year)
    assert [one.right.value for one in found] == pytest.approx(sorted(wide.mean()))
    for one in found:
        rest = wide.drop(columns=one.item).mean(axis=1)
        if wide[one.item].nunique() > 1:
            assert one.discrimination == pytest.approx(wide[one.item].corr(rest))
        else:
            assert one.discrimination is None


def test_the_export_reads_back_as_the_same_answers(school_year: list[Row]) -> None:
    text = csv(school_year)
    read = pd.read_csv(io.StringIO(text))
    assert read["right"].tolist() == [int(r.right) for r in school_year]
    assert read["points"].tolist() == pytest.approx([r.points for r in school_year], abs=0.005)
    assert metrics.accuracy_score(read["truth"], read["answer"]) == pytest.approx(read["right"].mean())
    assert set(read["learner"].str[0]) == {"'"}  # a name that begins as a formula does is none


def test_only_the_first_answer_of_a_learner_counts(school_year: list[Row]) -> None:
    again = [row(3, 1, True, True, 100)]
    again[0].answer.id = 10**6
    assert by_case([*school_year, *again]) == by_case(school_year)


def test_free_response_worked_by_hand() -> None:
    mark = [{"kind": "point", "slice": 0, "x": 1, "y": 1}]
    rows = [
        row(1, 1, True, True, 90, marks=mark, found=True),
        row(2, 1, True, True, 70, marks=mark * 2, found=True, false_marks=1),
        row(3, 1, False, True, 70, marks=mark, false_marks=1),
        row(4, 1, True, False, 80),
        row(5, 1, False, False, 60),
    ]
    found = free_response(rows)
    assert found is not None
    # thresholds 0.9, 0.7, then the clear ones 0.4 and 0.2: 5 cases, 3 with a finding
    np.testing.assert_allclose(found.found, [0, 1 / 3, 2 / 3, 2 / 3, 2 / 3])
    np.testing.assert_allclose(found.false_marks, [0, 0, 2 / 5, 2 / 5, 2 / 5])
    assert free_response(rows[3:]) is None


def test_one_class_alone_has_no_curve_and_silence_counts_as_wrong() -> None:
    rows = [row(1, 1, True, True, 90), row(2, 1, True, None, None, late=True)]
    found = figures(rows)
    assert (found.n, found.auc, found.curve) == (1, None, None)
    assert found.right.value == 0.5
    assert found.specificity.n == 0
