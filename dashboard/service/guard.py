"""What stands before every route: which address was meant, where the request came from, its size, and the log."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.background import as_error
from core.errors import LimitExceededError, NotAllowedError, OverreadError
from core.imaging.limits import MIB
from dashboard.service import problems
from dashboard.service.problems import MalformedError

LOG = logging.getLogger("overread.service")
LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
PLAIN_BYTES = MIB  # of a request that is no upload


def host_name(value: str) -> str:
    """The name in a Host header, without its port."""
    return value.casefold() if value.endswith("]") else value.rpartition(":")[0].casefold() or value.casefold()


class Guard:
    """Refuses what is not meant for this server, gives every request a number, and keeps the log free of patients.

    Args:
        hosts: names besides those of this machine under which it answers.
        upload_bytes: largest upload.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], upload_bytes: int) -> None:
        self._app, self._hosts, self._upload_bytes = app, LOCAL | frozenset(hosts), upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number, began, status = secrets.token_hex(8), time.monotonic(), 0
        scope.setdefault("state", {})["request_id"] = number
        counted = 0
        most = self._most(Headers(scope=scope))

        async def counting() -> Message:
            nonlocal counted
            message = await receive()
            counted += len(message.get("body", b""))
            if counted > most:
                raise _too_large(most)
            return message

        async def answering(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = number
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        try:
            self._check(Headers(scope=scope), most)
            await self._app(scope, counting, answering)
        except Exception as failure:
            if status:
                raise  # half an answer is out: the connection must break, or it would pass for a whole one
            told = failure if isinstance(failure, OverreadError) else as_error(failure)
            await problems.of(told, number)(scope, receive, answering)
        finally:
            # The route's pattern, not the address: an address could hold anything.
            route = getattr(scope.get("route"), "path", "no route")
            taken = (time.monotonic() - began) * 1000
            LOG.info("%s %s %s %d in %.0f ms", number, scope["method"], route, status, taken)

    def _most(self, headers: Headers) -> int:
        upload = headers.get("content-type", "").startswith("multipart/")
        return self._upload_bytes if upload else PLAIN_BYTES

    def _check(self, headers: Headers, most: int) -> None:
        host = host_name(headers.get("host", ""))
        if host not in self._hosts:
            raise MalformedError(
                "This server does not answer under the name in the address.",
                "Use localhost, or have OVERREAD_HOSTS name it.",
            )
        origin = headers.get("origin")
        if origin is not None and host_name(urlsplit(origin).netloc) != host:
            raise NotAllowedError("Pages of other addresses may not ask this server.", "Ask it from a program.")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise NotAllowedError("Pages of other addresses may not ask this server.", "Ask it from a program.")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > most:
            raise _too_large(most)


def _too_large(most: int) -> LimitExceededError:
    return LimitExceededError(
        f"The request is larger than {most / MIB:,.0f} MiB, the limit here.", "Send fewer series at a time."
    )
