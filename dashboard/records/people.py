"""Users and their roles, for an admin."""

from __future__ import annotations

import streamlit as st

from core.errors import OverreadError
from core.review import Role, Store
from dashboard.kit import messages, who, words

MEANS = {
    Role.REVIEWER: "reads cases",
    Role.ARBITER: "decides where a reading and the record differ",
    Role.LEAD: "imports, scores, sees summaries, may look without reading",
    Role.TEACHER: "prepares teaching",
    Role.STUDENT: "takes part in teaching",
    Role.ADMIN: "gives roles, backs up",
}


@st.fragment
def show(store: Store, actor: int) -> None:
    """One row per user: roles, and whether they may come in."""
    who.touch()
    if not who.configured():
        st.info(
            "No sign-in is configured: there is one local user with every role. To have several, configure an identity "
            "provider under [auth] in .streamlit/secrets.toml.",
            icon=":material/person:",
        )
    for user in store.users():
        assert user.number is not None
        if user.issuer == "local" and who.configured():
            continue
        with st.container(horizontal=True, vertical_alignment="bottom", border=True, gap="small"):
            contact = f"  \n{words.plain(user.email)}" if user.email else ""
            st.markdown(f"**Reader {user.number}: {words.plain(user.name)}**{contact}", width=240)
            roles = st.multiselect(
                "Roles", list(Role), [Role(r) for r in user.roles], key=f"roles-{user.number}", width="stretch"
            )
            active = st.toggle("May come in", user.active, key=f"active-{user.number}")
            changed = sorted(roles) != sorted(user.roles) or active != user.active
            if st.button("Save", key=f"save-user-{user.number}", disabled=not changed):
                try:
                    store.set_roles(actor, user.number, roles)
                    store.set_active(actor, user.number, active)
                except OverreadError as error:
                    messages.show(error)
                else:
                    st.rerun()
    st.caption(" · ".join(f"{role}: {text}" for role, text in MEANS.items()))
