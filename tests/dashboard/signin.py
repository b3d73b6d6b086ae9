"""A dashboard behind a sign-in: a real identity provider (a mock of one, over HTTP), and whom it knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from oidc_provider_mock import User, run_server_in_thread

from tests.dashboard import weights
from tests.dashboard.house import House

ADMIN = "adam@example.org"
PEOPLE = (
    User(sub="rosa", claims={"name": "Rosa R.", "email": "rosa@example.org", "email_verified": True}),
    User(sub="adam", claims={"name": "Adam A.", "email": ADMIN, "email_verified": True}),
    # Anybody can claim an address; only the provider's word for it counts.
    User(sub="mallory", claims={"name": "Mallory", "email": ADMIN, "email_verified": False}),
)


@contextmanager
def provider(people: Sequence[User] = PEOPLE) -> Iterator[str]:
    """Address of a running identity provider."""
    with run_server_in_thread(user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


def guarded(folder: Path, address: str, idle_minutes: float = 30) -> House:
    """A house, not yet started, that lets in whom the provider at an address knows."""
    settings = {"OVERREAD_ADMINS": ADMIN, "OVERREAD_IDLE_MINUTES": str(idle_minutes)}
    house = House(folder, weights.write(folder / "weights"), settings)
    house.sign_in_with(address)
    return house
