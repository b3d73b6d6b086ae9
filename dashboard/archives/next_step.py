"""What comes next for an archive, with the button that does it: bring cases in, score them, read them."""

from __future__ import annotations

import streamlit as st

from core.review import Action, Store
from core.review.archives import begin_scoring, installed, pending, progress
from core.review.tables import ImportRun, ScoreRun
from core.systems import SYSTEMS
from dashboard.kit import messages, routes, who, words
from dashboard.kit.engine import engine
from dashboard.read import queue

WHY = (
    "The models answer every case in the background, and the cases are ranked by how likely their record is wrong. "
    "Nobody sees an answer before their own opinion is locked, in an archive that is read blind."
)


def show(store: Store, actor: int, archive: int, systems: list[str]) -> None:
    """The next step of an archive that is at rest; nothing while something is under way, or before there are cases."""
    runs: list[ImportRun | ScoreRun] = [*store.runs(ImportRun, archive), *store.runs(ScoreRun, archive)]
    if not systems or any(progress(store, run).active for run in runs):  # a paused run, too, is gone on with or stopped
        return
    waiting = {
        name: len(pending(store, archive, models)) for name in systems if (models := installed(engine(), name)).cards
    }
    with st.container(border=True, key="next-step"):
        unscored = {name: count for name, count in waiting.items() if count}
        if unscored and who.may(Action.SCORE):
            name = max(unscored, key=lambda one: unscored[one])
            cases = words.count(unscored[name], "case")
            st.markdown(
                f":material/arrow_forward: **Next: let the models score {cases}** ({SYSTEMS[name].title}). {WHY}"
            )
            if st.button("Score them", type="primary", icon=":material/play_arrow:", key=f"next-score-{archive}"):
                with messages.shown():
                    begin_scoring(store, engine(), actor, archive, name)
                    st.rerun()
        else:
            st.markdown(":material/arrow_forward: **Next: read.** The cases most worth a second look come first.")
            if st.button(
                "Read the first one", type="primary", icon=":material/visibility:", key=f"next-read-{archive}"
            ):
                with messages.shown():
                    _read(store, actor, archive)


def _read(store: Store, actor: int, archive: int) -> None:
    """To the case that comes first for this reader; to the worklist where none is left, or they may not read."""
    chosen = store.archive(archive)
    first = next(queue.unread(store, queue.rows(store, chosen, actor), actor), None) if who.may(Action.READ) else None
    if first is None:
        st.switch_page(routes.WORKLIST, query_params={"archive": str(archive)})
    st.switch_page(routes.READ, query_params={"case": str(first)})
