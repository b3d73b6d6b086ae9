"""What Streamlit has not yet sent stays whole when the page, or a part of it, is drawn anew.

When a run of the page begins, Streamlit 1.67.0 drops what waits to be sent, and with it the answers to what the browser
asked beside that page: above all the address that files are sent to. An upload that was begun just then is lost, and
the page stands as if nothing had been given.

When a fragment runs again it drops what that fragment drew and has not been sent, but keeps what fragments inside it
drew: their places are then parts of containers that the browser never gets, and the page ends with
"Bad delta path index" (``clear`` in ``streamlit.runtime.forward_msg_queue``). Two quick redraws under load do it.
"""

from __future__ import annotations

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

ANSWERS = frozenset({"file_urls_response", "backend_operation_response", "heartbeat_ack"})  # of no run
_clear = ForwardMsgQueue.clear


def clear(
    queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
) -> None:
    """Streamlit's own clearing for a run of the whole page, but for answers; for a run of fragments nothing is dropped.

    The browser then draws the older elements first and the newer ones over them, as if it had been a little quicker.
    """
    if fragment_ids_this_run is None:
        kept = [m for m in queue._queue if m.WhichOneof("type") in ANSWERS] if retain_lifecycle_msgs else []
        _clear(queue, retain_lifecycle_msgs)
        queue._queue += kept
    else:
        queue._delta_index_map = {}  # newer elements go behind the start of their run, never to an older one's place


def keep_whole() -> None:
    """From now on in this process, for every session."""
    ForwardMsgQueue.clear = clear  # type: ignore[method-assign,assignment]
