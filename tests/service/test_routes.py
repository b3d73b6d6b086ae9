"""Every route, for every role, while an image waits for the caller's own opinion and after it was locked."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.testclient import TestClient

from core.imaging import read
from core.review import ALLOWED, Action, Role, Scope, Stage, Store
from core.review.vocabulary import now
from core.systems import Match
from dashboard.service.callers import Needs
from dashboard.service.kept import KeptStudy
from tests.review import archive_kit
from tests.service import kit

CASE = 2  # the bright picture of patient A; its record is clear
LEVEL, NUMBER = 0.9, 2
OPEN_TO_ALL = {("GET", "/health")}
BODIES: dict[str, Any] = {
    "/v1/studies/{study}/reviews": {},
    "/v1/reviews/{review}/overrule": {"reason": "it is one"},
    "/v1/archives/{archive}/scorings": {"system": kit.SYSTEM},
    # An open opinion is refused while the case is blind, so that asking for every route releases nothing.
    "/v1/cases/{case}/opinions": {"stage": "open", "finding": True, "confidence": 50, "seconds": 1},
}


@dataclass
class House:
    service: kit.Service
    archive: int
    tokens: dict[Role | None, tuple[int, str]]


@pytest.fixture(scope="module")
def house(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(empty_store, root / "store")
    store = Store.open(str(root / "store"))
    service = kit.service(store, api_per_minute=100_000)
    archive = service.archive(root / "source")
    tokens = {}
    for role in (None, *Role):
        number = service.person(str(role), *([role] if role else [Role.STUDENT]))
        tokens[role] = number, store.make_token(number, "test", list(Scope))[1]
        service.person(str(role), *([role] if role else []))
    yield House(service, archive, tokens)
    store.close()


def _routes(house: House) -> list[tuple[str, str, Needs | None]]:
    found = []
    for context in iter_route_contexts(house.service.app.routes):
        route, path = context.original_route, context.path or ""
        if isinstance(route, APIRoute) and route.include_in_schema:
            needs = [d.call for d in route.dependant.dependencies if isinstance(d.call, Needs)]
            found += [(method, path, needs[0] if needs else None) for method in route.methods]
    return sorted(found, key=lambda one: (one[0] == "DELETE", one[1], one[0]))


def _said() -> list[str]:
    """What the models say of the picture, as it would stand in any text."""
    grey = read([("a.png", archive_kit.image(LEVEL, NUMBER))]).series[0].pixels.mean() / 255
    return [f"{grey + bias:.6f}"[:6] for bias in kit.Engine().bias.values()]


def _study(house: House, number: int) -> tuple[str, str]:
    """The picture in the caller's hands, with a review that was made before the case came in."""
    study = read([("mine.png", archive_kit.image(LEVEL, NUMBER))])
    kept = house.service.shared.kept.add(KeptStudy(number, study, Match(kit.SYSTEM, 0, "test", True), kit.SYSTEM, 0))
    engine: Any = house.service.engine
    review = house.service.shared.kept.begin(kept, kit.SYSTEM, 0, engine)
    review.job.join(30)
    assert review.job.result is not None
    return kept.id, review.id


def _ask(house: House, client: TestClient, method: str, path: str, places: dict[str, Any]) -> httpx.Response:
    address = re.sub(r"{(\w+)(:\w+)?}", lambda m: str(places[m[1]]), path)
    more: dict[str, Any] = {}
    if path in BODIES:
        more["json"] = BODIES[path]
    elif path == "/v1/archives" and method == "POST":
        more["json"] = {"name": f"made {len(house.service.store.archives())}"}
    elif path.endswith(("/studies", "/imports")) and method == "POST":
        more["files"] = [("files", ("a.png", archive_kit.image(0.5, 99)))]
    elif path == "/predict/":
        more["files"] = [("file", ("a.png", archive_kit.image(LEVEL, NUMBER)))]
    elif path.startswith("/v1/archives/{archive}/"):
        more["params"] = {"system": kit.SYSTEM}
    answer: Any = client.request(method, address, **more)
    return answer


def _walk(house: House, role: Role | None) -> dict[tuple[str, str], tuple[Needs | None, httpx.Response]]:
    """Ask for every route once."""
    number, token = house.tokens[role]
    study, review = _study(house, number)
    places = {"system": kit.SYSTEM, "model": "unet", "table": "performance", "study": study, "series": 0, "index": 0}
    places |= {"review": review, "kind": "csv", "archive": house.archive, "case": CASE}
    client = house.service.client(token)
    return {
        (method, path): (needs, _ask(house, client, method, path, places)) for method, path, needs in _routes(house)
    }


def _may(role: Role | None, needs: Needs) -> bool:
    return role is not None and any(role in ALLOWED[action] for action in needs.actions)


def _of_one_image(path: str) -> bool:
    return "{review}" in path or path in ("/v1/studies/{study}/reviews", "/predict/")


def test_every_route_says_what_it_needs(house: House) -> None:
    routes = _routes(house)
    assert len(routes) > 30
    assert {(method, path) for method, path, needs in routes if needs is None} == OPEN_TO_ALL
    for method, path, needs in routes:
        told = path.startswith("/v1/reviews/{review}/") and path.rpartition("/")[2] not in ("events", "overrule")
        if told and needs is not None:
            assert needs.answers, (method, path)


@pytest.mark.parametrize(("finding", "label"), [(False, "tumour"), (True, "no tumour"), (True, "melanoma")])
def test_an_opinion_and_a_class_that_contradict_each_other_are_refused(house: House, finding: bool, label: str) -> None:
    number, token = house.tokens[Role.REVIEWER]
    told = {"stage": "blind", "finding": finding, "label": label, "confidence": 90, "seconds": 1}
    answer = house.service.client(token).post(f"/v1/cases/{CASE}/opinions", json=told)
    assert (answer.status_code, "no such class" in answer.text) == (404, True)
    assert house.service.store.opinions(CASE, number) == []


@pytest.mark.parametrize("role", [None, *Role], ids=str)
def test_before_the_lock_nothing_of_a_models_answer_leaves(house: House, role: Role | None) -> None:
    secrets = _said()
    for (method, path), (needs, answer) in _walk(house, role).items():
        where = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code < 500, where
        assert not [one for one in secrets if one in answer.text], where
        if needs is None:
            continue
        kind = answer.json()["type"].rpartition(":")[2] if answer.status_code == 403 else ""
        if not _may(role, needs):
            assert kind == "not-allowed", where
        elif needs.answers and _of_one_image(path):
            assert kind == "blind", where
        else:
            assert kind in ("", "blind"), where
        if path == "/v1/cases/{case}" and answer.status_code == 200:
            told = answer.json()
            assert told["hidden"]
            assert [told[k] for k in ("finding", "decided", "rank", "probability", "against")] == [None] * 5
            assert not told["answers"]


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.LEAD, Role.STUDENT], ids=str)
def test_after_it_the_answer_is_heard_by_whoever_locked_or_was_let_see(house: House, role: Role) -> None:
    number, _ = house.tokens[role]
    store = house.service.store
    if role is Role.REVIEWER:
        store.lock_opinion(
            CASE, number, Stage.BLIND, finding=True, label=None, confidence=80, started=now(), seconds=2.0
        )
    elif role is Role.LEAD:
        store.unblind(CASE, number, "supervision")
    heard = role in ALLOWED[Action.VIEW]
    secrets = _said()
    for (method, path), (needs, answer) in _walk(house, role).items():
        where = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        if needs is None or not needs.answers or not _may(role, needs):
            continue
        if not heard:
            assert not [one for one in secrets if one in answer.text], where
            assert not _of_one_image(path) or answer.status_code == 403, where
        else:
            assert answer.status_code != 403, where
            if path in ("/v1/reviews/{review}/result", "/v1/reviews/{review}/report.{kind}", "/v1/cases/{case}"):
                assert all(one in answer.text for one in secrets), where


@pytest.mark.parametrize("scope", list(Scope))
def test_a_token_is_good_for_its_scope_only(house: House, scope: Scope) -> None:
    number = house.service.person("all", *Role)
    client = house.service.client(house.service.store.make_token(number, "one", [scope])[1])
    for method, path, needs in _routes(house):
        if needs is None or needs.scope is scope or method == "DELETE":
            continue
        address = re.sub(r"{\w+(:\w+)?}", "1", path.replace("{kind}", "csv"))
        answer: Any = client.request(method, address)
        if answer.status_code != 422:  # what the address itself lacks is told first
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:overread:problem:not-allowed"), path
            assert scope != needs.scope
            assert str(needs.scope) in answer.json()["detail"]


def test_what_is_anothers_is_not_there(house: House) -> None:
    mine, token = house.tokens[Role.TEACHER]
    other, _ = house.tokens[Role.STUDENT]
    study, review = _study(house, other)
    client = house.service.client(token)
    for path in (f"/v1/studies/{study}", f"/v1/reviews/{review}", f"/v1/reviews/{review}/result"):
        assert client.get(path).status_code == 404, path
    assert study not in json.dumps(client.get("/v1/studies").json())
    assert mine != other
