"""What a quiz came to: for each student, for each case, the hardest first; and all answers as CSV."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from core.review import Store
from core.teaching import advice, results
from core.teaching.figures import CaseFigures, by_case, by_learner, figures, first_answers
from core.teaching.quizzes import Listed
from core.teaching.results import Row
from dashboard.kit import words
from dashboard.teach import laboratory
from dashboard.teach.tables import table

FEWEST = 10  # answers to a case below which its discrimination is chance
WEAK = 0.1  # discrimination below which a case does not tell good readers from weak ones


def show(store: Store, actor: int, one: Listed) -> None:
    """Tables of the quiz."""
    rows = results.of_quiz(store, actor, one.quiz.id or 0)
    if not rows:
        st.info("Nobody has answered a case of this quiz yet.", icon=":material/hourglass_empty:")
        return
    stage = one.rules.stages[0]
    first = first_answers(rows, stage)
    found = figures(first, resamples=0)
    st.markdown(
        f"**{words.count(len({r.learner for r in rows}), 'learner')}**, {words.count(len(first), 'first answer')}: "
        f"{words.share(found.right)} right ({words.interval(found.right)}), {found.points:.0f} points, "
        f"{found.seconds:.0f} s a case"
    )
    laboratory.show(store, one, rows)
    st.markdown("##### Cases, the hardest first")
    cases = by_case(rows, stage)
    said = advice.majority(advice.scores(store, rows))
    asked = pd.DataFrame([_case(case, first, said) for case in cases])
    table(asked if said else asked.drop(columns="Models"), "cases", one)
    told = [case for case in cases if case.discrimination is not None and case.n >= FEWEST]
    weak = [f"{case.position + 1}" for case in told if (case.discrimination or 0.0) < WEAK]
    if weak:
        which = f"Case {weak[0]}" if len(weak) == 1 else f"Cases {', '.join(weak)}"
        st.caption(f"{which}: those who read well elsewhere were no better here. Look at truth and wording.")
    elif not told:
        st.caption(f"Discrimination says little below {FEWEST} answers to a case.")
    st.markdown("##### Students")
    students = pd.DataFrame([_learner(mine, rows, said) for mine in by_learner(rows, stage).values()])
    table(students if said else students.drop(columns="Followed wrong models"), "students", one)
    st.caption(f"First answers, {stage}; of a repeated quiz the first attempt counts. Intervals are 95 %.")
    st.download_button(
        "All answers (CSV)",
        results.csv(rows),
        file_name=f"quiz-{one.quiz.id}-answers.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
    )


def _case(case: CaseFigures, rows: list[Row], said: dict[int, bool]) -> dict[str, object]:
    item = next(row.item for row in rows if row.item.id == case.item)
    models = said.get(case.item)
    return {
        "Case": case.position + 1,
        "Truth": item.label or ("finding" if item.finding else "clear"),
        "Answers": case.n,
        "Right": words.share(case.right),
        "95 %": words.interval(case.right).split(",")[0],
        "Points": round(case.points),
        "Discrimination": "" if case.discrimination is None else f"{round(case.discrimination, 2) + 0:.2f}",
        "Seconds": round(case.seconds),
        "Models": "" if models is None else "right" if models is item.finding else "wrong",
    }


def _learner(mine: list[Row], rows: list[Row], said: dict[int, bool]) -> dict[str, object]:
    found = figures(mine, resamples=0)
    marked = [row.answer.found for row in mine if row.answer.found is not None]
    relied = advice.reliance([row for row in rows if row.learner == mine[0].learner], said)
    return {
        "Student": mine[0].name,
        "Cases": len(mine),
        "Right": words.share(found.right),
        "95 %": words.interval(found.right).split(",")[0],
        "Points": round(found.points),
        "Sensitivity": words.share(found.sensitivity),
        "Specificity": words.share(found.specificity),
        "AUC": "" if found.auc is None or math.isnan(found.auc.value) else f"{found.auc.value:.2f}",
        "Brier": "" if found.brier is None else f"{found.brier:.3f}",
        "Marks on it": f"{sum(marked)} of {len(marked)}" if marked else "",
        "Late": sum(row.answer.late for row in mine),
        "Hints": sum(row.answer.hinted for row in mine),
        "Seconds": round(found.seconds),
        "Followed wrong models": "" if relied is None else relied[0].followed,
    }
