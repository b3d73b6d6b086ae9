"""A learner's own curves, beside the models and the others, on the cases whose truth has been told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.review import Store
from core.systems import SYSTEMS
from core.teaching import advice, results
from core.teaching.figures import FEWEST_OTHERS, Figures, by_learner, figures, first_answers
from core.teaching.results import Row
from dashboard.kit import words
from dashboard.kit.charts import Chart
from dashboard.learn import charts

FEWEST = 4  # answers below which no curve is drawn


def show(store: Store, learner: int) -> None:
    """Own figures; a system can be chosen where several were read."""
    rows = results.of_learner(store, learner)
    if not rows:
        st.info(
            "Your curves appear here once you have answered cases and been told their truth.", icon=":material/info:"
        )
        return
    systems = sorted({row.item.system for row in rows})
    chosen = None
    if len(systems) > 1:
        chosen = st.segmented_control(
            "Of",
            [None, *systems],
            format_func=lambda s: SYSTEMS[s].title if s else "all",
            default=None,
            key="curves-of",
        )
    rows = [row for row in rows if chosen in (None, row.item.system)]
    first = first_answers(rows)
    found = figures(first)
    _numbers(found)
    others = _others(results.of_class(store, learner), {row.item.id or 0 for row in first})
    _charts(store, first, found, others)
    _with_models(store, rows)
    st.download_button(
        "Your answers (CSV)",
        results.csv(rows),
        file_name="my-answers.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        type="tertiary",
    )


def _numbers(found: Figures) -> None:
    shown = [
        ("Right", words.share(found.right), words.interval(found.right)),
        ("Points", f"{found.points:.0f}", "of 100; guessing gives 75 at 50 %, bluffing less"),
        ("Sensitivity", words.share(found.sensitivity), words.interval(found.sensitivity)),
        ("Specificity", words.share(found.specificity), words.interval(found.specificity)),
        (
            "AUC",
            "–" if found.auc is None or np.isnan(found.auc.value) else f"{found.auc.value:.2f}",
            words.interval(found.auc, "{:.2f}"),
        ),
        ("Time a case", f"{found.seconds:.0f} s", "median"),
    ]
    with st.container(horizontal=True, gap="medium"):
        for label, value, below in shown:
            st.html(
                f"<div style='min-width:6.2rem'><div style='font-size:.8rem;opacity:.75'>{words.cell(label)}</div>"
                f"<div style='font-size:1.4rem;font-variant-numeric:tabular-nums'>{words.cell(value)}</div>"
                f"<div style='font-size:.74rem;opacity:.75'>{words.cell(below)}</div></div>",
                width="content",
            )
    if found.brier is not None:
        st.caption(
            f"Your first answers on {words.count(found.n, 'case')}, alone. Brier score {found.brier:.3f} "
            "(0 is best, 0.25 a guess). Intervals are 95 %."
        )


def _others(rows: Sequence[Row], items: set[int]) -> list[tuple[float, float]]:
    """Sensitivity and specificity of each other learner on the same cases; none where they are too few to be nobody."""
    people = by_learner([row for row in rows if row.item.id in items])
    if len(people) < FEWEST_OTHERS:
        return []
    found = [figures(mine, resamples=0) for mine in people.values()]
    places = [(one.sensitivity.value, one.specificity.value) for one in found]
    return sorted(place for place in places if not any(map(np.isnan, place)))


def _charts(store: Store, rows: Sequence[Row], found: Figures, others: list[tuple[float, float]]) -> None:
    drawn: list[Chart] = []
    if found.curve is not None and found.n >= FEWEST:
        curves = advice.curves(advice.scores(store, rows), rows)
        short = words.short_titles(list(curves))
        drawn.append(charts.roc(found, {short[title]: curve for title, curve in curves.items()}, others))
    if found.reliability is not None and found.n >= FEWEST:
        drawn.append(charts.calibration(found.reliability))
    if found.localisation is not None:
        drawn.append(charts.localisation(found.localisation))
    if not drawn:
        st.caption("Curves need answers on cases with and without a finding.")
        return
    for cell, chart in zip(st.columns(len(drawn), gap="small"), drawn, strict=True):
        with cell:
            st.plotly_chart(chart.figure, key=chart.key, config={"displayModeBar": False}, alt=chart.alt)
    if not others:
        st.caption(f"The class is shown here, without names, once {FEWEST_OTHERS} others have read these cases.")


def _with_models(store: Store, rows: Sequence[Row]) -> None:
    found = advice.reliance(rows, advice.majority(advice.scores(store, rows)))
    if found is None:
        return
    one, n = found
    st.markdown("##### With the models in sight")
    st.markdown(
        f"On {words.count(n, 'case')} answered alone and with the models: **{one.gained}** gained, **{one.lost}** "
        f"lost, of those **{one.followed}** by following models that were wrong."
    )
