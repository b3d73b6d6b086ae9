"""Where the interface lies beside the pages. Nothing heavy is imported before the first request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

DEMO = ("/predict/", "/predict", "/model-info", "/health")  # the published demo's own addresses


class Later:
    """An application that is made when it is first asked for."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app: ASGIApp | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make it if need be, and hand on."""
        async with self._making:
            if self._app is None:
                self._app = await asyncio.to_thread(self._make)
        await self._app(scope, receive, send)


def routes(base: str = "") -> list[BaseRoute]:
    """Routes of the interface for the server of the pages.

    Args:
        base: the path that the pages lie under (Streamlit's ``server.baseUrlPath``).
    """
    above = f"/{base.strip('/')}" if base.strip("/") else ""
    api, demo = Later(_api), Later(_demo)
    return [Mount(f"{above}/api", app=api), *(Route(f"{above}{path}", endpoint=demo) for path in DEMO)]


def _api() -> ASGIApp:
    from dashboard.service.app import api, shared

    return api(shared())


def _demo() -> ASGIApp:
    from dashboard.service.app import demo_only, shared

    return demo_only(shared())
