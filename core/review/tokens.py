"""Tokens of the programming interface: made, shown once, kept as a hash, revoked; each step is on the trail."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from sqlmodel import col, select

from core.errors import NotAllowedError, NotFoundError, StoreError, TokenError
from core.review.cases import clean
from core.review.database import Database
from core.review.people import Action, acting, allowed
from core.review.tables import ApiToken, User
from core.review.trail import decide
from core.review.vocabulary import Scope, now

BEGINS = "overread_"  # tells what it is when it turns up where it should not be
BYTES = 32  # random ones: no hash of so many can be searched, so none needs salt or stretching
MOST_DAYS = 366
MOST_TOKENS = 50  # good ones of one user
REMEDY = "Make another one on the page Records, Tokens."


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class Tokens(Database):
    """Keys to the programming interface."""

    def make_token(self, user: int, name: str, scopes: Iterable[Scope], days: int = 90) -> tuple[ApiToken, str]:
        """Make a token for oneself.

        Args:
            user: whose it is, and who makes it.
            name: what it is for, in the owner's words.
            scopes: what it is good for; the owner's roles limit that further at every use.
            days: until it expires, 1 to 366.

        Returns:
            The row, and the token itself: it is told this once and kept nowhere.

        Raises:
            NotAllowedError: the user has no role, or was deactivated.
            StoreError: no name, no scope, too many days or tokens.
        """
        kept = sorted({Scope(scope).value for scope in scopes})
        name = clean(name).strip()
        if not name or not kept or not 1 <= days <= MOST_DAYS:
            raise StoreError(
                f"A token needs a name, something it is good for, and 1 to {MOST_DAYS} days.", "Fill them in."
            )
        token = BEGINS + secrets.token_urlsafe(BYTES)
        with self.writing() as session:
            owner = acting(session, user)
            if not owner.active or not owner.roles:
                raise NotAllowedError("A token takes an active account with a role.", "Ask an admin for one.")
            mine = select(ApiToken).where(ApiToken.user == user, col(ApiToken.revoked).is_(False))
            if sum(one.expires > now() for one in session.exec(mine)) >= MOST_TOKENS:
                raise StoreError(f"You have {MOST_TOKENS} tokens that are good.", "Revoke one that is not used.")
            row = ApiToken(user=user, name=name, sha256=_hash(token), scopes=kept, expires=now() + timedelta(days=days))
            session.add(row)
            session.flush()
            decide(session, user, "token.made", f"token:{row.id}", row, scopes=kept, days=days)
            return row, token

    def tokens(self, actor: int) -> list[ApiToken]:
        """A user's own tokens, newest first; an admin sees everybody's."""
        with self.reading() as session:
            user = acting(session, actor)
            query = select(ApiToken).order_by(col(ApiToken.id).desc())
            if not allowed(user, Action.MANAGE_USERS):
                query = query.where(ApiToken.user == actor)
            return list(session.exec(query))

    def revoke_token(self, actor: int, token_id: int) -> ApiToken:
        """Make a token useless at once, for good.

        Raises:
            NotFoundError: there is no such token, or it is somebody else's and the actor is no admin.
        """
        with self.writing() as session:
            user = acting(session, actor)
            row = session.get(ApiToken, token_id)
            if row is None or (row.user != actor and not allowed(user, Action.MANAGE_USERS)):
                raise NotFoundError(f"There is no token {token_id}.")
            if not row.revoked:
                row.revoked = True
                decide(session, actor, "token.revoked", f"token:{row.id}", row)
            return row

    def token_owner(self, token: str) -> tuple[User, frozenset[Scope]]:
        """Whose a token is and what it is good for; its first use is put on the trail.

        Raises:
            TokenError: it is none, expired or revoked, or its owner was deactivated.
        """
        with self.reading() as session:
            row = session.exec(select(ApiToken).where(ApiToken.sha256 == _hash(token))).first()
            if row is None:
                raise TokenError("This token is not known.", REMEDY)
            owner = acting(session, row.user)
        if row.revoked or row.expires <= now() or not owner.active:
            raise TokenError("This token is not good any more.", REMEDY)
        if row.used is None:
            self._first_use(row.id or 0)
        return owner, frozenset(Scope(scope) for scope in row.scopes)

    def _first_use(self, token_id: int) -> None:
        with self.writing() as session:
            row = session.get(ApiToken, token_id)
            if row is not None and row.used is None:
                row.used = now()
                decide(session, row.user, "token.used", f"token:{row.id}", row)
