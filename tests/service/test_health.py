"""A server that is busy says that it lives: health waits neither for a thread nor for the models."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import anyio.to_thread
import pytest

from core.engine.results import ModelStatus
from core.review import Role
from dashboard.service.shared import DEMO_SYSTEM
from tests.service import kit

HEALTHY = {"status": "healthy", "model_loaded": False, "model_type": ""}  # the kit's models answer no chest CT


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Work that lasts until it is set; whatever a test comes to, it ends."""
    event = threading.Event()
    yield event
    event.set()


def test_health_answers_while_every_thread_is_taken(
    service: kit.Service, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = threading.Semaphore(0)

    def long(*_: Any, **__: Any) -> tuple[()]:
        arrived.release()
        assert held.wait(60)
        return ()

    monkeypatch.setattr(service.engine, "states", long)
    token = service.token(Role.REVIEWER)
    with service.client(token) as client:  # one event loop for all of it, as in the server

        def few() -> None:
            anyio.to_thread.current_default_thread_limiter().total_tokens = 2

        assert client.portal is not None
        client.portal.call(few)
        monkeypatch.setattr("dashboard.service.readiness.WAIT_SECONDS", 0.05)
        crowd = [threading.Thread(target=client.get, args=("/v1/systems/brain-mr/models",)) for _ in range(2)]
        for one in crowd:
            one.start()
        for _ in crowd:
            assert arrived.acquire(timeout=30)
        answers = [client.get("/health") for _ in range(3)]
        assert all(one.is_alive() for one in crowd)
        assert [(one.status_code, one.json()) for one in answers] == [(200, HEALTHY)] * 3
        held.set()
        for one in crowd:
            one.join(30)


def test_while_models_are_checked_those_of_the_last_check_are_told(
    service: kit.Service, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, looks = service.engine.states, []

    def states(name: str | None = None) -> Any:
        looks.append(name)
        if len(looks) > 1:
            assert held.wait(60)
        return real(kit.SYSTEM)

    monkeypatch.setattr(service.engine, "states", states)
    monkeypatch.setattr("dashboard.service.readiness.WAIT_SECONDS", 30)
    client = service.client()
    first = client.get("/health").json()
    names = [s.name for s in real(kit.SYSTEM) if s.status is ModelStatus.READY]
    assert (first["model_loaded"], set(first["model_type"].split(" + "))) == (True, set(names))
    monkeypatch.setattr("dashboard.service.readiness.WAIT_SECONDS", 0.05)
    assert [client.get("/health").json() for _ in range(3)] == [first] * 3
    assert looks == [DEMO_SYSTEM] * 2  # whoever comes meanwhile waits for the same look


def test_an_engine_that_cannot_be_made_is_no_health(service: kit.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str | None = None) -> Any:
        raise RuntimeError

    monkeypatch.setattr(service.engine, "states", broken)
    assert service.client().get("/health").status_code == 500
