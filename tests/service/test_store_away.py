"""What callers are told when the store cannot be used: to come again, and nothing of where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import StoreAwayError, StoreDamagedError
from core.review import Role, Store
from tests.review import postgres
from tests.service import kit


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    made = postgres.Server()
    made.start()
    yield made
    made.remove()


def test_a_lost_database_is_told_as_for_a_while(server: postgres.Server, tmp_path: Path) -> None:
    store = Store.open(postgres.new_database(server.address, "away"), tmp_path / "images")
    service = kit.service(store)
    client = service.client(service.token(Role.LEAD))
    assert client.get("/v1/archives").status_code == 200
    server.stop()
    for told in (client.get("/v1/archives"), client.post("/v1/archives", json={"name": "new"})):
        assert (told.status_code, told.json()["type"]) == (503, "urn:overread:problem:store-away")
        assert int(told.headers["Retry-After"]) > 0
    server.start()
    assert client.post("/v1/archives", json={"name": "new"}).status_code == 201
    store.close()


def test_where_a_store_lies_is_nobodys_business_outside(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    service = kit.service(store)
    token = service.token(Role.LEAD)
    store.close()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "overread.sqlite").write_bytes(b"no database" * 1000)
    service.shared.store = lambda: Store.open(str(tmp_path / "broken"))
    told = service.client(token).get("/v1/archives")
    assert (told.status_code, told.json()["type"]) == (503, "urn:overread:problem:store-away")
    assert str(tmp_path) not in told.text


def test_a_database_that_is_damaged_while_it_is_open_is_told_as_damaged(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "store"))
    service = kit.service(store)
    client = service.client(service.token(Role.LEAD))
    store.engine.dispose()
    file = tmp_path / "store" / "overread.sqlite"
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    file.write_bytes(content)
    told = client.get("/v1/archives")
    assert (told.status_code, told.json()["type"]) == (500, "urn:overread:problem:damaged")
    with pytest.raises(StoreDamagedError, match="backup"):
        store.archives()


def test_a_place_where_no_folder_can_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreAwayError, match="refuses"):
        Store.open(str(tmp_path / "file" / "store"))
