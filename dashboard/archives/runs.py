"""Imports and scoring under way: progress, speed, time left, pause and stop; it draws itself anew while one runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.review import RunState, Store
from core.review.archives import Progress, pause, progress, resume, stop
from core.review.tables import ImportRun, ScoreRun
from core.systems import SYSTEMS
from dashboard.kit import messages, who, words
from dashboard.kit.engine import engine

POLL_SECONDS = 2.0
RECENT = 4


def show(store: Store, actor: int, archive: int) -> None:
    """The latest runs of an archive."""
    moving = {_key(run) for run in runs(store, archive) if progress(store, run).active}
    st.fragment(_list, run_every=POLL_SECONDS if moving else None)(store, actor, archive, moving)


def runs(store: Store, archive: int) -> list[ImportRun | ScoreRun]:
    """Imports and scorings, newest first."""
    found: list[ImportRun | ScoreRun] = [*store.runs(ImportRun, archive), *store.runs(ScoreRun, archive)]
    return sorted(found, key=lambda run: run.started, reverse=True)


def _list(store: Store, actor: int, archive: int, moving: set[str]) -> None:
    found = runs(store, archive)
    told = {_key(run): progress(store, run) for run in found}
    if {key for key, one in told.items() if one.active} != moving:
        st.rerun()  # one came to rest, and the page shows what it left, or has begun, and is looked at from now on
    if not found:
        st.caption("Nothing imported or scored yet.")
    for place, run in enumerate(found):
        key = _key(run)
        if place < RECENT or told[key].active:  # however old: what is paused is gone on with here
            with st.container(border=True):
                _one(store, actor, run, told[key])


def _one(store: Store, actor: int, run: ImportRun | ScoreRun, told: Progress) -> None:
    what = f"Scoring: {SYSTEMS[run.system].title}" if isinstance(run, ScoreRun) else f"Import: {run.source}"
    state = "interrupted" if told.interrupted else str(told.state)
    facts = [f"{told.done:,} of {told.total:,}" if told.total else "counting"]
    if told.failed:
        facts.append(f"{told.failed:,} failed" if isinstance(run, ScoreRun) else f"{told.failed:,} unreadable")
    if told.per_minute is not None and told.active:
        facts.append(f"{told.per_minute:,.0f} a minute")
    if told.seconds_left is not None and told.active:
        facts.append(words.left(told.seconds_left))
    st.markdown(f"**{words.plain(what)}** · {state} · {', '.join(facts)}")
    if told.active:
        st.progress(told.share)
    if told.message:
        st.caption(words.plain(told.message))
    _buttons(store, actor, run, told)


def _key(run: ImportRun | ScoreRun) -> str:
    return f"{type(run).__name__}-{run.id}"


def _buttons(store: Store, actor: int, run: Any, told: Progress) -> None:
    key = _key(run)
    running = told.active and not told.interrupted
    with st.container(horizontal=True, gap="small"):
        if (
            running
            and told.state is not RunState.PAUSED
            and st.button("Pause", key=f"pause-{key}", icon=":material/pause:")
        ):
            _ask(lambda: pause(store, actor, run))
        resting = told.interrupted or told.state in (RunState.PAUSED, RunState.STOPPED, RunState.FAILED)
        if resting and st.button("Go on", key=f"resume-{key}", icon=":material/play_arrow:"):
            _ask(lambda: resume(store, engine(), actor, run))
        if told.active and st.button("Stop", key=f"stop-{key}", icon=":material/stop_circle:"):
            _ask(lambda: stop(store, actor, run))


def _ask(act: Callable[[], object]) -> None:
    who.touch()
    with messages.shown():
        act()
        st.rerun()
