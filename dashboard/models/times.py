"""Time an image takes: as stored beside the weights, or measured here and now."""

from __future__ import annotations

import os
import threading

import streamlit as st

from core.errors import OverreadError
from core.evidence.timing import machine_name, time_model
from core.systems import SYSTEMS
from core.weights import repeats as beside
from dashboard.kit import messages
from dashboard.kit.engine import engine

REPEATS = 5
Times = dict[str, tuple[float, float, float]]
ELSEWHERE = "measured elsewhere"


@st.cache_resource(show_spinner=False)
def _here() -> tuple[threading.Lock, Times]:
    """Times measured in this process, and who may measure: two at once would measure each other."""
    return threading.Lock(), {}


def elsewhere(name: str) -> bool:
    """Whether a model's time, by ``system/model``, is that of another machine."""
    stored = beside.measured(engine().weights)
    return name not in _here()[1] and stored is not None and not _same(stored)


def _same(stored: beside.Measured) -> bool:
    # Processors of one name stand in many machines: only plain time, as measured for this one, is taken for its own.
    return (stored.processor, stored.processors, stored.clock) == (machine_name(), os.cpu_count(), "time")


def known(system: str) -> Times:
    """Median, shortest and longest milliseconds by model; measured here before those of the file."""
    stored = beside.measured(engine().weights)
    every = {**(stored.milliseconds if stored else {}), **_here()[1]}
    return {name.removeprefix(f"{system}/"): of for name, of in every.items() if name.startswith(f"{system}/")}


def control() -> None:
    """Where the times are from, and a button that measures them on this machine."""
    stored = beside.measured(engine().weights)
    here = f"{machine_name()}, {os.cpu_count()} processors"
    if _here()[1]:
        told = f"Times: measured on this machine ({here}), {REPEATS} images a model, while it did whatever else it did."
    elif stored and _same(stored):
        told = f"Times: measured on this machine ({stored.machine}; weights/benchmark.json)."
    elif stored:
        told = f"Times: {ELSEWHERE} (machine {stored.machine}; weights/benchmark.json); this one is {here}."
    else:
        told = "Times have not been measured on this machine."
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        clicked = st.button("Measure the time an image takes here", icon=":material/timer:", key="measure-times")
        st.caption(told)
    if clicked and _measure():
        st.rerun()


def _measure() -> bool:
    """Whether all were measured; not while somebody else measures, which is said, with the page below."""
    lock, times = _here()
    if not lock.acquire(blocking=False):
        st.info("Somebody else is measuring on this machine: try again in a minute.")
        return False
    try:
        folders = [
            (f"{name}/{slot.name}", folder)
            for name, system in SYSTEMS.items()
            for slot in system.models
            if (folder := engine().weights / name / slot.name).is_dir()
        ]
        bar = st.progress(0.0, text="Measuring")
        for number, (name, folder) in enumerate(folders):
            bar.progress(number / len(folders), text=f"Measuring {name}")
            try:
                found = time_model(folder, repeats=REPEATS)
            except OverreadError as error:  # its row says why it is refused
                messages.LOG.info("%s is not timed: %s", name, error.message)
                continue
            times[name] = (found.median_ms, found.shortest_ms, found.longest_ms)
        bar.empty()
    finally:
        lock.release()
    return True
