"""What callers are told when the process holds as much as it may: later (503), or never so much at once (413)."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import pytest

from core import memory
from core.errors import MemoryFullError
from core.imaging.limits import KEPT_BYTES, MIB
from core.review import Role, Scope
from tests.imaging.memory_child import image
from tests.service import kit

SCAN = 4 * 512 * 512 * KEPT_BYTES  # four slices, beside the uploaded bytes


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[memory.Memory]:
    held = memory.Memory(lambda: 20 * MIB)
    monkeypatch.setattr(memory, "of_process", lambda: held)
    monkeypatch.setattr("core.imaging.reader.of_process", lambda: held)
    yield held
    gc.collect()


def _files(first: int, count: int = 4) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (f"{n}.dcm", image(first + n))) for n in range(count)]


def _refused(answer: httpx.Response, status: int, kind: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["type"], told["status"]) == (f"urn:overread:problem:{kind}", status)
    assert "OVERREAD_TOTAL_MEMORY_MIB" in told["remedy"]
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_a_caller_waits_for_what_others_hold_and_gives_up_his_own_first(
    service: kit.Service, account: memory.Memory
) -> None:
    one, two = (service.client(service.token(Role.REVIEWER, name=name)) for name in ("one", "two"))
    first = [one.post("/v1/studies", files=_files(10 * n)) for n in range(2)]
    assert [answer.status_code for answer in first] == [201, 201]
    # His own oldest goes, nobody else's: the second caller is sent away as long as the first holds two.
    _refused(two.post("/v1/studies", files=_files(50)), 503, "memory-full")
    assert one.post("/v1/studies", files=_files(70)).status_code == 201
    kept = [study["id"] for study in one.get("/v1/studies").json()]
    assert first[0].json()["id"] not in kept
    for study in kept:
        assert one.delete(f"/v1/studies/{study}").status_code == 204
    gc.collect()
    assert two.post("/v1/studies", files=_files(50)).status_code == 201
    assert SCAN <= account.held <= 20 * MIB


def test_what_never_fits_is_too_large(service: kit.Service, account: memory.Memory) -> None:
    client = service.client(service.token(Role.REVIEWER))
    _refused(client.post("/v1/studies", files=_files(0, 16)), 413, "too-large")
    gc.collect()
    assert account.held == 0


def test_what_is_being_sent_counts_before_it_is_read(service: kit.Service, account: memory.Memory) -> None:
    """Bytes that are no image at all, and of which nothing could be known but that they come."""
    client = service.client(service.token(Role.REVIEWER))
    _refused(client.post("/v1/studies", files=[("files", ("a.bin", bytes(12 * MIB)))]), 413, "too-large")
    answer = client.post("/v1/studies", files=[("files", ("a.bin", bytes(4 * MIB)))])
    assert answer.json()["type"].endswith("unreadable")
    with account.lease(15 * MIB):
        _refused(client.post("/v1/studies", files=[("files", ("a.bin", bytes(4 * MIB)))]), 503, "memory-full")
    gc.collect()
    assert account.held == 0


def test_a_review_without_room_for_its_masks_is_not_begun(
    service: kit.Service, account: memory.Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = service.client(service.token(Role.REVIEWER))
    study = client.post("/v1/studies", files=_files(0)).json()["id"]
    full = SimpleNamespace(refused=MemoryFullError("Full.", "Raise OVERREAD_TOTAL_MEMORY_MIB."))
    monkeypatch.setattr(kit.Engine, "course", lambda *_, **__: full)
    _refused(client.post(f"/v1/studies/{study}/reviews", json={"system": kit.SYSTEM}), 503, "memory-full")
    monkeypatch.undo()
    assert client.get("/v1/studies").json()[0]["id"] == study


def test_what_nobody_used_for_long_goes_before_anybody_is_refused(service: kit.Service, account: memory.Memory) -> None:
    kept = service.shared.kept
    now = [0.0]
    kept._clock = lambda: now[0]
    one, two = (service.client(service.token(Role.REVIEWER, name=name)) for name in ("one", "two"))
    for n in range(2):
        assert one.post("/v1/studies", files=_files(10 * n)).status_code == 201
    account.spares.append(kept.drop_late)
    _refused(two.post("/v1/studies", files=_files(50)), 503, "memory-full")
    now[0] = kept.idle_seconds + 1
    assert two.post("/v1/studies", files=_files(50)).status_code == 201


def test_the_interface_describes_it(service: kit.Service) -> None:
    document = service.client(service.token(Role.REVIEWER, scopes=tuple(Scope))).get("/v1/openapi.json").json()
    assert "503" in document["paths"]["/v1/studies"]["post"]["responses"]
