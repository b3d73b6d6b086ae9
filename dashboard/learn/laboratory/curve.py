"""The contrast-detail curve of every model, measured in the background at the picture quality that is set."""

from __future__ import annotations

import streamlit as st

from core.background import Job
from core.evidence.contrast_detail import ContrastDetail, described, measure
from core.line import Line
from core.simulate.laboratory import Setting
from core.systems import SYSTEMS
from dashboard.kit import messages, words
from dashboard.kit.charts import Chart, blank
from dashboard.kit.engine import engine
from dashboard.kit.slice_strip import COLOURS, DASHES

DIAMETERS = (5.0, 10.0, 20.0, 40.0)
CONTRASTS = {
    "brain-mr": (0.05, 0.1, 0.2, 0.4),
    "chest-ct": (0.2, 0.4, 0.6, 0.8),
    "pet": (0.25, 0.5, 1.0, 2.0),
}
SEEDS = (1, 2, 3)
KEY = "lab-curve"
POLL = 1.5  # seconds
_one = Line(1)  # a measurement asks every model dozens of times: one after the other, whoever wants it


def show() -> None:
    """Begin, watch, look, take along."""
    st.markdown("##### Contrast-detail curve")
    st.caption(
        f"Lesions of {len(DIAMETERS)} sizes and 4 contrasts in {len(SEEDS)} scans each, at the picture quality set "
        "above: for every size the lowest contrast at which a model calls at least half of them. Takes some minutes."
    )
    running = _running()
    st.fragment(_under_way, run_every=POLL if running else None)(running)


def _running() -> bool:
    job: Job[ContrastDetail] | None = st.session_state.get(KEY)
    return job is not None and job.running


def _under_way(running: bool) -> None:
    job: Job[ContrastDetail] | None = st.session_state.get(KEY)
    if running != _running():  # who asks how far it is, is set up above
        st.rerun()
    if running and job is not None:
        said = "Measuring …" if job.fraction else "Waiting for another measurement …"
        st.progress(job.fraction, "Stopping …" if job.stopping else said)
        st.button("Stop", key="lab-stop", on_click=job.stop, disabled=job.stopping)
        return
    st.button("Measure", key="lab-measure", icon=":material/show_chart:", on_click=_begin)
    if job is None:
        return
    if job.error is not None:
        messages.show(job.error)
    elif job.result is not None:
        _result(job.result)


def _begin() -> None:
    if _running():  # pressed twice
        return
    system, setting = st.session_state["lab-set"]
    models = engine()

    def work(job: Job[ContrastDetail]) -> ContrastDetail:
        def tell(done: float) -> None:
            if job.stopping:
                raise InterruptedError
            job.tell("", done)

        return measure(models, system, DIAMETERS, CONTRASTS[system], SEEDS, _quality(setting), tell)

    st.session_state[KEY] = Job(work, line=_one).start()


def _quality(setting: Setting) -> Setting:
    return Setting(0.0, 0.0, setting.blur, setting.noise, setting.slices, setting.window, setting.quality)


def _result(found: ContrastDetail) -> None:
    chart = drawn(found)
    st.plotly_chart(chart.figure, key=chart.key, config={"displayModeBar": False}, alt=chart.alt)
    false = [f"{c.title}: {c.called} of {found.scans}" for m in models_of(found) if (c := found.clear(m)) and c.called]
    st.caption(
        f"{SYSTEMS[found.system].title}, {found.scans} scans; {described(found.setting, found.length)}. 100 % contrast "
        f"is {found.scale:g} {found.unit}. "
        + (f"Called without any lesion: {words.plain('; '.join(false))}. " if false else "No clear scan was called. ")
        + f"{100 * min(CONTRASTS[found.system]):g} % is the faintest that was tried. Not every curve falls: a lesion "
        "brighter than any that a model has learnt may be missed again, which the table tells. Three scans give no "
        "interval: read it as a sketch."
    )
    st.download_button(
        "All measurements (CSV)",
        found.csv(),
        file_name=f"contrast-detail-{found.system}.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
    )


def models_of(found: ContrastDetail) -> list[str]:
    """Names of the models, in the order in which they answered."""
    return list(dict.fromkeys(one.model for one in found.cells))


def drawn(found: ContrastDetail) -> Chart:
    """A line for every model that calls half of the lesions of any size."""
    figure = blank("", f"Diameter ({found.length})", "Lowest contrast called (%)", 380)
    titles = {one.model: one.title for one in found.cells}
    short = words.short_titles(list(titles.values()))
    said = []
    for number, model in enumerate(models_of(found)):
        points = found.curve(model)
        name = short[titles[model]]
        figure.add_scatter(
            x=[d for d, _ in points],
            y=[100 * c for _, c in points],
            mode="lines+markers",
            name=name if points else f"{name}: none called",
            line={"color": COLOURS[number % len(COLOURS)], "dash": DASHES[number % len(DASHES)], "width": 2.5},
            marker={"size": 9},
        )
        said.append(f"{name}: " + (", ".join(f"{d:g} at {c:.0%}" for d, c in points) or "none"))
    figure.update_xaxes(type="log", tickvals=list(DIAMETERS), ticktext=[f"{d:g}" for d in DIAMETERS])
    figure.update_yaxes(type="log", tickvals=[5, 10, 20, 40, 60, 80, 100, 200])
    figure.update_layout(margin={"t": 12})
    told = "Lowest contrast called by diameter. " + "; ".join(said)
    return Chart("lab-contrast-detail", "Contrast-detail curve", figure, told)
