"""What a page says to its server: every request, and every frame over the web socket, read as Streamlit reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, WebSocket
from streamlit.proto.BackMsg_pb2 import BackMsg


@dataclass
class Told:
    """Everything that left a page. Made before the page is opened."""

    page: Page
    asked: list[str] = field(default_factory=list)
    frames: list[BackMsg] = field(default_factory=list)
    before: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self._request(request.url))
        self.page.on("websocket", self._socket)

    def _request(self, url: str) -> None:
        if not url.startswith("blob:"):  # the shape of the cursor, which the page made itself
            self.asked.append(url)

    def _socket(self, socket: WebSocket) -> None:
        def sent(data: bytes | str) -> None:
            assert isinstance(data, bytes), data
            self.frames.append(BackMsg.FromString(data))

        socket.on("framesent", sent)

    def forget(self) -> None:
        """Begin anew from what the page has told until now."""
        if self.frames:
            self.before = _widgets(self.frames[-1])
        self.asked.clear()
        self.frames.clear()

    def changes(self) -> list[dict[str, Any]]:
        """What each frame since then changed of the page's widgets, by the end of their names; JSON as values."""
        found = []
        for frame in self.frames:
            assert frame.WhichOneof("type") == "rerun_script", frame
            now = _widgets(frame)
            found.append({name: value for name, value in now.items() if value != self.before.get(name)})
            self.before = now
        return [{name.split("-")[-1]: json.loads(value) for name, value in one.items()} for one in found]


def _widgets(frame: BackMsg) -> dict[str, bytes]:
    return {
        one.id: one.json_value.encode() or one.SerializeToString() for one in frame.rerun_script.widget_states.widgets
    }
