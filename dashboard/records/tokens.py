"""Tokens of the HTTP interface: made, told once, revoked."""

from __future__ import annotations

import time

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
AT_ONCE = 3.0  # seconds after the first time that a token was drawn, in which drawing it again is still that time


@st.fragment
def show(store: Store, reader: int) -> None:
    """One's own tokens (an admin sees everybody's), and a form for another one."""
    who.touch()
    st.caption(
        "Programs ask Overread over HTTP (reference: /api/docs) with a token. It may do what your roles allow, and no "
        "more than what it is made for; images that wait for your own opinion stay silent there too."
        + ("" if who.configured() else " Without sign-in, programs on this machine need none.")
    )
    _told()
    for one in store.tokens(reader):
        if not one.revoked:
            _line(store, reader, one)
    number = st.session_state.get("tokens-made", 0)  # a form of its own each time: sent off twice it makes one token
    with st.form(f"new-token-{number}", border=False):
        name = st.text_input("What it is for", max_chars=80)
        scopes = st.multiselect("Good for", list(Scope), format_func=lambda s: f"{s}: {MEANS[s]}")
        days = st.number_input("Days until it expires", 1, MOST_DAYS, 90)
        if st.form_submit_button("Make a token", icon=":material/add:"):
            with messages.shown():
                _, token = store.make_token(reader, name, scopes, int(days))
                st.session_state[_MADE] = token, None
                st.session_state["tokens-made"] = number + 1
                st.rerun()


def _told() -> None:
    """The token that was made, until something else is done; a second press of the button that made it is nothing."""
    token, since = st.session_state.get(_MADE, ("", None))
    if since is not None and time.monotonic() - since > AT_ONCE:
        del st.session_state[_MADE]
        return
    if token:
        st.session_state[_MADE] = token, since or time.monotonic()
        st.success("Copy the token now: it is shown this once and kept nowhere.", icon=":material/key:")
        st.code(token, language=None)


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
