"""What stands before every route: which address was meant, where the request came from, its size, and the log."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Collection

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
ONCE = ("host", "authorization", "origin", "sec-fetch-site", "content-type", "content-length")


def host_name(value: str) -> str:
    """The name in a Host header, without its port."""
    return value.casefold() if value.endswith("]") else value.rpartition(":")[0].casefold() or value.casefold()


class Incoming:
    """A request's body: how much of it came, and how much may.

    That is little until a route that takes files says more, once it knows who asks: the framework reads the body of any
    other route whole, and before it asks whose it is.

    Attributes:
        refused: why no more was taken, where there was too much.
    """

    def __init__(self, headers: Headers) -> None:
        self._most, self._came = PLAIN_BYTES, 0
        told = headers.get("content-length", "")
        # what has more digits than a number of bytes can have is no number to be counted with
        self._told = int(told[:19]) if told.isascii() and told.isdecimal() else 0
        self.refused: LimitExceededError | None = None

    def allow(self, most: int) -> None:
        """Take as many bytes. Raises ``LimitExceededError`` where the request says that there are more."""
        self._most = most
        self.take(0)

    def take(self, count: int) -> None:
        """Count bytes that came. Raises ``LimitExceededError`` where they, or those that are told of, are too many."""
        self._came += count
        if max(self._came, self._told) > self._most:
            self.refused = LimitExceededError(
                f"The request is larger than {self._most / MIB:,.0f} MiB, the limit here.",
                "Send fewer series at a time.",
            )
            raise self.refused


class Guard:
    """Refuses what is not meant for this server, gives every request a number, and keeps the log free of patients.

    Args:
        hosts: names besides those of this machine under which it answers.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, LOCAL | frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number, began, status = secrets.token_hex(8), time.monotonic(), 0
        incoming = Incoming(Headers(scope=scope))
        scope.setdefault("state", {}).update(request_id=number, incoming=incoming)

        async def counting() -> Message:
            incoming.take(0)
            message = await receive()
            incoming.take(len(message.get("body", b"")))
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

        async def routed(message: Message) -> None:
            if incoming.refused is None or status:  # else whatever a route makes of it, the size is what is told
                await answering(message)

        try:
            self._check(Headers(scope=scope))
            await self._app(scope, counting, routed)
            if incoming.refused is not None and not status:
                raise incoming.refused
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

    def _check(self, headers: Headers) -> None:
        if twice := next((name for name in ONCE if len(headers.getlist(name)) > 1), None):
            # what stands before this server may have looked at the other one
            raise MalformedError(f"The request has more than one {twice.title()}.", "Send one.")
        if headers.get("content-encoding", "identity").casefold() != "identity":
            raise MalformedError("The request's body is compressed.", "Send it as it is, without Content-Encoding.")
        address = headers.get("host", "")
        host = host_name(address)
        if host not in self._hosts:
            raise MalformedError(
                "This server does not answer under the name in the address.",
                "Use localhost, or have OVERREAD_HOSTS name it.",
            )
        origin = headers.get("origin")
        if origin is not None and origin.casefold().partition("://")[2] != address.casefold():
            raise NotAllowedError("Pages of other addresses may not ask this server.", "Ask it from a program.")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise NotAllowedError("Pages of other addresses may not ask this server.", "Ask it from a program.")
