"""Tokens of the HTTP interface: made, told once, revoked."""

from __future__ import annotations

import streamlit as st

from core.review import Action, Scope, Store
from core.review.tables import ApiToken
from core.review.tokens import MOST_DAYS
from core.review.vocabulary import now
from dashboard.kit import messages, who, words

MEANS = {
    Scope.MODELS: "systems, models, cards, evidence",
    Scope.STUDIES: "give images, ask the models, take the results",
    Scope.ARCHIVES: "look at archives, worklists, cases, opinions",
    Scope.OPINIONS: "lock opinions",
    Scope.IMPORT: "make archives, import, have them scored",
}
_MADE = "token-made"


@st.fragment
def show(store: Store, reader: int) -> None:
    """One's own tokens (an admin sees everybody's), and a form for another one."""
    who.touch()
    st.caption(
        "Programs ask Overread over HTTP (reference: /api/docs) with a token. It may do what your roles allow, and no "
        "more than what it is made for; images that wait for your own opinion stay silent there too."
        + ("" if who.configured() else " Without sign-in, programs on this machine need none.")
    )
    made = st.session_state.pop(_MADE, None)
    if made is not None:
        st.success("Copy the token now: it is shown this once and kept nowhere.", icon=":material/key:")
        st.code(made, language=None)
    for one in store.tokens(reader):
        if not one.revoked:
            _line(store, reader, one)
    with st.form("new-token", border=False):
        name = st.text_input("What it is for", max_chars=80)
        scopes = st.multiselect("Good for", list(Scope), format_func=lambda s: f"{s}: {MEANS[s]}")
        days = st.number_input("Days until it expires", 1, MOST_DAYS, 90)
        if st.form_submit_button("Make a token", icon=":material/add:"):
            with messages.shown():
                _, st.session_state[_MADE] = store.make_token(reader, name, scopes, int(days))
                st.rerun()


def _line(store: Store, reader: int, one: ApiToken) -> None:
    with st.container(horizontal=True, vertical_alignment="center", border=True, gap="small"):
        whose = f"Reader {one.user}: " if who.may(Action.MANAGE_USERS) else ""
        until = "expired" if one.expires <= now() else f"until {one.expires:%Y-%m-%d}"
        used = f"first used {one.used:%Y-%m-%d %H:%M} UTC" if one.used else "not used yet"
        st.markdown(
            f"**{whose}{words.plain(one.name)}**  \n{', '.join(one.scopes)} · {until} · {used}", width="stretch"
        )
        if st.button("Revoke", key=f"revoke-{one.id}", icon=":material/key_off:"):
            with messages.shown():
                store.revoke_token(reader, one.id or 0)
                st.rerun()
