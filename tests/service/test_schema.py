"""Requests made from the interface's own description: answers are as described, and none is a fault of the server."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks

from core.review import Role, Scope, Store
from dashboard.service import kept
from tests.service import kit
from tests.service.test_routes import House, _study

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.unsupported_method,
]
few = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def described(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BaseSchema, House]]:
    root = tmp_path_factory.mktemp("described")
    # More studies in a minute than are kept at once: the oldest goes, though it was just used.
    patch = pytest.MonkeyPatch()
    patch.setattr(kept, "IN_HAND_SECONDS", 0.0)
    shutil.copytree(empty_store, root / "store")
    store = Store.open(str(root / "store"))
    service = kit.service(store, api_per_minute=1_000_000)
    number = service.person("all", *Role)
    house = House(service, service.archive(root / "source"), {})
    house.tokens[None] = number, store.make_token(number, "test", list(Scope))[1]
    config = schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}})
    asked: dict[str, Any] = {"headers": {"Host": "localhost"}, "config": config, "timeout": 120}
    yield schemathesis.openapi.from_asgi("/v1/openapi.json", service.app, **asked), house
    store.close()
    patch.undo()


def test_no_request_brings_about_a_fault_and_every_answer_is_as_described(described: tuple[BaseSchema, House]) -> None:
    schema, house = described
    number, token = house.tokens[None]
    headers = {"Authorization": f"Bearer {token}", "Host": "localhost"}
    statuses: Counter[int] = Counter()

    def ask(case: Case) -> None:
        # Every other time what is there, so that more than "not found" comes.
        if case.path_parameters and sum(statuses.values()) % 2:
            study, review = _study(house, number)
            there: dict[str, Any] = {"study": study, "review": review, "archive": house.archive, "case": 1, "index": 0}
            there |= {"system": kit.SYSTEM, "model": "unet", "series": 0, "table": "performance", "kind": "csv"}
            case.path_parameters = {name: there[name] for name in case.path_parameters}
        answer = case.call_and_validate(base_url="http://localhost", headers=headers, checks=CHECKS, timeout=120)
        statuses[answer.status_code] += 1

    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:
        few(given(operation.as_strategy())(ask))()
    assert len(operations) > 30
    assert {200, 201, 202, 204, 400, 404, 422} <= set(statuses)
