"""Who works with the store, and what they made for themselves: keys, views of the worklist."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.review.vocabulary import Moment, now


class User(SQLModel, table=True):
    """Somebody who works with the store. Readers appear by ``number``; number 1 is the local single user."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    number: int | None = Field(default=None, primary_key=True)
    issuer: str
    subject: str
    name: str
    email: str | None = None
    roles: list[str] = Field(default_factory=list, sa_type=JSON)
    active: bool = True
    created: datetime = Field(default_factory=now, sa_type=Moment)
    last_seen: datetime | None = Field(default=None, sa_type=Moment)


class ApiToken(SQLModel, table=True):
    """A key to the programming interface: whose it is and what for. The key itself is kept nowhere, only its hash.

    ``used`` is when it was used first, ``None`` until then.
    """

    __tablename__ = "api_tokens"

    id: int | None = Field(default=None, primary_key=True)
    user: int = Field(foreign_key="users.number", index=True)
    name: str
    sha256: str = Field(unique=True)
    scopes: list[str] = Field(default_factory=list, sa_type=JSON)
    created: datetime = Field(default_factory=now, sa_type=Moment)
    expires: datetime = Field(sa_type=Moment)
    used: datetime | None = Field(default=None, sa_type=Moment)
    revoked: bool = False


class SavedView(SQLModel, table=True):
    """A worklist view a user gave a name."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    owner: int = Field(foreign_key="users.number")
    name: str
    content: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    shared: bool = False
    saved: datetime = Field(default_factory=now, sa_type=Moment)
