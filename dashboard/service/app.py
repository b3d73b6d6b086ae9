"""The application: routers, what stands before them, and errors as problems."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from core.errors import OverreadError
from core.review import open_store
from core.settings import settings
from dashboard.service import problems, reference
from dashboard.service.guard import Guard
from dashboard.service.problems import Problem
from dashboard.service.routers import archives, cases, demo, models, results, reviews, studies
from dashboard.service.shared import Shared

VERSION = "1.0"
TITLE = "Overread"
ABOUT = (
    "A second opinion on cancer scans, for research and teaching only. Errors are problems (RFC 9457) with a `remedy`. "
    "An image that waits for your own opinion tells nothing of what models say until you have locked it."
)
_making = Lock()
# Nothing is reported anywhere, whatever the environment says.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
_TOLD: dict[str, Any] = {
    "model": Problem,
    "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "Malformed"},
    401: {"description": "A token is needed, or it is not good"},
    403: {"description": "Not allowed, or the image waits for your own opinion"},
    404: {"description": "Not found"},
    408: {"description": "The body did not come"},
    409: {"description": "Not as things are"},
    413: {"description": "Too large"},
    422: {"description": "Not usable"},
    429: {"description": "Too many at once: wait as long as Retry-After says"},
    503: {
        "description": "No memory left for scans, or the store cannot be used: wait as long as Retry-After says; with "
        "`memory-full`, or let studies of yours go"
    },
}


def shared() -> Shared:
    """What the process shares: the engine is that of the pages."""
    with _making:
        return _made()


@cache
def _made() -> Shared:
    from dashboard.kit.accounts import configured
    from dashboard.kit.engine import engine

    return Shared(open_store, engine, configured, settings())


def api(with_: Shared) -> FastAPI:
    """The whole interface, as it lies under ``/api``."""
    made = _bare(with_)
    v1 = APIRouter(prefix="/v1", responses={code: one | _TOLD for code, one in REFUSALS.items()})
    for one in (models, studies, reviews, results, archives, cases):
        v1.include_router(one.router)
    made.include_router(v1)
    made.include_router(demo.router, responses={code: one | _TOLD for code, one in REFUSALS.items()})

    @made.get("/v1/openapi.json", include_in_schema=False)
    def schema(request: Request) -> dict[str, Any]:
        return made.openapi() | {"servers": [{"url": str(request.scope.get("root_path") or "/")}]}

    @made.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(reference.page(made.openapi()), headers={"Content-Security-Policy": reference.POLICY})

    return made


def demo_only(with_: Shared) -> FastAPI:
    """The published demo's end points at their own addresses."""
    made = _bare(with_)
    made.include_router(demo.router)
    return made


def _bare(with_: Shared) -> FastAPI:
    made = FastAPI(
        title=TITLE,
        version=VERSION,
        description=ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name this server by the scheme it speaks behind its proxy
        telemetry=NO_TELEMETRY,
    )
    made.state.shared = with_
    made.add_middleware(Guard, hosts=with_.settings.hosts)
    made.add_exception_handler(OverreadError, _told)
    made.add_exception_handler(RequestValidationError, _invalid)
    made.add_exception_handler(HTTPException, _other)
    return made


def _number(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, OverreadError)
    return problems.of(error, _number(request))


async def _invalid(request: Request, error: Exception) -> Response:
    """What was wrong, without what was sent: that may be anything."""
    assert isinstance(error, RequestValidationError)
    said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5])
    return problems.answer(422, "invalid-request", said, "Correct the request as the reference says.", _number(request))


async def _other(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = {404: "no-such-address", 405: "method-not-allowed"}.get(error.status_code, "request")
    remedy = "The reference at /api/docs lists what there is."
    return problems.answer(error.status_code, kind, str(error.detail), remedy, _number(request), error.headers)
