"""What the browser may fetch for a moment: series and overlays of one session's case, under addresses nobody can guess.

A :class:`Shelf` lies in the session's state and is the only thing that holds what it offers: with the session it is
gone. Each session shows one case; what belonged to another is dropped as soon as the next one is shown.
"""

from __future__ import annotations

import hashlib
import secrets
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.imaging.study import Series
from dashboard.kit import who
from dashboard.viewer import packing

KEY = "viewer-shelf"
MOST_SERIES = 8  # of one session at a time: what is shown last stays
NOT_YET = b""


@dataclass(eq=False)
class Offered:
    """One thing that may be fetched part by part.

    Attributes:
        token: its unguessable address.
        session: the Streamlit session it belongs to.
        sign_in: identity of the sign-in and when it began; ``None`` where nobody signs in.
        person: the store's number of the reader.
        part: gives the gzipped bytes of a part by its name, ``None`` where there is none of that name, and
            :data:`NOT_YET` where there will be one.
        digest: the same for the same content.
        facts: what was worked out about it once.
    """

    token: str
    session: str
    sign_in: tuple[str, float] | None
    person: int
    part: Callable[[str], bytes | None]
    digest: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether its session is there and its sign-in good."""
        if runtime.exists() and not runtime.get_instance().is_active_session(self.session):
            return False
        return self.sign_in is None or who.sign_ins().good(*self.sign_in)


_offered: weakref.WeakValueDictionary[str, Offered] = weakref.WeakValueDictionary()
_shelves: weakref.WeakValueDictionary[str, Shelf] = weakref.WeakValueDictionary()  # by session


def find(token: str) -> Offered | None:
    """What has this address, while it may be fetched."""
    found = _offered.get(token)
    return found if found is not None and found.open else None


def holding() -> set[str]:
    """Sessions that offer something."""
    return {session for session, its in list(_shelves.items()) if its.offers}


def clear_of(session: str) -> None:
    """Drop what a session offers."""
    its = _shelves.get(session)
    if its is not None:
        its.clear()


class Shelf:
    """What one session offers."""

    def __init__(self) -> None:
        self.owner = ""
        self._held: dict[tuple[Any, ...], Offered] = {}
        self._shown: set[tuple[Any, ...]] = set()

    @property
    def offers(self) -> bool:
        """Whether there is anything."""
        return bool(self._held)

    def enter(self, owner: str) -> None:
        """From here on the things of one case; those of another are dropped."""
        if owner != self.owner:
            self.clear()
            self.owner = owner

    def begin(self) -> None:
        """A run of the whole page begins."""
        self._shown = set()

    def sweep(self) -> None:
        """The page is drawn: what it did not show is dropped."""
        for key in [key for key in self._held if key not in self._shown]:
            self._drop(key)

    def clear(self) -> None:
        """Drop everything, at once: the page has left the case, or may not show it any more."""
        for key in list(self._held):
            self._drop(key)

    def series(self, series: Series) -> Offered:
        """Offer a series: parts ``0``, ``1``, ... are its slices, ``padding`` its pixels without a value."""
        key = ("series", series.key, series.pixels.shape, id(series.pixels))
        if key not in self._held:
            how = packing.plan(series.pixels)
            padding = packing.padding_of(series)

            def part(name: str) -> bytes | None:
                if name == "padding":
                    return None if padding is None else packing.mask_bytes(padding)
                index = number(name, series.slices)
                return None if index is None else packing.plane_bytes(series.pixels[index], how)

            self._put(key, part, {"plan": how, "padded": padding is not None})
            for old in [one for one in self._held if one[0] == "series"][:-MOST_SERIES]:
                self._drop(old)
        self._held[key] = self._held.pop(key)
        return self._show(key)

    def mask(self, name: str, mask: np.ndarray) -> Offered:
        """Offer a mask, bool ``(slices, height, width)``: its one part is ``all``."""
        packed = packing.mask_bytes(mask)
        digest = hashlib.sha256(packed).hexdigest()[:16]
        return self._one("mask", name, digest, lambda part: packed if part == "all" else None)

    def asked(self, kind: str, name: str, digest: str, part: Callable[[str], bytes | None]) -> Offered:
        """Offer something whose parts are worked out when the browser asks, in a thread of their own.

        Args:
            digest: what it is about, in a few letters: where it is about something else its address is another one.
            part: see :class:`Offered`.
        """
        return self._one(kind, name, digest, part)

    def _one(self, kind: str, name: str, digest: str, part: Callable[[str], bytes | None]) -> Offered:
        """Offer something of a name in place of what it was before."""
        key = (kind, name)
        if key in self._held and self._held[key].digest != digest:
            self._drop(key)
        if key not in self._held:
            self._put(key, part, {}, digest)
        return self._show(key)

    def _put(
        self, key: tuple[Any, ...], part: Callable[[str], bytes | None], facts: dict[str, Any], digest: str = ""
    ) -> None:
        context = get_script_run_ctx()
        made = Offered(
            secrets.token_urlsafe(24),
            context.session_id if context else "",
            who.sign_in() if who.configured() and not who.is_guest() else None,
            who.number(),
            part,
            digest,
            facts,
        )
        self._held[key] = made
        _offered[made.token] = made

    def _show(self, key: tuple[Any, ...]) -> Offered:
        self._shown.add(key)
        return self._held[key]

    def _drop(self, key: tuple[Any, ...]) -> None:
        _offered.pop(self._held.pop(key).token, None)


def of_session() -> Shelf:
    """The shelf of this session."""
    if KEY not in st.session_state:
        st.session_state[KEY] = Shelf()
        context = get_script_run_ctx()
        if context is not None:
            _shelves[context.session_id] = st.session_state[KEY]
    shelf: Shelf = st.session_state[KEY]
    return shelf


def number(name: str, count: int) -> int | None:
    """A number below ``count`` as it stands in an address; ``None`` for anything else."""
    return int(name) if name.isascii() and name.isdigit() and len(name) < 9 and int(name) < count else None
