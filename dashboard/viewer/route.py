"""The viewer's addresses beside the pages: the client's program, and the numbers it asks for.

The server listens before the store's libraries are loaded, so they are imported by who asks for numbers.

The program is the same for everybody and holds nothing of anybody. Numbers are given only to the browser of the person
for whose session they were offered, while that session and that sign-in last; anything else is told "not found".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from streamlit.web.server.starlette import starlette_websocket

from core.errors import OverreadError
from dashboard.viewer import build

if TYPE_CHECKING:
    from dashboard.viewer import shelf

PREFIX = "viewer"
NO_STORE = {
    "Cache-Control": "no-store, private",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
_USER_COOKIE = "_streamlit_user"


def address(*parts: str) -> str:
    """Path of the viewer's addresses, below the server's base path."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return "/" + "/".join(part for part in (base, PREFIX, *parts) if part)


def program() -> str | None:
    """Address of the client's program; ``None`` where it was not bundled."""
    digest = build.built()
    return None if digest is None else address("client", f"{digest}.js")


def routes() -> Sequence[BaseRoute]:
    """What ``Home.py`` mounts."""
    return [Mount(address(), routes=[Route("/client/{name}", _client), Route("/{token}/{part}", _part)])]


def _client(request: Request) -> Response:
    digest = build.built()
    if digest is None or request.path_params["name"] != f"{digest}.js":
        return _not_found()
    kept = NO_STORE | {"Cache-Control": "public, max-age=31536000, immutable"}  # its name is its digest
    return FileResponse(build.BUNDLE, media_type="text/javascript", headers=kept)


def _part(request: Request) -> Response:
    from dashboard.viewer import shelf

    found = shelf.find(request.path_params["token"])
    if found is None or not _is_for(found, request):
        return _not_found()
    data = found.part(request.path_params["part"])
    if data is None:
        return _not_found()
    if data == shelf.NOT_YET:
        return Response(status_code=204, headers=NO_STORE)
    headers = NO_STORE | {"Content-Encoding": "gzip"}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _is_for(found: shelf.Offered, request: Request) -> bool:
    """Whether the browser that asks is signed in as the person of the session, who may still look at something."""
    if found.sign_in is None:
        return True
    from core.review import open_store
    from dashboard.kit import who

    if who.identity(_claims(request))[0] != found.sign_in[0]:
        return False
    try:
        person = open_store().user(found.person)
    except OverreadError:
        return False
    return person.active and bool(person.roles)


def _claims(request: Request) -> dict[str, Any]:
    """What Streamlit's signed cookie says of who is signed in; nothing where it is missing or forged."""
    kept = starlette_websocket._get_signed_cookie_with_chunks(dict(request.cookies), _USER_COOKIE)
    try:
        found = json.loads(kept) if kept else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _not_found() -> Response:
    return PlainTextResponse("Not found", status_code=404, headers=NO_STORE)
