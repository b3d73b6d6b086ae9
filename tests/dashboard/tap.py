"""All that a browser is sent, searched for what must not reach it before a reader has locked an opinion."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, Error, Page, Response, WebSocket

from tests.dashboard import readings

# What the page of the models' answers is made of, and what was planted in the store: none of it may reach the browser.
TELLING = (
    readings.SECRET_REASON,
    "zanzibar",
    str(readings.SECRET_NUMBER),
    "What each model says",
    "Where the models looked",
    "Grad-CAM of",
    "or-sentence",
    "Predicted mask",
    "models say",
    "Numbers (CSV)",
    "Report (PDF)",
    "-slice.png",  # how the files of all planted cases end
    "unremarkable",
)


@dataclass
class Tap:
    """All that a browser was sent: text on its pages, their source, web-socket frames, and every answer over HTTP."""

    context: BrowserContext
    heard: list[bytes] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("page", self._listen)

    def _listen(self, page: Page) -> None:
        page.on("websocket", self._socket)
        page.on("response", self._response)

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: self.heard.append(data if isinstance(data, bytes) else data.encode()))

    def _response(self, response: Response) -> None:
        # The program itself names every part of every page; what it says about a case comes over the socket or as data.
        if "/static/" in response.url or "/viewer/client/" in response.url or response.status >= 300:
            return
        self.answers.append(response)

    def look(self, page: Page) -> None:
        """Take down what stands on a page, in its source, and in the browser's stores."""
        for response in self.answers:
            with contextlib.suppress(Error):  # the browser has let go of it
                self.heard.append(response.body())
        self.answers.clear()
        kept = page.evaluate("JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)])")
        shadows = page.evaluate(
            "[...document.querySelectorAll('*')].filter(e => e.shadowRoot).map(e => e.shadowRoot.innerHTML).join(' ')"
        )
        self.heard += [page.content().encode(), page.inner_text("body").encode(), kept.encode(), shadows.encode()]

    def found(self, needles: tuple[str, ...] = TELLING) -> list[str]:
        """Which of the needles were sent to the browser so far."""
        everything = b"\0".join(self.heard)
        return [needle for needle in needles if needle.encode() in everything]
