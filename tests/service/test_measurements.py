"""Measurements over HTTP, asked for with the Python client: one's own, and others' with their opinions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from core.review import Role, Scope, Stage
from core.review.vocabulary import now
from dashboard.service.client import Client, ProblemError
from tests.service import kit

CASE = 2


def length(mm: float) -> dict[str, Any]:
    """A length as the viewer tells it."""
    return {
        "id": f"id-{mm}",
        "kind": "length",
        "slice": 0,
        "points": [[1.5, 2.0], [1.5 + mm, 2.0]],
        "values": {"length": mm, "unit": "px"},
        "text": f"{mm:.1f} px",
    }


def client(service: kit.Service, number: int, *scopes: Scope) -> Client:
    """The client of a person, at the address that the dashboard has it under."""
    token = service.store.make_token(number, "test", scopes)[1]
    mounted = TestClient(Starlette(routes=[Mount("/api", app=service.app)]), client=("127.0.0.1", 5))

    def passed_on(request: httpx.Request) -> httpx.Response:
        answer = mounted.request(
            request.method, str(request.url), headers=dict(request.headers), content=request.content
        )
        return httpx.Response(answer.status_code, content=answer.content)

    return Client("http://localhost", token, transport=httpx.MockTransport(passed_on))


def lock(service: kit.Service, reader: int) -> None:
    """The reader's own opinion, before anything is shown."""
    service.store.lock_opinion(
        CASE, reader, Stage.BLIND, finding=True, label=None, confidence=80, started=now(), seconds=1.0
    )


def test_they_are_told_with_the_opinions_and_no_sooner(service: kit.Service, tmp_path: Path) -> None:
    service.archive(tmp_path / "source")
    first, second = (service.person(name, Role.REVIEWER) for name in ("first", "second"))
    mine, other = (client(service, number, Scope.ARCHIVES) for number in (first, second))
    series = mine.open_case(CASE)["series"][0]["key"]
    service.store.keep_measurements(CASE, first, series, [length(4.25), length(6.5)])

    (own,) = mine.measurements(CASE)
    assert (own["case"], own["reader"], own["series"]) == (CASE, first, series)
    assert own["measurements"] == [length(4.25), length(6.5)]
    assert other.measurements(CASE) == []
    lock(service, first)
    assert other.measurements(CASE) == []  # who has not read the case is not told where others looked
    service.store.keep_measurements(CASE, second, series, [length(9.75)])
    lock(service, second)
    told = {one["reader"]: one["measurements"] for one in other.measurements(CASE)}
    assert told == {first: [length(4.25), length(6.5)], second: [length(9.75)]}
    service.store.keep_measurements(CASE, first, series, [])  # of a final opinion that is not locked yet
    assert {one["reader"] for one in other.measurements(CASE)} == {first, second}
    assert {one["reader"] for one in mine.measurements(CASE)} == {second}


@pytest.mark.parametrize(
    ("role", "scope"), [(Role.STUDENT, Scope.ARCHIVES), (Role.REVIEWER, Scope.STUDIES)], ids=["role", "scope"]
)
def test_they_take_a_role_that_sees_cases_and_a_token_for_archives(
    service: kit.Service, tmp_path: Path, role: Role, scope: Scope
) -> None:
    service.archive(tmp_path / "source")
    asking = client(service, service.person("somebody", role), scope)
    with pytest.raises(ProblemError) as refused:
        asking.measurements(CASE)
    assert (refused.value.status, refused.value.kind) == (403, "not-allowed")


def test_a_case_that_is_not_there_has_none(service: kit.Service) -> None:
    asking = client(service, service.person("somebody", Role.REVIEWER), Scope.ARCHIVES)
    with pytest.raises(ProblemError) as refused:
        asking.measurements(99)
    assert refused.value.status == 404
