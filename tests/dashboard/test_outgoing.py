"""What waits to be sent when the page, or a fragment around others, is drawn anew before the browser has anything."""

from __future__ import annotations

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from dashboard import outgoing

OUTER, INNER = "outer", "inner"
DRAWN = [([0, 0], OUTER, True), ([0, 0, 0], OUTER, False), ([0, 0, 1], INNER, True), ([0, 0, 1, 0], INNER, False)]


def started(*fragments: str) -> ForwardMsg:
    message = ForwardMsg()
    message.new_session.SetInParent()
    message.metadata.run.fragment_ids.extend(fragments)
    return message


def delta(path: list[int], fragment: str, block: bool, text: str) -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path[:] = path
    message.delta.fragment_id = fragment
    if block:
        message.delta.add_block.flex_container.gap_config.SetInParent()
    else:
        message.delta.new_element.markdown.body = text
    return message


def twice(queue: ForwardMsgQueue) -> list[ForwardMsg]:
    """The first drawing waits in the queue when the second one begins, as in ``AppSession``."""
    for run in ("first", "second"):
        queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[OUTER])
        queue.enqueue(started(OUTER))
        for path, fragment, block in DRAWN:
            queue.enqueue(delta(path, fragment, block, run))
    return queue.flush()


def orphans(messages: list[ForwardMsg]) -> list[list[int]]:
    """Places inside a container that had not been sent before."""
    sent: set[tuple[int, ...]] = {(0,)}
    found = []
    for message in messages:
        if message.WhichOneof("type") == "delta":
            path = tuple(message.metadata.delta_path)
            if path[:-1] not in sent:
                found.append(list(path))
            sent.add(path)
    return found


def test_what_waits_keeps_the_containers_it_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForwardMsgQueue, "clear", outgoing._clear)
    assert orphans(twice(ForwardMsgQueue())) == [[0, 0, 1]]  # as it comes; once this is empty, `outgoing` can go
    monkeypatch.setattr(ForwardMsgQueue, "clear", outgoing.clear)
    sent = twice(ForwardMsgQueue())
    assert orphans(sent) == []
    texts = [m.delta.new_element.markdown.body for m in sent if m.delta.new_element.markdown.body]
    assert texts == ["first", "first", "second", "second"]


def test_a_run_of_the_whole_page_still_drops_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ForwardMsgQueue, "clear", outgoing.clear)
    queue = ForwardMsgQueue()
    queue.enqueue(started())
    queue.enqueue(delta([0, 0], "", False, "old"))
    queue.clear(retain_lifecycle_msgs=True)
    assert [message.WhichOneof("type") for message in queue.flush()] == ["new_session"]


def test_the_address_for_an_upload_outlives_a_run_that_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    def sent() -> list[str | None]:
        queue = ForwardMsgQueue()
        queue.enqueue(delta([0, 0], "", False, "old"))
        address = ForwardMsg()
        address.file_urls_response.response_id = "asked"
        queue.enqueue(address)
        queue.clear(retain_lifecycle_msgs=True)  # as `AppSession` does when a run begins
        queue.enqueue(started())
        queue.enqueue(delta([0, 0], "", False, "new"))
        return [message.WhichOneof("type") for message in queue.flush()]

    monkeypatch.setattr(ForwardMsgQueue, "clear", outgoing._clear)
    assert sent() == ["new_session", "delta"]  # as it comes: the browser waits for ever
    monkeypatch.setattr(ForwardMsgQueue, "clear", outgoing.clear)
    assert sent() == ["file_urls_response", "new_session", "delta"]
    queue = ForwardMsgQueue()
    queue.enqueue(started())
    queue.clear()
    assert queue.is_empty()  # where nobody is connected any more all goes
