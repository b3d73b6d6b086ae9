"""Who may fetch what: addresses of one session and one case, of one person, for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.review import open_store
from dashboard.kit import who
from dashboard.review import drawn_models, heat_maps
from dashboard.viewer import build, overlays, route, shelf, suspicion
from tests.viewer.cases import ct, photo


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The mounted addresses, and a session of reader 1."""
    monkeypatch.setattr(who, "number", lambda: 1)
    monkeypatch.setattr(who, "configured", lambda: False)
    with TestClient(Starlette(routes=[*route.routes()])) as made:
        yield made


def test_a_slice_is_given_and_kept_by_nobody(client: TestClient) -> None:
    held = shelf.Shelf()
    held.enter("case")
    series = ct(4, 32)
    token = held.series(series).token
    answer = client.get(f"/viewer/{token}/2")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store, private"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    np.testing.assert_array_equal(np.frombuffer(answer.content, "<i2").reshape(32, 32), series.pixels[2])
    assert len(token) >= 32
    for part in ("4", "-1", "02x", "padding", "all", "²", "999999999999"):
        assert client.get(f"/viewer/{token}/{part}").status_code == 404


def test_foreign_and_old_addresses_are_not_found(client: TestClient) -> None:
    held = shelf.Shelf()
    held.enter("case")
    token = held.series(photo()).token
    assert client.get(f"/viewer/{token}/0").status_code == 200
    assert client.get(f"/viewer/{token[:-1]}A/0").status_code in (404,) or token.endswith("A")
    held.enter("another case")
    assert client.get(f"/viewer/{token}/0").status_code == 404
    again = held.series(photo()).token
    assert again != token
    held.begin()
    held.sweep()  # a page that did not show it
    assert client.get(f"/viewer/{again}/0").status_code == 404
    third = held.series(photo()).token
    del held  # the session is gone
    assert client.get(f"/viewer/{third}/0").status_code == 404


def test_an_ended_session_gives_nothing(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    class Runtime:
        live = True

        def is_active_session(self, session: str) -> bool:
            return self.live

    held, running = shelf.Shelf(), Runtime()
    token = held.series(photo()).token
    monkeypatch.setattr(shelf.runtime, "exists", lambda: True)
    monkeypatch.setattr(shelf.runtime, "get_instance", lambda: running)
    assert client.get(f"/viewer/{token}/0").status_code == 200
    running.live = False
    assert client.get(f"/viewer/{token}/0").status_code == 404


def test_only_the_signed_in_person_is_answered(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    claims = {"iss": "https://id.example", "sub": "anna", "iat": 4e9, "nonce": "n"}
    monkeypatch.setenv("OVERREAD_STORE", str(tmp_path_factory.mktemp("store")))
    person = open_store().local_user()
    key = who.identity(claims)
    signed = who.SignIns(3600.0)
    monkeypatch.setattr(who, "configured", lambda: True)
    monkeypatch.setattr(who, "sign_in", lambda: key)
    monkeypatch.setattr(who, "sign_ins", lambda: signed)
    monkeypatch.setattr(who, "number", lambda: person.number)
    held = shelf.Shelf()
    token = held.series(photo()).token
    cookie: dict[str, bytes | None] = {"value": None}
    monkeypatch.setattr(
        route.starlette_websocket, "_get_signed_cookie_with_chunks", lambda cookies, name: cookie["value"]
    )
    assert client.get(f"/viewer/{token}/0").status_code == 404  # the address alone is not enough
    cookie["value"] = json.dumps(claims | {"sub": "bert"}).encode()
    assert client.get(f"/viewer/{token}/0").status_code == 404
    cookie["value"] = json.dumps(claims | {"is_logged_in": True}).encode()
    assert client.get(f"/viewer/{token}/0").status_code == 200
    signed.end(key[0])
    assert client.get(f"/viewer/{token}/0").status_code == 404


def test_a_changed_overlay_has_another_address(client: TestClient) -> None:
    held, mask = shelf.Shelf(), np.zeros((2, 8, 8), dtype=bool)
    first = held.mask("a", mask)
    assert held.mask("a", mask.copy()) is first
    mask[1, 2, 3] = True
    second = held.mask("a", mask)
    assert client.get(f"/viewer/{first.token}/all").status_code == 404
    got = np.unpackbits(np.frombuffer(client.get(f"/viewer/{second.token}/all").content, np.uint8)).reshape(2, 8, 8)
    np.testing.assert_array_equal(got, mask)


def test_a_heat_map_is_worked_out_when_it_is_asked_for(client: TestClient) -> None:
    held, asked = shelf.Shelf(), []

    def of(index: int) -> np.ndarray | None:
        asked.append(index)
        if index == 2:
            raise overlays.NotYetError
        return None if index == 1 else np.full((8, 8), 0.2, np.float32)

    def token(about: str) -> str:
        overlay = overlays.Overlay("b", "b", overlays.Kind.HEAT, heat=overlays.HeatMaps(of, about))
        return str(overlays.offered(overlay, held, "/viewer", slices=4)["url"])

    first = token("a model")
    assert asked == []
    np.testing.assert_array_equal(np.frombuffer(client.get(f"{first}/0").content, np.uint8), np.full(64, 51))
    none, later = client.get(f"{first}/1"), client.get(f"{first}/2")
    assert (none.status_code, none.content) == (200, b"")
    assert (later.status_code, later.content) == (204, b"")
    assert later.headers["cache-control"] == "no-store, private"
    assert client.get(f"{first}/4").status_code == 404
    assert asked == [0, 1, 2]
    assert token("a model") == first
    assert token("another model") != first
    assert client.get(f"{first}/0").status_code == 404


def test_the_slice_bar_is_told_what_each_model_says(client: TestClient) -> None:
    held, more = shelf.Shelf(), [True]
    one = suspicion.Along(1, "U-Net", np.array([0.25, np.nan, np.nan]), np.array([False, False, True]), 0.5)
    told = suspicion.offered(suspicion.Suspicion(lambda: ([one], more[0]), "a"), held, "/viewer")
    (model,) = client.get(told["url"]).json()["models"]
    assert (model["name"], model["values"], model["waits"]) == ("U-Net", [0.25, None, None], [False, False, True])
    assert (tuple(model["colour"]), tuple(model["dash"])) == overlays.LINES[1]
    assert client.get(told["url"]).json()["more"]
    more[0] = False
    assert not client.get(told["url"]).json()["more"]
    assert client.get(told["url"].replace("/now", "/0")).status_code == 404


def test_a_case_asked_anew_has_other_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was offered before goes on giving the answers of then; under one address it would be drawn on."""
    state: Any = SimpleNamespace(name="unet", card=None)
    case: Any = SimpleNamespace(system="brain-mr", series_index=0, review=None, series=SimpleNamespace(slices=3))
    monkeypatch.setattr(drawn_models, "of", lambda _: [])
    jobs, heat, strip = [SimpleNamespace(running=False) for _ in range(2)], [], []
    for case.job in (jobs[0], jobs[0], jobs[1]):
        heat.append(heat_maps.along(case, state).about)
        along = drawn_models.along(case)
        assert along is not None
        strip.append(along.about)
    assert heat[0] == heat[1] != heat[2]
    assert strip[0] == strip[1] != strip[2]
    for digest in ("a" * 64, "b" * 64):  # of two versions of the same weights
        state.card = SimpleNamespace(weights_sha256="0" * 64, digest=digest)
        heat.append(heat_maps.along(case, state).about)
    assert heat[-1] != heat[-2]


def test_the_program_alone_may_be_kept(client: TestClient) -> None:
    answer = client.get(f"/viewer/client/{build.built()}.js")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert client.get("/viewer/client/other.js").status_code == 404


def test_addresses_lie_under_the_base_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", lambda name: "/overread/")
    assert route.address("client", "x.js") == "/overread/viewer/client/x.js"
