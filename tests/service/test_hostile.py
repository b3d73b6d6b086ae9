"""Requests as nobody sends them in good faith: odd headers, bodies, methods, identifiers; tokens that end meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from core.review import Role, Store
from dashboard.service import limits
from dashboard.service.problems import TooManyError
from tests.service import kit

JSON = ("content-type", "application/json")
FORM = ("content-type", "multipart/form-data; boundary=x")
HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
CHUNK = b" " * (1 << 16)


@dataclass
class Told:
    """What came back, and how many pieces of the body the server took."""

    status: int
    headers: dict[str, str]
    body: bytes
    taken: int

    @property
    def kind(self) -> str:
        """Of the problem."""
        return str(json.loads(self.body)["type"]).rpartition(":")[2]


def raw(
    service: kit.Service,
    method: str,
    path: str,
    *headers: tuple[str, str],
    body: Iterable[bytes] = (),
    token: str | None = None,
    gone: bool = False,
) -> Told:
    """A request as it stands, not as a client would put it right. With ``gone`` whoever sent it has hung up."""
    usual = [("host", "localhost"), *([("authorization", f"Bearer {token}")] if token else [])]
    sent = [*(one for one in usual if one[0] not in dict(headers)), *headers]
    pieces, taken, out = iter(body), 0, []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if gone:
            return {"type": "http.disconnect"}
        piece = next(pieces, None)
        taken += piece is not None
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def send(message: dict[str, Any]) -> None:
        out.append(message)

    at, _, query = path.partition("?")
    scope = {"type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": at, "root_path": ""}
    scope |= {"query_string": query.encode(), "client": ("127.0.0.1", 5), "server": ("localhost", 80)}  # type: ignore[dict-item]
    scope |= {"headers": [(n.encode("latin-1"), v.encode("latin-1")) for n, v in sent]}  # type: ignore[dict-item]
    app: Any = service.app
    asyncio.run(app(scope, receive, send))
    start = next(one for one in out if one["type"] == "http.response.start")
    told = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    content = b"".join(one.get("body", b"") for one in out if one["type"] == "http.response.body")
    return Told(start["status"], told, content, taken)


def test_a_strangers_body_is_not_taken_in(service: kit.Service) -> None:
    """Whatever it says it is: only a route of files takes more than a mebibyte, and that asks first who sends it."""
    for header in (FORM, JSON):
        told = raw(service, "POST", "/v1/archives", header, body=[CHUNK] * 400)
        assert (told.status, told.kind) == (413, "too-large")
        assert told.taken <= 17
    told = raw(service, "POST", "/v1/studies", FORM, body=[HEAD, CHUNK])
    assert (told.status, told.taken) == (401, 0)


def test_a_body_in_pieces_has_the_limit_of_one_that_tells_its_size(service: kit.Service) -> None:
    small = kit.service(service.store, upload_mib=2)
    token = small.token(*Role)
    for path, header, most in (("/v1/archives", JSON, 17), ("/v1/archives", FORM, 17), ("/v1/studies", FORM, 34)):
        told = raw(small, "POST", path, header, body=[HEAD, *[CHUNK] * 400], token=token)
        assert (told.status, told.kind, told.taken <= most) == (413, "too-large", True), path
        told = raw(small, "POST", path, header, ("content-length", "9" * 5000), body=[HEAD], token=token)
        assert (told.status, told.kind, told.taken) == (413, "too-large", 0), path


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("host", "localhost", "evil.example"),
        ("origin", "http://localhost", "http://evil.example"),
        ("sec-fetch-site", "same-origin", "cross-site"),
        ("content-type", "application/json", "text/plain"),
        ("authorization", "Bearer good", "Bearer other"),
    ],
)
def test_what_may_come_once_does(service: kit.Service, name: str, one: str, other: str) -> None:
    token = service.token(Role.REVIEWER)
    one, other = (text.replace("good", token) for text in (one, other))
    for first, second in ((one, other), (other, one)):
        told = raw(service, "GET", "/v1/systems", (name, first), (name, second), token=token)
        assert (told.status, told.kind) == (400, "malformed-request")
    assert raw(service, "GET", "/v1/systems", (name, one), token=token).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("origin", "http://[")], 403),
        ([("origin", "http://localhost:9999")], 403),  # another program of this machine
        ([("origin", "http://localhost@evil.example")], 403),
        ([("origin", "")], 403),
        ([("host", "localhost:8501"), ("origin", "http://localhost:8501")], 200),
        ([("host", "evil@localhost")], 400),
        ([("host", "localhost.")], 400),
        ([("host", "")], 400),
        ([("content-length", "\xb2")], 200),
        ([("content-encoding", "gzip")], 400),
        ([("content-encoding", "identity")], 200),
    ],
    ids=str,
)
def test_odd_headers_are_told_as_what_they_are(
    service: kit.Service, headers: list[tuple[str, str]], status: int
) -> None:
    told = raw(service, "GET", "/v1/systems", *headers, token=service.token(Role.REVIEWER))
    assert told.status == status, told.body
    assert status == 200 or json.loads(told.body)["remedy"]


ODD: list[bytes] = [
    b"\xff\xfe",
    b"[" * 300_000,
    b'{"name": %s}' % (b"9" * 5000),
    b"null",
    b"NaN",
    rb'{"name": "\ud800"}',
    rb'{"name": "a", "note": "\ud83d"}',
    b'{"name": ["a"]}',
    gzip.compress(b'{"name": "a"}'),
    b'{"name": "a"} {"name": "b"}',
]


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_odd_bodies_make_nothing(service: kit.Service, body: bytes) -> None:
    token = service.token(*Role)
    told = raw(service, "POST", "/v1/archives", JSON, body=[body], token=token)
    assert told.status in (400, 422), told.body
    assert json.loads(told.body)["remedy"]
    for header in (("content-type", "text/plain"), ("content-type", "application/x-www-form-urlencoded"), FORM):
        assert raw(service, "POST", "/v1/archives", header, body=[b'{"name": "a"}'], token=token).status == 422
    assert service.store.archives() == []


def test_nobody_is_sent_elsewhere(service: kit.Service) -> None:
    """A redirect would name the scheme that is spoken behind a proxy, and take the token there unencrypted."""
    for token in (None, service.token(*Role)):
        for path in ("/v1/systems/", "/v1/studies/", "/v1//systems", "/v1/archives/1/", "/health/", "//health"):
            told = raw(service, "GET", path, token=token)
            assert (told.status, told.kind, "location" in told.headers) == (404, "no-such-address", False), path
    told = raw(service, "POST", "/predict", FORM, token=service.token(*Role))
    assert (told.status, told.kind) == (400, "malformed-request")  # it is there, as the demo's other address


def test_other_methods_find_nothing_of_a_result(service: kit.Service) -> None:
    token = service.token(Role.REVIEWER)
    client = service.client(token)
    review = kit.reviewed(client, kit.given(client)["id"])
    for method in ("HEAD", "OPTIONS", "TRACE", "POST", "gEt", "PROPFIND"):
        for path in (f"/v1/reviews/{review}/result", f"/v1/reviews/{review}/report.csv"):
            told = raw(service, method, path, token=token)
            assert (told.status, told.headers["allow"], b"probability" in told.body) == (405, "GET", False)


def test_of_a_case_that_is_read_blind_nothing_is_kept_or_told_apart(service: kit.Service, tmp_path: Path) -> None:
    """No validator, no range, no answer that differs by what the browser holds already."""
    service.archive(tmp_path)
    token = service.token(Role.REVIEWER)
    study = service.client(token).post("/v1/cases/2/study").json()["id"]
    asked = (("range", "bytes=0-3"), ("if-none-match", "*"), ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"))
    for path in (f"/v1/studies/{study}/series/0/slices/0", "/v1/cases/2", "/v1/archives/1/worklist?system=brain-mr"):
        plain = raw(service, "GET", path, token=token)
        told = raw(service, "GET", path, *asked, token=token)
        assert (told.status, told.body, told.headers["cache-control"]) == (200, plain.body, "no-store"), path
        assert not {"etag", "last-modified", "accept-ranges", "content-range"} & set(told.headers), path


def test_odd_identifiers_are_not_found_on_any_route(service: kit.Service) -> None:
    token = service.token(*Role)
    routes = [(c.original_route, c.path or "") for c in iter_route_contexts(service.app.routes)]
    paths = {(m, p) for r, p in routes if isinstance(r, APIRoute) and "{" in p for m in r.methods}
    assert len(paths) > 20
    for odd in ("a" * 20_000, "\0", "%2e%2e%2f", "9" * 40, "'; drop table cases; --"):
        for method, path in sorted(paths):
            address = "/".join(odd if part.startswith("{") else part for part in path.split("/"))
            told = raw(service, method, address.replace("{kind}", "csv"), JSON, body=[b"{}"], token=token)
            assert told.status in (400, 404, 422), (method, path, odd[:20], told.status)
            assert len(told.body) < 2000


def test_an_identifier_in_other_letters_is_another(service: kit.Service) -> None:
    token = service.token(Role.REVIEWER)
    client = service.client(token)
    study = kit.given(client)["id"]
    review = kit.reviewed(client, study)
    for path in (f"/v1/studies/{study}", f"/v1/reviews/{review}", f"/v1/reviews/{review}/result"):
        assert client.get(path).status_code == 200
        name = study if study in path else review
        for other in (name.swapcase(), name + "=", name[:-1], name + "/", name + "%00"):
            assert client.get(path.replace(name, other)).status_code == 404, other


def test_a_good_token_is_let_in_whatever_others_try(service: kit.Service) -> None:
    """Behind a proxy that tells no addresses all have the same one."""
    service.shared.failures.per_minute = 3
    token = service.token(Role.REVIEWER)
    tried = [raw(service, "GET", "/v1/systems", token="overread_wrong").status for _ in range(5)]
    assert tried == [401, 401, 401, 429, 429]
    assert raw(service, "GET", "/v1/systems", token=token).status == 200


@pytest.mark.parametrize("ended", ["revoked", "no role", "deactivated"])
def test_a_stream_ends_with_the_token_it_was_opened_by(
    service: kit.Service, ended: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.service.routers.reviews.CHECK_SECONDS", 0.1)
    service.engine.seconds = 30.0
    store, boss = service.store, service.store.local_user().number or 0
    who, token = (
        store.sign_in("https://idp.test", "r", "r", None, False).number or 0,
        service.token(Role.REVIEWER, name="r"),
    )
    client = service.client(token)
    study = kit.given(client)["id"]
    review = client.post(f"/v1/studies/{study}/reviews", json={}).json()["id"]
    with client.stream("GET", f"/v1/reviews/{review}/events") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: progress"
        _end(store, boss, who, ended)
        rest = "\n".join(lines)
    assert "event: done" not in rest
    assert client.get(f"/v1/reviews/{review}/events").status_code in (401, 403)
    service.shared.kept.drop(who, study)


def _end(store: Store, boss: int, who: int, how: str) -> None:
    if how == "revoked":
        store.revoke_token(boss, store.tokens(who)[0].id or 0)
    elif how == "no role":
        store.set_roles(boss, who, [])
    else:
        store.set_active(boss, who, False)


def test_the_stream_of_anothers_review_takes_no_place(service: kit.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    places = limits.Places(1, 1, "full", 1)
    monkeypatch.setattr(service.shared, "streams", places)
    client = service.client(service.token(Role.REVIEWER, name="one"))
    review = kit.reviewed(client, kit.given(client)["id"])
    other = service.token(Role.REVIEWER, name="another")
    assert raw(service, "GET", f"/v1/reviews/{review}/events", token=other).status == 404
    for _ in range(3):  # and whoever hangs up before the first word leaves none taken
        raw(service, "GET", f"/v1/reviews/{review}/events", token=service.token(Role.REVIEWER, name="one"), gone=True)
    with places.one(1):
        pass


def test_an_upload_that_does_not_come_holds_no_place(service: kit.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.service.uploads.SILENT_SECONDS", 0.05)
    token = service.token(Role.REVIEWER)

    async def ask() -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        came = iter([{"type": "http.request", "body": HEAD, "more_body": True}])

        async def receive() -> dict[str, Any]:
            return next(came, None) or await asyncio.Future()

        async def send(message: dict[str, Any]) -> None:
            out.append(message)

        headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "method": "POST", "path": "/v1/studies", "query_string": b"", "root_path": ""}
        scope |= {"headers": [*headers, (FORM[0].encode(), FORM[1].encode())], "client": ("127.0.0.1", 5)}  # type: ignore[dict-item]
        app: Any = service.app
        await app(scope, receive, send)
        return out

    told = asyncio.run(ask())
    assert (told[0]["status"], b"body-missing" in told[1]["body"]) == (408, True)
    for _ in range(3):
        service.shared.uploads.take(7)
    with pytest.raises(TooManyError):
        service.shared.uploads.take(7)
    service.shared.uploads.take(8)
