#!/usr/bin/env bash
# Starlette 1.10.0: a StreamingResponse whose client has gone before its first piece never begins its generator, so the
# generator's `finally` does not run, not at the end and not when it is collected: Python runs nothing of a generator
# that was not begun. A place, a lock or a connection that was taken for the stream and is given back there stays taken.
# What wraps the response's own `__call__` runs in every case.
#
# Observed with starlette 1.10.0, the client there and the client gone:
#   there: the generator's finally ran: True, the response's: True
#   gone:  the generator's finally ran: False, the response's: True
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet starlette==1.10.0
"$work/venv/bin/python" - <<'PY'
import asyncio
import gc
import sys

import starlette
from starlette.responses import StreamingResponse


class Held(StreamingResponse):
    def __init__(self, content, ran):
        super().__init__(content)
        self.ran = ran

    async def __call__(self, scope, receive, send):
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.ran.append("response")


async def asked(gone: bool) -> list[str]:
    ran: list[str] = []

    async def pieces():
        try:
            yield b"one"
        finally:
            ran.append("generator")

    async def receive():
        return {"type": "http.disconnect"} if gone else await asyncio.Future()

    async def send(message):
        await asyncio.sleep(0)

    await Held(pieces(), ran)({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)
    gc.collect()
    await asyncio.sleep(0)
    return ran


print("starlette", starlette.__version__)
found = {}
for gone in (False, True):
    found[gone] = asyncio.run(asked(gone))
    there = "gone: " if gone else "there:"
    print(f"{there} the generator's finally ran: {'generator' in found[gone]}, the response's: {'response' in found[gone]}")
sys.exit(0 if found == {False: ["generator", "response"], True: ["response"]} else 1)
PY
