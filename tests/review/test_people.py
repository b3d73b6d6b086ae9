"""Who may do what, and that nobody gets a role by being quick, by a foreign address or by accident."""

from __future__ import annotations

import json

import pytest

from core.errors import NotAllowedError, NotFoundError
from core.review import ALLOWED, Action, Role, Store, allowed, require
from core.review.tables import User
from tests.review.casebook import archive, person


def test_the_local_user_is_number_1_with_every_role(store: Store) -> None:
    local = store.local_user()
    assert local.number == 1
    assert set(local.roles) == set(Role)
    assert all(allowed(local, action) for action in Action)
    assert store.local_user().created == local.created
    assert len(store.users()) == 1


def test_who_signs_in_first_gets_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OVERREAD_ADMINS", raising=False)
    user = store.sign_in("https://id.test", "42", "Quick", "quick@test", True)
    assert user.roles == []
    assert user.number != 1  # number 1 stays the local user, who has every role
    assert not any(allowed(user, action) for action in Action)
    again = store.sign_in("https://id.test", "42", "Quick Renamed", "quick@test", True)
    assert (again.number, again.name) == (user.number, "Quick Renamed")
    assert store.sign_in("https://other.test", "42", "Namesake", None, False).number != user.number


@pytest.mark.parametrize(
    ("email", "verified", "expected"),
    [
        ("Lead@Hospital.test", True, ["admin"]),
        ("lead@hospital.test", False, []),
        ("lead@hospital.test.evil", True, []),
        ("groSS@hospital.test", True, []),  # another mailbox than "groß", though both fold to one text
        ("groß@hospital.test", True, ["admin"]),
        ("\N{KELVIN SIGN}urt@hospital.test", True, []),
        (None, True, []),
        ("", True, []),
    ],
)
def test_admins_are_named_by_the_operator(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, email: str | None, verified: bool, expected: list[str]
) -> None:
    monkeypatch.setenv(
        "OVERREAD_ADMINS", " lead@hospital.test, ,other@hospital.test,groß@hospital.test,kurt@hospital.test"
    )
    assert sqlite_store.sign_in("https://id.test", "1", "Lead", email, verified).roles == expected


@pytest.mark.parametrize(("issuer", "subject"), [("local", "local"), ("", "1"), ("https://id.test", "")])
def test_nobody_signs_in_as_the_local_user_or_as_nobody(sqlite_store: Store, issuer: str, subject: str) -> None:
    with pytest.raises(NotAllowedError):
        sqlite_store.sign_in(issuer, subject, "Somebody", "a@test", True)


def test_only_an_admin_grants_roles(store: Store) -> None:
    reviewer = person(store, "reviewer", Role.REVIEWER)
    with pytest.raises(NotAllowedError):
        store.set_roles(reviewer, reviewer, [Role.ADMIN])
    with pytest.raises(NotAllowedError):
        store.set_active(reviewer, 1, False)
    with pytest.raises(NotFoundError):
        store.set_roles(1, 999, [Role.ADMIN])
    with pytest.raises(ValueError, match="radiologist"):
        store.set_roles(1, reviewer, ["radiologist"])  # type: ignore[list-item]
    assert store.user(reviewer).roles == ["reviewer"]
    assert store.set_roles(1, reviewer, [Role.LEAD, Role.REVIEWER]).roles == ["lead", "reviewer"]
    payload = json.loads(store.audit_trail(f"user:{reviewer}")[0].payload)
    assert (payload["before"], payload["roles"]) == (["reviewer"], ["lead", "reviewer"])


def test_the_last_admin_who_signs_in_cannot_resign(sqlite_store: Store) -> None:
    admin = person(sqlite_store, "admin", Role.ADMIN)
    for resign in (
        lambda: sqlite_store.set_roles(admin, admin, []),
        lambda: sqlite_store.set_active(admin, admin, False),
    ):
        with pytest.raises(NotAllowedError, match="last admin who signs in"):
            resign()
    assert allowed(sqlite_store.user(admin), Action.MANAGE_USERS)
    other = person(sqlite_store, "other", Role.ADMIN)
    assert sqlite_store.set_roles(other, admin, []).roles == []


def test_somebody_stays_admin(sqlite_store: Store) -> None:
    sqlite_store.local_user()
    with pytest.raises(NotAllowedError):
        sqlite_store.set_roles(1, 1, [Role.REVIEWER])
    with pytest.raises(NotAllowedError):
        sqlite_store.set_active(1, 1, False)
    assert sqlite_store.user(1).active
    other = person(sqlite_store, "other", Role.ADMIN)
    sqlite_store.set_active(other, 1, False)
    assert not sqlite_store.user(1).active


def test_a_deactivated_user_can_do_nothing(sqlite_store: Store) -> None:
    lead = person(sqlite_store, "lead", Role.LEAD)
    archive_id = archive(sqlite_store)
    sqlite_store.set_active(1, lead, False)
    with pytest.raises(NotAllowedError):
        sqlite_store.add_archive(lead, "Mine")
    with pytest.raises(NotAllowedError):
        sqlite_store.revealed(archive_id, lead)
    with pytest.raises(NotAllowedError):
        sqlite_store.sign_in("https://id.test", "lead", "lead", "lead@test", True)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.STUDENT, {Action.LEARN}),
        (Role.TEACHER, {Action.LEARN, Action.TEACH, Action.OVERRULE}),
        (Role.ADMIN, {Action.MANAGE_USERS, Action.EXPORT, Action.AUDIT}),
        (
            Role.REVIEWER,
            {Action.VIEW, Action.READ, Action.PEER_REVIEW, Action.REPORT, Action.OVERRULE, Action.LEARN},
        ),
        (Role.ARBITER, {Action.VIEW, Action.ARBITRATE, Action.REPORT, Action.OVERRULE, Action.LEARN}),
    ],
)
def test_the_table_of_actions(role: Role, may: set[Action]) -> None:
    user = User(issuer="i", subject="s", name="n", roles=[role.value])
    assert {action for action in Action if allowed(user, action)} == may
    assert set(ALLOWED) == set(Action)
    for action in set(Action) - may:
        with pytest.raises(NotAllowedError, match="takes the role"):
            require(user, action)
    user.active = False
    assert not any(allowed(user, action) for action in Action)
