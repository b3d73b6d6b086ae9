"""The check beside each heat map: made in the background for the slice on the screen, said in plain words."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.background import Job
from core.engine.checks import SECONDS, HeatCheck, MapVerdict, check_heat_map, pointing_of, pointing_words, sentences
from core.engine.engine import Engine
from core.engine.results import HeatMap
from core.imaging.study import Study
from dashboard.kit import messages, words
from dashboard.kit.cases import OpenCase
from dashboard.kit.engine import engine

POLL = 1.5
REMEMBERED = 200
HELP = (
    f"In the background, 10 to 20 seconds a model and never more than {SECONDS:.0f}: parts of the scan are removed and "
    "the model is asked again, once where the map is brightest and ten times at random; then the map is drawn with "
    "random weights. Where a truth mask is shown, the map is also held against it."
)
SIGNS = {
    MapVerdict.PASSED: ":material/check_circle: **Check passed.**",
    MapVerdict.FAILED: ":orange[:material/warning: **Check failed.**]",
    MapVerdict.UNTESTED: ":material/help: **Not tested.**",
}

Key = tuple[object, ...]


@dataclass(eq=False)
class Checks:
    """Checks of the maps of one slice, under way or done."""

    keys: frozenset[Key]
    job: Job[None]
    done: dict[Key, HeatCheck]


def wanted(case: OpenCase) -> bool:
    """The switch that asks for checks; it stays as it is from slice to slice."""
    return bool(st.toggle("Test the maps", key=f"heat-test-{case.key}-{case.series_index}", help=HELP))


def ensure(case: OpenCase, maps: tuple[HeatMap, ...]) -> None:
    """Begin the checks of these maps unless they are known or under way; a run for another slice ends."""
    todo = {_key(case, heat): heat for heat in maps if heat.values is not None and heat.peak > 0}
    todo = {key: heat for key, heat in todo.items() if key not in _known()}
    before = _run()
    if before is not None and todo.keys() <= before.keys and before.job.running and not before.job.stopping:
        return
    halt()
    if not todo:
        return
    done: dict[Key, HeatCheck] = {}
    where = (case.study, case.system or "", case.series_index)
    work = partial(_work, done=done, todo=todo, where=where, models=engine())
    st.session_state["heat-check-run"] = Checks(frozenset(todo), Job(work).ends_with(case).start(), done)


def halt() -> None:
    """End whatever is being checked; finished checks are kept."""
    run = _run()
    if run is not None:
        run.job.stop()
        for key, check in run.done.items():
            _remember(key, check)


def of(case: OpenCase, heat: HeatMap) -> HeatCheck | None:
    """The finished check of a map, or ``None``."""
    key, run = _key(case, heat), _run()
    if run is not None and key in run.done:
        return _remember(key, run.done[key])
    return _known().get(key)


def verdict(case: OpenCase, heat: HeatMap) -> None:
    """What the check found, that it is under way, or at least where the hottest point lies."""
    check, run = of(case, heat), _run()
    if check is not None:
        told(check)
    elif run is not None and run.job.running and not run.job.stopping and _key(case, heat) in run.keys:
        _waiting(case, heat, run)
    else:
        known = pointing_words(pointing_of(heat, case.series))
        if known:
            st.caption(words.plain(known))


def told(check: HeatCheck) -> None:
    """Verdict and numbers of a finished check."""
    lines = [line.removeprefix("Not tested: ") for line in sentences(check)]
    first, rest = words.plain(lines[0][:1].upper() + lines[0][1:]), [words.plain(line) for line in lines[1:]]
    st.markdown(f"{SIGNS[check.verdict]} {first}")
    if rest:
        st.caption("  \n".join(rest))


@st.fragment(run_every=POLL)
def _waiting(case: OpenCase, heat: HeatMap, run: Checks) -> None:
    if not run.job.running:
        st.rerun()
    check = of(case, heat)
    if check is not None:
        told(check)
    else:
        st.caption(":material/hourglass_top: Testing this map in the background")


def _work(
    job: Job[None],
    done: dict[Key, HeatCheck],
    todo: dict[Key, HeatMap],
    where: tuple[Study, str, int],
    models: Engine,
) -> None:
    for key, heat in todo.items():
        try:
            done[key] = check_heat_map(models, *where, heat, stop=lambda: job.stopping)
        except InterruptedError:
            raise
        except Exception as failure:  # one map's failure is no reason to leave out the next
            done[key] = HeatCheck(heat, error=messages.as_error(failure).message)


def _key(case: OpenCase, heat: HeatMap) -> Key:
    where = (case.key, case.system, case.series_index, heat.slice_index)
    return (*where, heat.model, heat.target, heat.method, case.series.truth is not None)


def _run() -> Checks | None:
    run: Checks | None = st.session_state.get("heat-check-run")
    return run


def _known() -> OrderedDict[Key, HeatCheck]:
    known: OrderedDict[Key, HeatCheck] = st.session_state.setdefault("heat-checks", OrderedDict())
    return known


def _remember(key: Key, check: HeatCheck) -> HeatCheck:
    known = _known()
    known[key] = check
    while len(known) > REMEMBERED:
        known.popitem(last=False)
    return check
