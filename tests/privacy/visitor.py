"""Somebody who speaks to the server as the pages' client does, over its web socket, and reads how a page begins."""

from __future__ import annotations

import http.cookies
import urllib.request
from collections.abc import Mapping

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

XSRF = "_streamlit_xsrf"
SECONDS = 180.0


def xsrf(url: str) -> str:
    """The value against cross-site requests that the server gives a new visitor as a cookie."""
    with urllib.request.urlopen(f"{url}/_stcore/health", timeout=SECONDS) as answer:
        told = http.cookies.SimpleCookie(answer.headers["Set-Cookie"])
    return told[XSRF].value


def opened(url: str, cookies: Mapping[str, str], token: str, origin: str | None = None) -> ClientConnection:
    """The web socket of the pages. Raises what ``websockets`` raises where it is refused.

    Args:
        cookies: of the visitor. token: what the visitor says against cross-site requests.
        origin: the page that asks; by default one of this server.
    """
    kept = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return connect(
        f"{url.replace('http', 'ws', 1)}/_stcore/stream",
        origin=Origin(origin or url),
        subprotocols=[Subprotocol("streamlit"), Subprotocol(token)],
        additional_headers={"Cookie": kept},
        max_size=None,
        max_queue=None,  # else frames that nobody reads keep the server's farewell from being heard, ten seconds long
        proxy=None,
        open_timeout=SECONDS,
    )


def heading(url: str, page: str, cookies: Mapping[str, str]) -> tuple[str, str]:
    """The first heading of a page and the first text after it, for a visitor with these cookies.

    Each is empty where there was none to the page's end.
    """
    token = xsrf(url)
    with opened(url, {**cookies, XSRF: token}, token) as socket:
        return heading_over(socket, url, page)


def heading_over(socket: ClientConnection, url: str, page: str) -> tuple[str, str]:
    """The same over a socket that is open."""
    asked = BackMsg()
    asked.rerun_script.page_name = page
    asked.rerun_script.context_info.url = f"{url}/{page}"
    asked.rerun_script.context_info.timezone = "UTC"
    socket.send(asked.SerializeToString())
    title, text = "", ""
    while not (title and text):
        told = ForwardMsg.FromString(bytes(socket.recv(timeout=SECONDS, decode=False)))
        kind = told.WhichOneof("type")
        if kind == "script_finished":
            break
        if kind != "delta":
            continue
        element = told.delta.new_element
        if element.HasField("heading") and not title:
            title = element.heading.body
        elif element.HasField("markdown") and title:
            text = element.markdown.body
    return title, text
