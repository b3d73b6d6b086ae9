"""Which archive and which system a list is about; kept in the address, so that a reload comes back to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from core.review import Mode, Store
from core.review.archives import Installed, installed
from core.review.tables import Archive
from core.systems import SYSTEMS
from dashboard.kit import address, routes
from dashboard.kit.engine import engine

Option = TypeVar("Option")


@dataclass(frozen=True, eq=False)
class Chosen:
    """An archive, one of its systems and the installed models of it."""

    archive: Archive
    models: Installed

    @property
    def number(self) -> int:
        """The archive's number."""
        assert self.archive.id is not None
        return self.archive.id

    @property
    def blind(self) -> bool:
        """Whether it is read before the models' answers are shown."""
        return self.archive.mode == Mode.SECOND_READER


def choose(store: Store, *, manage: bool = False) -> Chosen | None:
    """Archive and system; ``None`` with a word of help where there is nothing to choose."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = archive(store)
        if chosen is None:
            st.info("There is no archive yet: import one first.", icon=":material/inventory_2:")
            if manage and st.button("Go to Archives", icon=":material/inventory_2:"):
                st.switch_page(routes.ARCHIVES)
            return None
        systems = systems_of(store, chosen)
        if not systems:
            st.info("This archive has no case that a system reads.")
            return None
        system = _select("System", "system", systems, lambda name: SYSTEMS[name].title)
    return Chosen(chosen, installed(engine(), system))


def archive(store: Store) -> Archive | None:
    """An archive; ``None`` where there is none."""
    archives = {str(a.id): a for a in store.archives()}
    if not archives:
        return None
    return archives[_select("Archive", "archive", list(archives), lambda number: archives[number].name)]


def systems_of(store: Store, archive: Archive) -> list[str]:
    """Systems of an archive's cases, the most frequent first."""
    found = [case.system for case in store.cases(archive.id or 0) if case.system in SYSTEMS]
    return sorted({name for name in found if name}, key=lambda name: -found.count(name))


def _select(label: str, name: str, options: list[Option], shown: Callable[[Option], str]) -> Option:
    key = f"choice-{name}"
    wanted = next((o for o in options if str(o) == st.query_params.get(name)), options[0])
    if st.session_state.get(key) not in options or address.went_back():
        st.session_state[key] = wanted

    def keep() -> None:
        st.query_params[name] = str(st.session_state[key])

    return st.selectbox(label, options, format_func=shown, key=key, on_change=keep, width=260)
