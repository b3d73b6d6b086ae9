"""Why a leak inflates figures: test images asked of who only remembers, with and without their own groups."""

from __future__ import annotations

import streamlit as st

from core.audit.memoriser import Leak, stored
from core.statistics.intervals import Interval
from dashboard.kit import words
from dashboard.kit.charts import CLEAR, FINDING, GREY, Chart, blank


def show() -> None:
    """The tour."""
    found = stored()
    if not found:
        st.info("No leak has been measured: `python -m trainers leak SET --out data/leaks/SET.json`.")
        return
    st.markdown(
        "Take the simplest program there is. It learns nothing: for every test image it looks up the training image "
        "most alike, on a thumbnail of 16 × 16 pixels, and repeats its label. If slices of one patient lie on both "
        "sides of a split, remembering is enough."
    )
    for one in found:
        _set(one)


def _set(one: Leak) -> None:
    st.markdown(
        f"In the published split of **{words.plain(one.name)}**, {one.shared} of {one.test} test images have a "
        f"neighbour from the same group in the training part. There the memoriser is right in "
        f"**{_said(one.published)}**. Without those groups it is right in **{_said(one.without)}** of the very same "
        f"images. It also has fewer images to remember then; remembering as few ({one.kept} of {one.remembered}) "
        f"*with* the leak gives {_said(one.fewer)}. So **{100 * one.inflation.value:.0f} points** "
        f"({100 * one.inflation.low:.0f} to {100 * one.inflation.high:.0f}) are the leak alone."
    )
    chart = bars(one)
    st.plotly_chart(chart.figure, key=chart.key, config={"displayModeBar": False}, alt=chart.alt)
    st.caption(
        f"Share of {one.test} test images of {one.groups} groups whose one of {one.classes} labels is named rightly; "
        f"95 % intervals draw groups ({words.plain(one.published.method)}); “as few” is the mean of {one.draws} "
        "draws. Groups join look-alikes and are not surely patients. Measured once on the real images with "
        f"`python -m trainers leak {one.name}` and stored. A network remembers less bluntly than this, but it can: "
        "models here are measured on groups that no training saw."
    )


def _said(found: Interval) -> str:
    return f"{words.share(found)} ({found.low:.0%} to {found.high:.0%})"


def _lines(one: Leak) -> tuple[tuple[str, Interval, str], ...]:
    return (
        ("As published: all training images", one.published, FINDING),
        ("As few images, with the leak", one.fewer, GREY),
        ("Without the test's own groups", one.without, CLEAR),
    )


def bars(one: Leak) -> Chart:
    """What the memoriser scores, by what it may remember."""
    figure = blank("", "Right", "", 230)
    for name, found, colour in reversed(_lines(one)):
        figure.add_bar(
            x=[found.value],
            y=[name],
            orientation="h",
            marker={"color": colour},
            showlegend=False,
            error_x={"array": [found.high - found.value], "arrayminus": [found.value - found.low], "color": "#808080"},
        )
    figure.update_xaxes(range=[0, 1], tickformat=".0%")
    figure.update_yaxes(automargin=True)
    figure.update_layout(margin={"t": 8})
    told = "; ".join(f"{name}: {_said(found)}" for name, found, _ in _lines(one))
    return Chart(f"leak-{one.name}", "What remembering is worth", figure, told)
