"""What Streamlit has drawn and not yet sent stays whole when a part of the page is drawn anew.

Streamlit 1.67.0 drops what a fragment drew and has not been sent when the fragment runs again, but keeps what fragments
inside it drew: their places are then parts of containers that the browser never gets, and the page ends with
"Bad delta path index" (``clear`` in ``streamlit.runtime.forward_msg_queue``). Two quick redraws under load do it.
"""

from __future__ import annotations

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_clear = ForwardMsgQueue.clear


def clear(
    queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
) -> None:
    """Streamlit's own clearing for a run of the whole page; for a run of fragments nothing is dropped.

    The browser then draws the older elements first and the newer ones over them, as if it had been a little quicker.
    """
    if fragment_ids_this_run is None:
        _clear(queue, retain_lifecycle_msgs)
    else:
        queue._delta_index_map = {}  # newer elements go behind the start of their run, never to an older one's place


def keep_whole() -> None:
    """From now on in this process, for every session."""
    ForwardMsgQueue.clear = clear  # type: ignore[method-assign,assignment]
