#!/usr/bin/env bash
# FastAPI 0.165.0: what a middleware raises from `receive()` while a JSON body is read (that it is too large, say) reaches
# neither the middleware nor the exception handler that is registered for it. FastAPI answers 400, "There was an error
# parsing the body", and the limit looks like damaged JSON. Where the same body is read by the route itself
# (`await request.body()`) the handler is called. The body is read before dependencies run, so before anybody has said
# who asks: a middleware is where a limit has to be, and it has to remember that it refused.
#
# Observed with fastapi 0.165.0 and starlette 1.10.0:
#   a body that the framework reads: 400 {"detail":"There was an error parsing the body"}; seen by the middleware: False
#   a body that the route reads:     413 too large; seen by the middleware: False
#   dependency called before the body was read: False
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet fastapi==0.165.0 starlette==1.10.0 httpx2==2.16.2
"$work/venv/bin/python" - <<'PY'
import sys

import fastapi
from fastapi import Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient


class TooLarge(Exception):
    pass


caught, called = [], []


class Limit:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def counted():
            message = await receive()
            if len(message.get("body", b"")) > 10:
                raise TooLarge
            return message

        try:
            await self.app(scope, counted, send)
        except TooLarge:
            caught.append(scope["path"])


async def who() -> None:
    called.append("who")


app = FastAPI(openapi_url=None)
app.add_middleware(Limit)


@app.exception_handler(TooLarge)
async def told(request: Request, error: Exception) -> PlainTextResponse:
    return PlainTextResponse("too large", 413)


@app.post("/framework", dependencies=[Depends(who)])
def framework(body: dict[str, str]) -> None:
    return None


@app.post("/route")
async def route(request: Request) -> None:
    await request.body()


client = TestClient(app)
one = client.post("/framework", json={"name": "more than ten bytes"})
asked = list(called)
other = client.post("/route", json={"name": "more than ten bytes"})
print("fastapi", fastapi.__version__)
print(f"a body that the framework reads: {one.status_code} {one.text}; seen by the middleware: {'/framework' in caught}")
print(f"a body that the route reads:     {other.status_code} {other.text}; seen by the middleware: {'/route' in caught}")
print(f"dependency called before the body was read: {bool(asked)}")
sys.exit(0 if (one.status_code, other.status_code, caught, asked) == (400, 413, [], []) else 1)
PY
