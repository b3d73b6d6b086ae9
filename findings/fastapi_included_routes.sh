#!/usr/bin/env bash
# FastAPI 0.165.0: routes of an included router are not in `app.routes`. The list holds one object for the whole router,
# without path, methods or dependencies, so code that walks `app.routes` for APIRoute (to check that every route asks
# for a right, to list addresses) finds none of them, and an `all(...)` over what it finds is true. They are served all
# the same, and `fastapi.routing.iter_route_contexts(app.routes)` has them.
#
# Observed with fastapi 0.165.0 and starlette 1.10.0:
#   paths of the APIRoutes in app.routes: []
#   paths of iter_route_contexts: ['/v1/things']
#   GET /v1/things: 200
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet fastapi==0.165.0 starlette==1.10.0 httpx2==2.16.2
"$work/venv/bin/python" - <<'PY'
import sys

import fastapi
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient

router = APIRouter(prefix="/v1")


@router.get("/things")
def things() -> list[str]:
    return []


app = FastAPI(openapi_url=None)
app.include_router(router)
listed = [route.path for route in app.routes if isinstance(route, APIRoute)]
found = [context.path for context in iter_route_contexts(app.routes)]
status = TestClient(app).get("/v1/things").status_code
print("fastapi", fastapi.__version__)
print(f"paths of the APIRoutes in app.routes: {listed}")
print(f"paths of iter_route_contexts: {found}")
print(f"GET /v1/things: {status}")
sys.exit(0 if (listed, found, status) == ([], ["/v1/things"], 200) else 1)
PY
