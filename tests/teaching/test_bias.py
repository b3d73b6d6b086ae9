"""The automation-bias laboratory: what is planted, who sees it when, and that a known reliance is found again."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from core.errors import BlindingError
from core.evidence.readers import app
from core.review import Store
from core.review.tables import ItemScore, Quiz
from core.review.trail import verify
from core.teaching import advice, attempts, bias, blinding, planted, quizzes, repetition, results
from core.teaching.given import Given
from core.teaching.rules import Models, Rules, Stage, TeachingError, Verify
from tests.teaching import school

LABELS = ["tumour", "no tumour"] * 10


def rules(share: float = 0.3, seed: int = 5) -> Rules:
    return Rules(models=Models.SECOND, verify=Verify.AT_END, planted=share, seed=seed)


def read(store: Store, quiz: Quiz, name: str, reliance: float, seed: int = 0) -> int:
    """Somebody who is right in four of five cases alone, and comes over to the AI with a known probability."""
    who = school.learner(store, name)
    attempt = school.begun(store, quiz.id, who)
    rng = np.random.default_rng([seed, who])
    first = False
    while (task := attempts.task(store, who, attempt)) is not None:
        with store.reading() as session:
            truth = quizzes.found_item(session, task.item).finding
        if task.stage is Stage.ALONE:
            first = truth if task.place % 5 else not truth
            said = first
        else:
            shown = blinding.planted_answer(store, who, attempt, task.item)
            assert shown is not None
            said = shown.finding if rng.random() < reliance else first
        attempts.answer(store, who, attempt, task.item, task.stage, Given(said, None, 80))
    return who


def test_what_is_planted(store: Store) -> None:
    quiz = school.quiz(store, rules(), LABELS)
    items = {item.id: item for item in quizzes.items_for(store, school.teacher(store), quiz.id or 0)}
    with store.reading() as session:
        table = pd.read_sql(text("SELECT * FROM planted_answers"), session.connection())
    assert len(table) == 20
    table["truth"] = [items[number].finding for number in table["item_id"]]
    wrong = table[table["finding"].astype(bool) != table["truth"]]
    assert wrong["truth"].value_counts().to_dict() == {True: 3, False: 3}
    sure = np.where(table["finding"], table["probability"], 1 - table["probability"])
    assert sure.min() >= 0.6
    assert sure.max() <= 0.97
    assert verify(store).ok
    with store.writing() as session:
        session.connection().execute(text("UPDATE planted_answers SET probability = 0.5 WHERE id = 1"))
    assert "planted_answers row 1" in verify(store).reason


def test_it_is_shown_after_the_first_answer_and_told_at_the_end_only(sqlite_store: Store) -> None:
    store = sqlite_store
    quiz, who = school.quiz(store, rules(0.5), ["tumour", "no tumour"]), school.learner(store)
    attempt = school.begun(store, quiz.id, who)
    task = school.next_task(store, who, attempt)
    with pytest.raises(BlindingError):
        blinding.planted_answer(store, who, attempt, task.item)
    school.say(store, who, attempt)
    assert blinding.planted_answer(store, who, attempt, task.item) is not None
    assert not blinding.models_allowed(store, who, attempt, task.item)  # the models' own answers never come
    assert "made" not in quiz.goals + rules().in_words
    assert "planted" not in rules().in_words
    school.say(store, who, attempt)
    with pytest.raises(BlindingError):
        blinding.truth(store, who, attempt, task.item)
    school.say(store, who, attempt)
    school.say(store, who, attempt)
    shown = blinding.truth(store, who, attempt, task.item)
    assert shown.planted is not None
    assert not shown.models
    assert repetition.next_due(store, who) is None


def test_it_enters_no_figure_of_a_model(sqlite_store: Store) -> None:
    store = sqlite_store
    quiz = school.quiz(store, rules(), LABELS[:4])
    who = read(store, quiz, "ann", 0.5)
    rows = results.of_learner(store, who)
    assert len(rows) == 8
    stages = pd.read_csv(io.StringIO(results.csv(rows)))["stage"]
    assert stages.value_counts().to_dict() == {"alone": 4, "with the planted AI": 4}  # no model's name on it
    score = ItemScore(
        item_id=rows[0].item.id or 0, model="unet", title="U-Net", weights_sha256="a" * 64, finding=0.9, threshold=0.5
    )
    advice.keep(store, [score])  # as if a model had been asked about the same case elsewhere
    assert advice.scores(store, rows) == {}


def test_a_known_reliance_is_recovered_and_who_is_harmed_is_marked(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    quiz = school.quiz(store, rules(0.7, seed=3), LABELS)
    known = {"ann": 0.0, "bea": 0.5, "cem": 1.0}
    for name, reliance in known.items():
        read(store, quiz, name, reliance, seed=4)
    late = school.learner(store, "dee")  # begun, not finished: does not count
    school.begun(store, quiz.id, late)
    school.say(store, late, 4)
    rows = results.of_quiz(store, 1, quiz.id or 0)
    found = bias.laboratory(rows, planted.said(store, [row.item.id for row in rows]))
    assert found is not None
    assert found.names == ("ann", "bea", "cem")
    assert len(found.wrong) == 14
    for name, reader in zip(found.names, found.found.readers, strict=True):
        taken_ones = [taken for taken in (reader.taken_right, reader.taken_wrong) if taken.n]
        assert taken_ones
        for taken in taken_ones:
            assert taken.low <= known[name] <= taken.high
    ann, _, cem = found.found.readers
    assert (ann.harmed, cem.harmed) == (False, True)
    # Right alone in four of five: on average half of those are given up to a wrong AI, half of the others mended.
    assert found.found.wrong is not None
    assert found.found.wrong.low <= -0.4 <= found.found.wrong.high
    assert found.found.right is not None
    assert found.found.right.low <= 0.1 <= found.found.right.high

    table = pd.read_csv(io.StringIO(bias.csv(found)))
    spoilt = table[(table["reader"] == 3) & (table["arm"] != "alone")]
    assert (spoilt["decision"] == spoilt["ai"]).all()  # cem says what the AI says
    path = tmp_path / "decisions.csv"
    path.write_text(bias.csv(found), encoding="utf-8")
    told = CliRunner().invoke(app, ["advice", str(path)]).output
    assert "3 readers, 20 cases, advice wrong in 14" in told
    assert told.count("HARMED") == sum(reader.harmed for reader in found.found.readers)


def test_later_attempts_do_not_count(sqlite_store: Store) -> None:
    store = sqlite_store
    quiz = school.quiz(store, rules(0.5), ["tumour", "no tumour", "tumour", "no tumour"])
    who = read(store, quiz, "ann", 1.0)
    rows = results.of_quiz(store, 1, quiz.id or 0)
    before = bias.laboratory(rows, planted.said(store, [row.item.id for row in rows]))
    attempt = school.begun(store, quiz.id, who)
    for _ in range(8):
        school.say(store, who, attempt)
    rows = results.of_quiz(store, 1, quiz.id or 0)
    after = bias.laboratory(rows, planted.said(store, [row.item.id for row in rows]))
    assert before is not None
    assert after is not None
    assert np.array_equal(before.advised, after.advised)


@pytest.mark.parametrize(
    ("share", "models", "verify_"),
    [
        (0.0, Models.SECOND, Verify.AT_END),
        (1.0, Models.SECOND, Verify.AT_END),
        (0.3, Models.WITH_TRUTH, Verify.AT_END),
        (0.3, Models.SECOND, Verify.AT_ONCE),
    ],
)
def test_what_would_give_it_away_is_refused(share: float, models: Models, verify_: Verify) -> None:
    with pytest.raises(TeachingError, match="planted AI"):
        Rules(models=models, verify=verify_, planted=share)
