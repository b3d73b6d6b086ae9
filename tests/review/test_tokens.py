"""Tokens: shown once, kept hashed, limited, revoked, on the trail."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import NotAllowedError, NotFoundError, StoreError, TokenError
from core.review import Role, Scope, Store, tokens
from core.review.trail import verify
from core.review.vocabulary import now


def _person(store: Store, name: str, *roles: Role) -> int:
    number = store.sign_in("https://idp.test", name, name, None, False).number or 0
    store.set_roles(store.local_user().number or 0, number, roles)
    return number


def test_a_token_is_kept_as_a_hash_and_every_step_is_on_the_trail(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    me = store.local_user().number or 0
    row, token = store.make_token(me, "night job", [Scope.MODELS, Scope.STUDIES], 30)
    assert row.sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert row.expires - row.created == pytest.approx(timedelta(days=30), abs=timedelta(seconds=5))
    owner, scopes = store.token_owner(token)
    assert (owner.number, scopes) == (me, {Scope.MODELS, Scope.STUDIES})
    store.token_owner(token)
    store.revoke_token(me, row.id or 0)
    store.revoke_token(me, row.id or 0)
    actions = [entry.action for entry in reversed(store.audit_trail(f"token:{row.id}"))]
    assert actions == ["token.made", "token.used", "token.revoked"]
    assert json.loads(store.audit_trail(f"token:{row.id}")[-1].payload)["scopes"] == ["models", "studies"]
    with pytest.raises(TokenError, match="not good any more"):
        store.token_owner(token)
    store.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert token.encode() not in kept
    assert token.removeprefix(tokens.BEGINS).encode() not in kept


def test_only_what_was_made_opens_and_only_while_its_owner_may_come_in(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = sqlite_store
    admin = store.local_user().number or 0
    rosa = _person(store, "rosa", Role.REVIEWER)
    _, token = store.make_token(rosa, "mine", [Scope.ARCHIVES], 2)
    for wrong in ("", token[:-1], token + "x", "overread_"):
        with pytest.raises(TokenError):
            store.token_owner(wrong)
    monkeypatch.setattr(tokens, "now", lambda: now() + timedelta(days=2, seconds=1))
    with pytest.raises(TokenError):
        store.token_owner(token)
    monkeypatch.undo()
    assert store.token_owner(token)[0].number == rosa
    store.set_active(admin, rosa, False)
    with pytest.raises(TokenError):
        store.token_owner(token)
    with pytest.raises(NotAllowedError):
        store.make_token(rosa, "another", [Scope.MODELS])


def test_others_see_and_revoke_nothing_but_an_admin_does(sqlite_store: Store) -> None:
    store = sqlite_store
    admin = store.local_user().number or 0
    rosa, ben = _person(store, "rosa", Role.REVIEWER), _person(store, "ben", Role.LEAD)
    row, _ = store.make_token(rosa, "mine", [Scope.MODELS])
    assert store.tokens(ben) == []
    with pytest.raises(NotFoundError):
        store.revoke_token(ben, row.id or 0)
    assert [one.id for one in store.tokens(admin)] == [one.id for one in store.tokens(rosa)] == [row.id]
    assert store.revoke_token(admin, row.id or 0).revoked


def test_what_makes_no_token(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    me = sqlite_store.local_user().number or 0
    for name, scopes, days in (
        (" ", [Scope.MODELS], 1),
        ("a", [], 1),
        ("a", [Scope.MODELS], 0),
        ("a", [Scope.MODELS], 367),
    ):
        with pytest.raises(StoreError):
            sqlite_store.make_token(me, name, scopes, days)
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1)
    row, _ = sqlite_store.make_token(me, "a", [Scope.MODELS])
    with pytest.raises(StoreError, match="Revoke"):
        sqlite_store.make_token(me, "b", [Scope.MODELS])
    sqlite_store.revoke_token(me, row.id or 0)
    sqlite_store.make_token(me, "b", [Scope.MODELS])


def test_a_token_changed_behind_the_trail_is_noticed(sqlite_store: Store, tmp_path: Path) -> None:
    store = sqlite_store
    store.make_token(store.local_user().number or 0, "a", [Scope.MODELS])
    assert verify(store).ok
    with closing(sqlite3.connect(tmp_path / "store" / "overread.sqlite")) as raw:
        raw.execute("""UPDATE api_tokens SET scopes = '["import"]'""")
        raw.commit()
    assert "api_tokens row 1" in verify(store).reason
