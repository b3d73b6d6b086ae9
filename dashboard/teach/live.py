"""The class on the presenter's screen: the code to join by, how far everybody is, and what they say."""

from __future__ import annotations

from urllib.parse import urlsplit

import cv2
import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.review import Store
from core.review.tables import QuizItem
from core.systems import SYSTEMS
from core.teaching import classroom, learners, quizzes
from core.teaching.classroom import Live, Tally
from core.teaching.quizzes import Listed
from dashboard.kit import render, routes, words
from dashboard.kit.slice_strip import COLOURS

EVERY = 2.0  # seconds


def show(store: Store, actor: int, one: Listed) -> None:
    """Open or close the class, and look at it."""
    quiz = quizzes.quiz(store, one.quiz.id or 0)
    if quiz.code is None:
        st.markdown("Students join on their own phones, with a code and without an account.")
        st.button(
            "Open the class", type="primary", icon=":material/meeting_room:", on_click=_open, args=(store, actor, one)
        )
    else:
        _door(quiz.code)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        if quiz.code is not None:
            st.button("Close the class", icon=":material/no_meeting_room:", on_click=_close, args=(store, actor, one))
        truth = st.toggle("Show the truth", False, key=f"live-truth-{one.quiz.id}", help="Everybody sees this screen.")
    st.fragment(_now, run_every=EVERY if quiz.code else None)(store, actor, one, truth, quiz.code)


def _open(store: Store, actor: int, one: Listed) -> None:
    learners.open_class(store, actor, one.quiz.id or 0)


def _close(store: Store, actor: int, one: Listed) -> None:
    learners.close_class(store, actor, one.quiz.id or 0)


def joining_address(code: str) -> str:
    """What a phone opens to join."""
    here = urlsplit(st.context.url or "http://localhost:8501")
    base = here.path.rsplit("/", 1)[0].rstrip("/")
    return f"{here.scheme}://{here.netloc}{base}/{routes.DOOR}?code={code}"


def _door(code: str) -> None:
    where = joining_address(code)
    grey = cv2.QRCodeEncoder.create().encode(where)
    big = cv2.resize(grey, None, fx=6, fy=6, interpolation=cv2.INTER_NEAREST)
    picture = render.data_url(np.repeat(big[..., None], 3, axis=2))
    st.html(
        "<div style='display:flex;gap:1.5rem;align-items:center;flex-wrap:wrap'>"
        f"<img src='{picture}' alt='QR code of {words.cell(where)}' style='width:190px;height:190px'>"
        "<div><div style='opacity:.75'>Join with the code</div>"
        f"<div style='font-size:3.2rem;letter-spacing:.25em;font-weight:700;line-height:1.15'>{words.cell(code)}</div>"
        f"<div style='font-size:.9rem;overflow-wrap:anywhere'>{words.cell(where)}</div></div></div>"
    )
    if (urlsplit(where).hostname or "") in ("localhost", "127.0.0.1"):
        st.caption(
            ":material/info: Phones cannot reach “localhost”: start with `make run ADDRESS=0.0.0.0` and open this page "
            "by this machine's name in the network."
        )


def _now(store: Store, actor: int, one: Listed, truth: bool, code: str | None) -> None:
    if quizzes.quiz(store, one.quiz.id or 0).code != code:
        st.rerun()  # opened or closed on another screen: the code above is no longer the class's
    found = classroom.live(store, actor, one.quiz.id or 0)
    items = {item.id or 0: item for item in quizzes.items_for(store, actor, one.quiz.id or 0)}
    st.markdown(f"**{found.joined} joined, {found.finished} finished**")
    if not found.joined:
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        chart = distribution(found, items, truth)
        st.plotly_chart(chart, key=f"live-{one.quiz.id}", config={"displayModeBar": False}, alt=described(found))
    with right:
        for name, done, of in found.progress:
            st.progress(done / of if of else 0.0, f"{words.plain(name)}: {done} of {of}")


def distribution(found: Live, items: dict[int, QuizItem], truth: bool) -> go.Figure:
    """What was said of every case, a bar each; with the truth told, right answers are marked."""
    figure = go.Figure()
    order = [f"Case {tally.position + 1}" for tally in found.tallies]
    for number, answer in enumerate(_answers(found, items)):
        counts = [tally.said.get(answer, 0) for tally in found.tallies]
        marks = [
            "✓" if truth and count and items[tally.item].label == answer else ""
            for tally, count in zip(found.tallies, counts, strict=True)
        ]
        figure.add_bar(
            y=order,
            x=counts,
            orientation="h",
            name=answer,
            text=marks,
            marker={"color": COLOURS[number % len(COLOURS)]},
            hovertemplate="%{y}: %{x} said " + answer + "<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        height=110 + 26 * len(order),
        margin={"l": 70, "r": 10, "t": 10, "b": 40},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(title="Answers", dtick=1 if found.joined < 12 else None, rangemode="tozero")
    return figure


def _answers(found: Live, items: dict[int, QuizItem]) -> list[str]:
    """All classes that can be said, in the systems' order, and what else was."""
    named: dict[str, None] = {}
    for item in items.values():
        named |= dict.fromkeys(SYSTEMS[item.system].classes)
    for tally in found.tallies:
        named |= dict.fromkeys(tally.said)
    return list(named)


def described(found: Live) -> str:
    """The chart in words."""
    return "What was said. " + "; ".join(_told(tally) for tally in found.tallies if tally.answers)


def _told(tally: Tally) -> str:
    said = ", ".join(f"{count} {answer}" for answer, count in tally.said.items())
    return f"Case {tally.position + 1}: {said}, {tally.sure:.0f} % sure"
