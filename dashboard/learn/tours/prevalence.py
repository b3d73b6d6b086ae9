"""Why accuracy misleads where disease is rare: the same model, the same threshold, other people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.statistics.operating import OperatingPoint, operating_point
from core.statistics.rates import BinaryRates
from dashboard.kit import tables, words
from dashboard.kit.charts import CLEAR, FINDING, GREY, Chart, blank
from dashboard.learn.tours import threshold

OFFERED = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 50)  # percent
PEOPLE = 10_000


def show() -> None:
    """The tour."""
    chosen = threshold.model("prevalence")
    if chosen is None:
        return
    found, part = chosen
    percent = st.select_slider(
        "Of all people who come, so many have the disease", OFFERED, 1, format_func="{} %".format, key="tour-prevalence"
    )
    prevalence = percent / 100
    cut = found.card.threshold.value
    point = _point(found.sha256, prevalence, part.truth, part.finding, part.groups, cut)
    accuracy, always = accuracies(point.rates, prevalence)
    st.markdown(
        f"Among {PEOPLE:,} people, {round(PEOPLE * prevalence):,} with the disease, this model is right in "
        f"**{accuracy:.1%}**. A program that looks at nothing and always says “no” is right in **{always:.1%}**"
        + (": it wins, and finds nobody." if always > accuracy else ", and finds nobody.")
    )
    st.dataframe(_people(point), hide_index=True, key="tour-people")
    chart = curves(point.rates, prevalence)
    st.plotly_chart(chart.figure, key=chart.key, config={"displayModeBar": False}, alt=chart.alt)
    st.markdown(
        f"Of those whom the model calls, **{point.ppv.value:.0%}** have the disease "
        f"(positive predictive value; 95 % interval {tables.interval(point.ppv, 3)}). Sensitivity and specificity do "
        "not move with prevalence, and their mean, the balanced accuracy, gives “always no” its due: 50 %."
    )
    st.caption(
        threshold.basis(found, part) + f" Stored threshold {cut:.3f}. Sensitivity {point.sensitivity.value:.3f} "
        f"({tables.interval(point.sensitivity, 3)}), specificity {point.specificity.value:.3f} "
        f"({tables.interval(point.specificity, 3)}); what is said of other prevalences follows from these two by "
        "Bayes' rule, if the people are otherwise alike, which they seldom are."
    )


@st.cache_data(show_spinner="Resampling the groups …", max_entries=64)
def _point(
    sha256: str, prevalence: float, _truth: np.ndarray, _p: np.ndarray, _groups: np.ndarray, _cut: float
) -> OperatingPoint:
    return operating_point(_truth, _p, _cut, _groups, prevalence)


def accuracies(rates: BinaryRates, prevalence: float) -> tuple[float, float]:
    """Share of right answers at a prevalence: of the model, and of who always says no."""
    return prevalence * rates.sensitivity + (1 - prevalence) * rates.specificity, 1 - prevalence


def _people(point: OperatingPoint) -> pd.DataFrame:
    found, missed, alarms, cleared = (one.value * PEOPLE / 1000 for one in point.per_1000)
    return pd.DataFrame(
        {
            f"Of {PEOPLE:,} people": ["have the disease", "do not have it"],
            "The model calls": [f"{found:,.0f} (found)", f"{alarms:,.0f} (false alarms)"],
            "The model clears": [f"{missed:,.0f} (missed)", f"{cleared:,.0f} (rightly cleared)"],
        }
    )


def curves(rates: BinaryRates, chosen: float) -> Chart:
    """Accuracy of the model and of "always no", and the positive predictive value, over prevalence."""
    at = np.geomspace(0.001, 0.5, 120)
    model, always = np.array([accuracies(rates, p) for p in at]).T
    called = at * rates.sensitivity + (1 - at) * (1 - rates.specificity)
    worth = np.divide(at * rates.sensitivity, called, out=np.full_like(at, np.nan), where=called > 0)
    figure = blank("The same model at other prevalences", "Prevalence", "Share", 360)
    for name, values, colour, dash in (
        ("accuracy of the model", model, FINDING, "solid"),
        ("accuracy of “always no”", always, GREY, "dash"),
        ("positive predictive value", worth, CLEAR, "dot"),
    ):
        figure.add_scatter(x=at, y=values, mode="lines", name=name, line={"color": colour, "width": 2.5, "dash": dash})
    figure.add_vline(x=chosen, line={"color": GREY, "width": 1})
    figure.update_xaxes(type="log", tickvals=[0.001, 0.01, 0.1, 0.5], ticktext=["0.1 %", "1 %", "10 %", "50 %"])
    figure.update_yaxes(range=[-0.02, 1.02])
    model_here, always_here = accuracies(rates, chosen)
    told = f"At a prevalence of {chosen:.1%} the model is right in {model_here:.1%}, always no in {always_here:.1%}."
    return Chart("tour-prevalence-curves", "Accuracy over prevalence", figure, words.plain(told))
