"""Files that every browser loads are kept, compressed once, and nothing else is."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.client_files import ClientFiles, of_streamlit

PROGRAM = b"const answer = 42;\n" * 500
NOISE = bytes(range(256))


class Inner:
    """What lies below: counts what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.there = True
        (folder / "a.js").write_bytes(PROGRAM)
        self._folder = folder

    def answer(self, request: Request) -> Response:
        """A file, a stream, something small, or something for one visitor."""
        name = request.path_params["name"]
        self.asked.append(name)
        if not self.there:
            return PlainTextResponse("not yet", 404)
        if name == "stream.js":
            return StreamingResponse(iter([PROGRAM, PROGRAM]), media_type="text/javascript")
        if name == "font.woff2":
            return Response(NOISE, media_type="font/woff2")
        if name == "mine.js":
            return Response(PROGRAM, headers={"set-cookie": f"who={len(self.asked)}"})
        return FileResponse(self._folder / "a.js", headers={"cache-control": "immutable"})


@pytest.fixture
def inner(tmp_path: Path) -> Inner:
    return Inner(tmp_path)


@pytest.fixture
def client(inner: Inner) -> TestClient:
    known = [f"/static/{name}" for name in ("a.js", "stream.js", "font.woff2", "mine.js")]
    routes = [Route("/static/{name}", inner.answer, methods=["GET", "POST"])]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(ClientFiles, paths=known)]))


@pytest.mark.parametrize(("name", "whole"), [("a.js", PROGRAM), ("stream.js", PROGRAM * 2), ("font.woff2", NOISE)])
def test_it_is_made_once_and_says_what_the_file_says(client: TestClient, inner: Inner, name: str, whole: bytes) -> None:
    plain = client.get(f"/static/{name}", headers={"accept-encoding": "identity"})
    answers = [client.get(f"/static/{name}", headers={"accept-encoding": "gzip, br"}) for _ in range(3)]
    assert inner.asked == [name] * 2
    for answer in answers:
        assert answer.content == plain.content == whole
        assert answer.headers["content-type"] == plain.headers["content-type"]
        assert answer.headers.get("cache-control") == plain.headers.get("cache-control")
        small = len(gzip.compress(whole)) < len(whole)
        assert answer.headers.get("content-encoding") == ("gzip" if small else None)
        assert int(answer.headers["content-length"]) <= len(whole)
        assert answer.headers["vary"] == "Accept-Encoding"


def test_who_asks_otherwise_gets_what_was_asked_for(client: TestClient, inner: Inner) -> None:
    client.get("/static/a.js")
    part = client.get("/static/a.js", headers={"range": "bytes=0-4"})
    assert (part.status_code, part.content) == (206, PROGRAM[:5])
    refused = client.get("/static/a.js", headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    assert client.post("/static/a.js").content == PROGRAM
    assert inner.asked == ["a.js"] * 4


def test_nothing_for_one_visitor_and_nothing_unknown_is_kept(client: TestClient, inner: Inner) -> None:
    assert [client.get("/static/mine.js").headers["set-cookie"] for _ in range(2)] == ["who=2", "who=4"]
    for _ in range(2):
        client.get("/static/other.js")
    assert inner.asked[-2:] == ["other.js"] * 2
    inner.there = False
    assert client.get("/static/a.js").status_code == 404
    inner.there = True
    assert client.get("/static/a.js").content == PROGRAM


def test_the_addresses_are_those_of_files_with_a_hash_in_their_names() -> None:
    folder = Path(streamlit.__file__).parent / "static"
    named = of_streamlit("/base/")
    assert len(named) > 100
    assert all((folder / path.removeprefix("/base/")).is_file() for path in named)
    assert "/base/index.html" not in named
    assert {path.removeprefix("/base") for path in named} == of_streamlit("")
