"""Errors and notices in plain words: never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.errors import FragmentHandledException
from streamlit.runtime.scriptrunner_utils.exceptions import RerunException, StopException

from core.background import as_error
from core.errors import OverreadError

LOG = logging.getLogger("overread.dashboard")


def plain(text: str) -> str:
    """Text made safe for Markdown: file names and reasons must stay what they are."""
    for sign in "\\`*_[]<>$~|#:":
        text = text.replace(sign, "\\" + sign)
    return text


def show(error: OverreadError) -> None:
    """Show what went wrong and what helps."""
    st.error(f"**{plain(error.message)}**\n\n{plain(error.remedy)}".strip(), icon=":material/error:")


@contextmanager
def shown() -> Iterator[None]:
    """Turn any failure inside the block into a message; the page goes on below it."""
    try:
        yield
    except (RerunException, StopException, FragmentHandledException):  # the last one has been told already
        raise
    except Exception as failure:
        show(as_error(failure))


def replace_trace(failure: Exception) -> bool:
    """Handler for whatever no page caught: a plain message instead of a stack trace."""
    show(as_error(failure))
    return True


def research_notice() -> None:
    """One quiet line at the edge of every page: what this is not."""
    st.html(
        "<div class='or-notice' role='note'>Research and teaching use only. Not a medical device; never a diagnosis."
        "</div>"
    )
