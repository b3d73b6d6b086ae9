"""An interface over a store of its own and models that read the grey level off a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from starlette.testclient import TestClient

from core.engine.results import HeatMap, Review
from core.errors import LimitExceededError
from core.imaging import Study
from core.memory import GiveWay
from core.review import Mode, Role, Scope, Store
from core.review.archives import ImportOptions, begin_scoring, wait
from core.settings import Settings, settings
from core.systems import Match
from dashboard.service.app import api
from dashboard.service.shared import Shared
from tests.review import archive_kit

SYSTEM = archive_kit.SYSTEM


@dataclass
class Course:
    """A review under way."""

    engine: archive_kit.GreyEngine
    study: Study
    system: str
    series_index: int
    fraction: float = 0.0
    refused: LimitExceededError | None = None

    def run(self, *, progress: Callable[[str, float], None], stop: Callable[[], bool]) -> Review:
        """Ask every model."""

        def told(model: str, fraction: float) -> None:
            self.fraction = max(self.fraction, fraction / 2)
            progress(model, fraction)

        return self.engine.review(self.study, self.system, self.series_index, progress=told, stop=stop)


class Engine(archive_kit.GreyEngine):
    """Grey levels as answers, with heat maps, and every picture for the one system."""

    def course(
        self, study: Study, system_name: str, series_index: int = 0, *, give_way: GiveWay | None = None
    ) -> Course:
        """A review to be made."""
        return Course(self, study, system_name, series_index)

    def match(self, study: Study) -> Match:
        """Always the same."""
        return Match(SYSTEM, 0, "it is a test", True)

    def heat_map(
        self,
        study: Study,
        system_name: str,
        series_index: int,
        model: str,
        slice_index: int,
        *,
        target: str | None = None,
        method: str = "grad-cam",
    ) -> HeatMap:
        """Hottest in a corner that depends on the model."""
        values = np.zeros(study.series[series_index].shape, np.float32)
        values[len(model) % 5, 3] = 1.0
        return HeatMap(model, slice_index, target or "tumour", method, values, peak=2.0)


@dataclass
class Service:
    """The interface of a test."""

    store: Store
    shared: Shared
    engine: Engine
    signed: list[bool] = field(default_factory=lambda: [True])

    @cached_property
    def app(self) -> FastAPI:
        """The interface itself."""
        return api(self.shared)

    def client(self, token: str | None = None, **more: Any) -> TestClient:
        """A client; its requests come from this machine."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        options = {"base_url": "http://localhost", "headers": headers, "client": ("127.0.0.1", 5)} | more
        return TestClient(self.app, **options)

    def token(self, *roles: Role, name: str = "somebody", scopes: tuple[Scope, ...] = tuple(Scope)) -> str:
        """A token of a person with these roles."""
        return self.store.make_token(self.person(name, *roles), "test", scopes)[1]

    def person(self, name: str, *roles: Role) -> int:
        """A signed-in user with these roles."""
        number = self.store.sign_in("https://idp.test", name, name, None, False).number or 0
        self.store.set_roles(self.store.local_user().number or 0, number, roles)
        return number

    def archive(self, root: Path, mode: Mode = Mode.SECOND_READER) -> int:
        """A scored archive with two patients' pictures, a dark and a bright one each."""
        source = archive_kit.folder(root, {"A": [(0.2, 0), (0.9, 0)], "B": [(0.83, 1), (0.31, 1)]})
        number = archive_kit.imported(self.store, source, ImportOptions(SYSTEM), mode)
        engine: Any = self.engine
        assert wait(self.store, begin_scoring(self.store, engine, 1, number, SYSTEM)).state == "done"
        return number


def service(store: Store, engine: Engine | None = None, **changes: Any) -> Service:
    """An interface over a store; people sign in, so that tokens are needed."""
    store.local_user()
    used: Any = engine or Engine()
    signed = [True]
    set_so = Settings(**(settings().model_dump() | changes))
    return Service(store, Shared(lambda: store, lambda: used, lambda: signed[0], set_so), used, signed)


def png(level: float = 0.9, number: int = 1) -> tuple[str, bytes]:
    """A picture and its name."""
    return "mri.png", archive_kit.image(level, number)


def given(client: TestClient, *files: tuple[str, bytes]) -> dict[str, Any]:
    """Give files."""
    sent = client.post("/v1/studies", files=[("files", file) for file in files or (png(),)])
    assert sent.status_code == 201, sent.text
    found: dict[str, Any] = sent.json()
    return found


def reviewed(client: TestClient, study: str) -> str:
    """Have a study reviewed, and wait for the end by its events."""
    begun = client.post(f"/v1/studies/{study}/reviews", json={})
    assert begun.status_code == 202, begun.text
    told = client.get(f"/v1/reviews/{begun.json()['id']}/events").text
    assert "event: done" in told, told
    return str(begun.json()["id"])
