"""Counters are closed to everybody, and a sign-out is told as one."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.kit.closed import Closed
from dashboard.kit.idle import SignIns


def test_counters_and_cache_names_are_not_found() -> None:
    async def open_page(_: object) -> PlainTextResponse:
        return PlainTextResponse("cache_names")

    routes = [Route("/_stcore/metrics", open_page), Route("/base/_stcore/metrics", open_page), Route("/ok", open_page)]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(Closed)]))
    for path in ("/_stcore/metrics", "/_stcore/metrics/", "/base/_stcore/metrics"):
        answer = client.get(path)
        assert (answer.status_code, "cache" in answer.text) == (404, False)
    assert client.get("/ok").text == "cache_names"


def test_whoever_signs_out_is_not_told_of_idleness() -> None:
    clock = [1000.0]
    kept = SignIns(60.0, lambda: clock[0])
    assert kept.use("a", 1000.0)
    assert kept.use("b", 1000.0)
    kept.end("a")
    assert (kept.use("a", 1000.0), kept.left("a")) == (False, True)
    clock[0] += 61.0
    assert (kept.use("b", 1000.0), kept.left("b")) == (False, False)
