"""Files of the program that every browser loads once: from memory, compressed once for all.

Streamlit sends its own client as it lies on the disk, thread by thread, and what it compresses it compresses anew for
everybody, while all others wait: a class that opens its page at once would stand still. Only files that are known to
be there are kept, and their addresses change with their content.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import streamlit
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FOLDER = Path(streamlit.__file__).parent / "static"
_SPENT = (b"content-length", b"etag", b"vary")
_OTHERWISE = (b"range", b"if-none-match", b"if-modified-since")  # who asks so is answered as without this


def of_streamlit(base: str) -> set[str]:
    """Addresses of the files of Streamlit's client whose names hold a hash, below the server's base path."""
    start = f"/{base.strip('/')}".rstrip("/")
    return {f"{start}/{file.relative_to(_FOLDER).as_posix()}" for file in _FOLDER.glob("static/*/*") if file.is_file()}


@dataclass(frozen=True)
class _Kept:
    start: Message
    body: bytes


class ClientFiles:
    """Keeps the answers for some addresses, compressed where that makes them smaller.

    Args:
        paths: the addresses.
    """

    def __init__(self, app: ASGIApp, paths: Iterable[str]) -> None:
        self._app = app
        self._paths = frozenset(paths)
        self._kept: dict[str, asyncio.Task[_Kept | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or hand on."""
        if not self._may(scope):
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path not in self._kept:
            self._kept[path] = asyncio.create_task(self._made(scope))
        try:
            kept = await asyncio.shield(self._kept[path])
        except Exception:  # whatever it was, it is met again below, where the server tells it this visitor
            kept = None
        if kept is None:
            self._kept.pop(path, None)
            await self._app(scope, receive, send)
            return
        await send(kept.start)
        await send({"type": "http.response.body", "body": kept.body})

    def _may(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] not in self._paths:
            return False
        headers = dict(scope["headers"])
        offered = [one.split(b";") for one in headers.get(b"accept-encoding", b"").replace(b" ", b"").split(b",")]
        taken = any(name == b"gzip" and b"q=0" not in how for name, *how in offered)
        return taken and not any(name in headers for name in _OTHERWISE)

    async def _made(self, scope: Scope) -> _Kept | None:
        """The whole answer, compressed; ``None`` where it is no file's, or is for one visitor."""
        start: Message | None = None
        body = bytearray()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        asked_for = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Message:
            message = next(asked_for, None)
            if message is None:
                await asyncio.Event().wait()  # nobody hangs up
            return message or {"type": "http.disconnect"}

        asked = [pair for pair in scope["headers"] if pair[0] == b"host"]
        await self._app({**scope, "headers": asked, "extensions": {}}, receive, collect)
        if (
            start is None
            or start["status"] != 200
            or any(pair[0].lower() == b"set-cookie" for pair in start["headers"])
        ):
            return None
        whole = bytes(body)
        packed = await run_in_threadpool(gzip.compress, whole, 9, mtime=0)
        headers = [pair for pair in start["headers"] if pair[0].lower() not in _SPENT]
        headers.append((b"vary", b"Accept-Encoding"))
        if len(packed) < len(whole):
            headers.append((b"content-encoding", b"gzip"))
            whole = packed
        headers.append((b"content-length", str(len(whole)).encode()))
        return _Kept({**start, "headers": headers}, whole)
