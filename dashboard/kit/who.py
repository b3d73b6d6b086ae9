"""Who is using the dashboard, and what they may do.

Without configuration there is one local user who may do everything. With ``[auth]`` in ``.streamlit/secrets.toml``
people sign in with their identity provider; who they are and their roles come from the store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.review import Action, Store, allowed, open_store
from core.review.tables import User
from core.settings import settings
from dashboard.kit import messages, words
from dashboard.kit.idle import SignIns

GUEST = User(number=0, issuer="class", subject="guest", name="Guest of a class", roles=[])
WATCH_SECONDS = 20.0  # an open page looks at least this often whether its sign-in is still good


def enter(at_door: Callable[[], object]) -> User:
    """The person of this session. Where nobody is signed in, draws the sign-in screen and ends the run.

    Args:
        at_door: called before the run ends, to take the menu away that a page of a signed-out person still shows.
    """
    with messages.shown():
        store = open_store()
        if not configured():
            return _remember(store.local_user())
        if not st.user.is_logged_in:
            _door("Sign in to go on.")
        elif not sign_ins().use(*sign_in()):
            idle = f"You were signed out after {_minutes():g} minutes without use. Drafts are kept."
            _door("You have signed out." if sign_ins().left(sign_in()[0]) else idle)
        else:
            person = _person(store)
            if person.active:
                _account(person)
                st.fragment(_watch, run_every=min(WATCH_SECONDS, _minutes() * 20))()
                return person
            st.title("No access")
            st.info("Your access to this dashboard has been ended. A user with the role admin can restore it.")
    at_door()
    st.stop()


def enter_as_guest() -> User:
    """Somebody at the door of a class, who needs no account and may do nothing but what the class's page lets them."""
    return _remember(GUEST)


def is_guest() -> bool:
    """Whether this session is a guest's."""
    return number() == GUEST.number


def known() -> bool:
    """Whether the person has signed in, or, where nobody does, sits at the machine that runs the server."""
    return configured() or st.context.ip_address is None


def person() -> User:
    """The person that :func:`enter` let in."""
    user: User = st.session_state["person"]
    return user


def number() -> int:
    """The person's number, by which readers appear everywhere."""
    found = person().number
    assert found is not None  # whoever was let in is in the store
    return found


def require(*actions: Action) -> User:
    """Every page goes through here: goes on for those who may do one of the actions, else says why not and ends.

    Args:
        actions: none of them means that nothing is needed.
    """
    user = person()
    if not may_open(actions):
        st.title("Not for your role")
        roles = ", ".join(user.roles) or "none yet"
        st.info(
            f"You are signed in as {words.plain(user.name)} (reader {user.number}); your roles: {roles}. "
            "This page needs another one: ask a user with the role admin.",
            icon=":material/lock:",
        )
        st.stop()
    return user


def may(action: Action) -> bool:
    """Whether the person of this session may do something: for leaving out what they could not use."""
    return allowed(person(), action)


def may_open(actions: Sequence[Action]) -> bool:
    """Whether the person may do one of the actions; true where none is needed."""
    return not actions or any(may(action) for action in actions)


def touch() -> None:
    """Count as use what happens inside a fragment; a sign-in that is over ends here too."""
    if configured() and not is_guest() and not (st.user.is_logged_in and sign_ins().use(*sign_in())):
        st.rerun()


def configured() -> bool:
    """Whether an identity provider is configured."""
    return "is_logged_in" in st.user


@st.cache_resource(show_spinner=False)
def sign_ins() -> SignIns:
    """The sign-ins of this process; idle time from ``OVERREAD_IDLE_MINUTES``."""
    return SignIns(_minutes() * 60)


def identity(claims: Mapping[str, Any]) -> tuple[str, float]:
    """Identity of a sign-in, from the claims of its token, and when it began (seconds since the epoch)."""
    facts = [claims.get(name) for name in ("iss", "sub", "iat", "nonce")]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest(), float(claims.get("iat") or 0.0)


def sign_in() -> tuple[str, float]:
    """Identity of this session's sign-in, and when it began (see :func:`identity`)."""
    return identity(st.user.to_dict())


def _minutes() -> float:
    return settings().idle_minutes


def _remember(user: User) -> User:
    st.session_state["person"] = user
    return user


def _person(store: Store) -> User:
    """The store's user of this sign-in; roles are read anew on every run, so that a change holds at once."""
    key, _ = sign_in()
    known = st.session_state.get("person-of-sign-in")
    if known is not None and known[0] == key:
        return _remember(store.user(known[1]))
    if known is not None:
        st.session_state.clear()  # somebody else's cases
    claims = st.user.to_dict()
    subject = str(claims["sub"])
    user = store.sign_in(
        str(claims["iss"]),
        subject,
        str(claims.get("name") or claims.get("email") or subject),
        str(claims["email"]) if claims.get("email") else None,
        claims.get("email_verified") is True,
    )
    st.session_state["person-of-sign-in"] = (key, user.number)
    return _remember(user)


def _door(why: str) -> None:
    st.session_state.pop("person", None)
    st.title("Overread")
    st.markdown(why)
    st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)


def _account(user: User) -> None:
    with (
        st.container(horizontal=True, horizontal_alignment="right"),
        st.popover(f"Reader {user.number}", icon=":material/account_circle:"),
    ):
        st.markdown(f"**{words.plain(user.name)}**")
        st.caption("Roles: " + (", ".join(user.roles) or "none yet; a user with the role admin gives them"))
        st.button("Sign out", icon=":material/logout:", on_click=_leave)


def _leave() -> None:
    sign_ins().end(sign_in()[0])
    st.logout()


def _watch() -> None:
    """What stands on an unattended screen goes when the sign-in is over."""
    if not (st.user.is_logged_in and sign_ins().good(*sign_in())):
        st.rerun()
