"""Errors as RFC 9457 has them: what went wrong, in the user's words, and what helps."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from core import errors
from core.errors import OverreadError

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What every answer that is not a result looks like."""

    type: str = Field(description="Kind of the problem, as a URN that stays the same.")
    title: str
    status: int
    detail: str
    remedy: str = Field("", description="What helps.")
    request_id: str = Field("", description="Names this request in the server's log.")
    error: str = Field("", description="Detail and remedy in one, as the published demo had it.")


class TooManyError(OverreadError):
    """More than a caller, or all of them, may ask for at once.

    Args:
        seconds: after which it may be tried again.
    """

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message, "Wait as long as Retry-After says.")
        self.seconds = max(1, round(seconds + 0.5))


class NotReadyError(OverreadError):
    """What was asked for is still being made."""


class MalformedError(OverreadError):
    """The request is not of the form that the interface takes."""


class SilentError(OverreadError):
    """The request's body does not come."""


STATUS: Mapping[type[OverreadError], tuple[int, str]] = {
    MalformedError: (400, "malformed-request"),
    SilentError: (408, "body-missing"),
    errors.TokenError: (401, "token"),
    errors.NotAllowedError: (403, "not-allowed"),
    errors.BlindingError: (403, "blind"),
    errors.NotFoundError: (404, "not-found"),
    NotReadyError: (409, "not-ready"),
    errors.AlreadyLockedError: (409, "locked"),
    errors.ModelUnavailableError: (409, "no-model"),
    errors.ModelVersionError: (409, "model-version"),
    errors.ArchiveError: (409, "archive"),
    errors.ReportError: (409, "report"),
    errors.MemoryFullError: (503, "memory-full"),
    errors.LimitExceededError: (413, "too-large"),
    errors.EncryptedFileError: (422, "encrypted"),
    errors.UnreadableFileError: (422, "unreadable"),
    errors.ContractError: (422, "unfit-image"),
    errors.SystemMismatchError: (422, "no-system"),
    TooManyError: (429, "too-many"),
    errors.EngineBusyError: (429, "busy"),
    errors.StoreAwayError: (503, "store-away"),
    errors.StoreDamagedError: (500, "damaged"),
    errors.StoreError: (409, "refused"),
}
_BUSY_SECONDS = 5
_AWAY = "The store cannot be used now: its disk or its database refuses. Nothing of the request was kept."
_LATER = "Ask again later; who runs this server is told why on its pages."


def of(error: OverreadError, request_id: str = "") -> JSONResponse:
    """The answer that tells an error."""
    status, kind = next((STATUS[c] for c in type(error).__mro__ if c in STATUS), (500, "unexpected"))
    headers = {}
    if status in (429, 503):
        headers["Retry-After"] = str(error.seconds if isinstance(error, TooManyError) else _BUSY_SECONDS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, errors.StoreAwayError):  # its own words may name the server's folders and its database
        return answer(status, kind, _AWAY, _LATER, request_id, headers)
    return answer(status, kind, error.message, error.remedy, request_id, headers)


def answer(
    status: int,
    kind: str,
    detail: str,
    remedy: str = "",
    request_id: str = "",
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem as an answer."""
    told = Problem(
        type=f"urn:overread:problem:{kind}",
        title=kind.replace("-", " ").capitalize(),
        status=status,
        detail=detail,
        remedy=remedy,
        request_id=request_id,
        error=f"{detail} {remedy}".strip(),
    )
    return JSONResponse(told.model_dump(), status, dict(headers or {}), MEDIA_TYPE)
