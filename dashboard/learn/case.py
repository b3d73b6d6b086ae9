"""The case of a quiz on the screen: blind until the store tells its truth, then with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from core.imaging.study import Study
from core.review import Store
from core.systems import Match
from core.teaching import blinding
from core.teaching.attempts import Task
from core.teaching.blinding import Shown
from dashboard.kit import cases, controls, room
from dashboard.kit.cases import OpenCase
from dashboard.viewer import component

_KEY = "learn-case"


def blind(store: Store, learner: int, task: Task) -> OpenCase:
    """The images and nothing else; for an answer with the models in sight a case of its own, where theirs will be."""

    def make() -> OpenCase:
        study, index = blinding.images(store, learner, task.attempt, task.item, cases.make_room)
        return _open(study, index, task.system)

    return _kept((task.attempt, task.item, task.stage), make)


def told(attempt: int, shown: Shown) -> OpenCase:
    """The images with the truth, which is in view from the beginning."""

    def make() -> OpenCase:
        found = shown.material
        study = replace(found.study, name=f"Case {shown.place}", case_note="")
        case = _open(study, found.series_index, found.system)
        case.truth_on = True
        lesion = case.series.truth
        if lesion is not None and lesion.any():
            areas = lesion.sum(axis=(1, 2))
            case.chosen_slices[case.series_index] = int(areas.argmax())
            if not component.ready():  # the simple viewer has a switch of its own
                st.session_state.setdefault(f"overlay-{case.key}-{case.series_index}", controls.TRUTH)
        return case

    return _kept((attempt, shown.item.id or 0, "told"), make)


def leave() -> None:
    """Let go of the case; a review under way stops."""
    kept: tuple[object, OpenCase] | None = st.session_state.pop(_KEY, None)
    for job in kept[1].jobs.values() if kept else ():
        job.stop()


def _open(study: Study, index: int, system: str) -> OpenCase:
    match = Match(system, index, "The quiz says which system reads it.", certain=True)
    return OpenCase(study=study, match=match, system=system, series_index=index)


def _kept(what: tuple[int, int, str], make: Callable[[], OpenCase]) -> OpenCase:
    kept: tuple[tuple[int, int, str], OpenCase] | None = st.session_state.get(_KEY)
    if kept is not None and kept[0] == what and not kept[1].closed:
        room.settle(kept[1], cases.drop_oldest)
        return kept[1]
    before = kept[1] if kept is not None and kept[0] == what else None
    leave()
    case = make()
    if before is not None:
        case.go_on(before)
    room.watch(case)
    st.session_state[_KEY] = (what, case)
    return case
