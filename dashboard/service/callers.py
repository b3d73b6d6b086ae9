"""Who asks, and what for: a bearer token, or nobody but the person at this machine where no sign-in is configured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from core.errors import NotAllowedError, TokenError
from core.review import Action, Scope, allowed, require
from core.review.people import LOCAL_ISSUER
from core.review.tables import User
from dashboard.service.guard import LOCAL, host_name
from dashboard.service.shared import Shared

LOOPBACK = ("127.0.0.1", "::1", "testclient")
REMEDY = "Send `Authorization: Bearer TOKEN`; tokens are made on the page Records, Tokens."
_bearer = HTTPBearer(auto_error=False, description="A token made on the page Records, Tokens.")


@dataclass(frozen=True)
class Caller:
    """Who asks, and what the token is good for (everything, without one)."""

    user: User
    scopes: frozenset[Scope]

    @property
    def number(self) -> int:
        """The user's number."""
        assert self.user.number is not None  # whoever was let in is in the store
        return self.user.number


def caller(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Caller:
    """Whoever asks.

    Raises:
        TokenError: a token is needed, or it is not good.
        TooManyError: too many requests, or too many tokens tried.
    """
    shared: Shared = request.app.state.shared
    address = request.client.host if request.client else ""
    try:
        found = _found(request, given, shared, address)
    except TokenError:
        shared.failures.take(address)  # who has a good one is let in, whatever others try from the same address
        raise
    shared.rate.take(str(found.number))
    return found


def _found(request: Request, given: HTTPAuthorizationCredentials | None, shared: Shared, address: str) -> Caller:
    signed = shared.signed_in_only()
    if "authorization" not in request.headers:
        local = address in LOOPBACK and host_name(request.headers.get("host", "")) in LOCAL
        if signed or not local:
            raise TokenError("This takes a token.", REMEDY)
        return Caller(shared.store().local_user(), frozenset(Scope))
    if given is None:
        raise TokenError("This takes a bearer token.", REMEDY)
    user, scopes = shared.store().token_owner(given.credentials)
    if signed and user.issuer == LOCAL_ISSUER:
        raise TokenError("This token is from the time before people signed in.", REMEDY)
    return Caller(user, scopes)


async def still(request: Request, needs: Needs) -> bool:
    """Whether who asked would be let in now: a token may be revoked, or a role be taken, while a stream runs."""
    shared: Shared = request.app.state.shared
    given = await _bearer(request)
    address = request.client.host if request.client else ""

    def let_in() -> bool:
        try:
            needs(_found(request, given, shared, address))
        except (TokenError, NotAllowedError):
            return False
        return True

    return await run_in_threadpool(let_in)


class Needs:
    """What a route takes: a scope of the token, and one of these actions by the roles of its owner.

    Attributes:
        answers: the route tells what models say of an image, so it must ask :mod:`dashboard.service.answers` first.
    """

    def __init__(self, scope: Scope, *actions: Action, answers: bool = False) -> None:
        self.scope, self.actions, self.answers = scope, actions, answers

    def __call__(self, who: Annotated[Caller, Depends(caller)]) -> Caller:
        """The caller, who may.

        Raises:
            NotAllowedError: who may not.
        """
        if self.scope not in who.scopes:
            raise NotAllowedError(f"This token is not good for {self.scope}.", "Make one that is.")
        if not any(allowed(who.user, action) for action in self.actions):
            require(who.user, self.actions[0])
        return who
