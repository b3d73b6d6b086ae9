"""What Streamlit tells anybody who asks, signed in or not, and this server does not: counters and names of caches."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

CLOSED = ("/_stcore/metrics",)


class Closed:
    """Answers "not found" for addresses that are nobody's business."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        path = str(scope.get("path", "")).rstrip("/")
        if scope["type"] == "http" and path.endswith(CLOSED):
            await PlainTextResponse("Not found", status_code=404)(scope, receive, send)
            return
        await self._app(scope, receive, send)
