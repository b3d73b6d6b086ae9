"""What a page tells its browser before Streamlit's client begins: where the server is, and that reading is in the dark.

Without the first, the client looks for its server below the page's own address and is told 404 twice. Without the
second there is no dark by default: Streamlit follows the browser where a light and a dark theme are both given. It is
said on every page: going on to Review loads nothing anew, so the theme of the page that was opened first is kept.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_KEPT = "stActiveTheme-"  # where Streamlit keeps what the reader chose in its menu, for each page that was opened first
_VERSION = "-v2"
SCRIPT = f"""<script>
window.__streamlit = {{ ...window.__streamlit, BACKEND_BASE_URL: new URL("./", document.baseURI).href }};
try {{
  const here = `{_KEPT}${{location.pathname}}{_VERSION}`;
  const chosen = Object.keys(localStorage).find((key) => key.startsWith("{_KEPT}"));
  if (localStorage.getItem(here) === null) localStorage.setItem(here, chosen ? localStorage.getItem(chosen) : '"Dark"');
}} catch {{ /* a browser that keeps nothing is shown its own theme */ }}
</script>"""
_HEAD = b"<head>"
_SPENT = (b"content-length", b"etag", b"last-modified")


class Opening:
    """Puts :data:`SCRIPT` first into the head of every page of HTML that the server itself sends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and put the script into what comes back."""
        if scope["type"] != "http" or not asks_for_page(scope):
            await self._app(scope, receive, send)
            return
        # as it is and whole, so that something can be put into it
        asked = [pair for pair in scope["headers"] if pair[0] not in (b"accept-encoding", b"if-none-match", b"range")]
        start: Message | None = None
        body = bytearray()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if message["type"] != "http.response.body" or start is None:
                await send(message)  # a download goes through as it comes, however large it is
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = bytes(body).replace(_HEAD, _HEAD + SCRIPT.encode(), 1)
            headers = [pair for pair in start["headers"] if pair[0].lower() not in _SPENT]
            headers.append((b"content-length", str(len(page)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": page})

        await self._app({**scope, "headers": asked}, receive, collect)


def asks_for_page(scope: Scope) -> bool:
    """Whether an HTTP request is a browser's that opens an address."""
    return scope["method"] == "GET" and any(
        name == b"accept" and b"text/html" in value for name, value in scope["headers"]
    )


def _is_page(start: Message) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in start["headers"])
