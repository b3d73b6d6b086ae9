"""Nothing leaves the machine: server, pages, interface and scoring turn to this machine alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser
from websockets.exceptions import InvalidStatus

from dashboard.service.client import Client
from tests.accessibility import tour
from tests.dashboard import readings, weights
from tests.dashboard.conftest import ROOT
from tests.dashboard.house import House
from tests.privacy import asked, visitor

OTHERS = """
import socket
for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"), (socket.AF_INET, "127.0.0.1")):
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        try:
            one.connect((address, 9))  # of a datagram socket: names an address, sends nothing
        except OSError:
            pass
"""


def _watched(log: Path, *words: str, **settings: str) -> str:
    """What a command turned to; it must succeed."""
    with subprocess.Popen(
        [*asked.under(log), sys.executable, *words],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        told = process.communicate(timeout=300)[0]
        assert process.returncode == 0, told
    return asked.ended(log, process.pid)


def test_the_watch_sees_who_is_asked_also_by_a_child(tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {OTHERS!r}], check=True)"
    log = _watched(tmp_path / "log", "-c", code)
    assert asked.addresses(log) >= {"192.0.2.1", "2001:db8::1", "127.0.0.1"}
    assert asked.strangers(log) == {"192.0.2.1", "2001:db8::1"}


@pytest.mark.browser
def test_a_server_its_pages_and_its_interface_ask_nobody_else(browser: Browser, tmp_path: Path) -> None:
    house = House(tmp_path, weights.write(tmp_path / "weights"), under=asked.under(tmp_path / "log"))
    house.start()
    requested: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(120_000)
    context.on("request", lambda request: requested.append(request.url))
    page = context.new_page()
    page.on("websocket", lambda socket: requested.append(socket.url))
    assert len(list(tour.entrances(page, house.url))) > 5
    context.close()
    with Client(house.url) as client:
        study = client.give(("head.png", readings.head(3)))
        review = client.review(study)
        assert client.report(review).startswith(b"%PDF")
    process = house.number
    house.stop()
    log = asked.ended(tmp_path / "log", process)
    assert asked.strangers(log) == set()
    named = {urlsplit(url).netloc for url in requested if urlsplit(url).scheme not in ("data", "blob")}
    assert named == {urlsplit(house.url).netloc}


@pytest.mark.parametrize(
    "served",
    [
        ("-m", "dashboard.command", "run", "--address", "0.0.0.0", "--port"),
        ("-m", "streamlit", "run", "dashboard/Home.py", "--server.address", "0.0.0.0", "--server.port"),
    ],
    ids=["overread run", "streamlit run"],
)
def test_a_server_for_a_network_asks_nobody_for_its_address(served: tuple[str, ...], tmp_path: Path) -> None:
    """Neither when it starts, nor when a page of another address knocks."""
    under = asked.under(tmp_path / "log")
    house = House(tmp_path, weights.write(tmp_path / "weights"), under=under, served=served).start()
    token = visitor.xsrf(house.url)
    with pytest.raises(InvalidStatus, match="403"):
        visitor.opened(house.url, {visitor.XSRF: token}, token, "https://evil.example")
    process = house.number
    house.stop()
    assert asked.strangers(asked.ended(tmp_path / "log", process)) == set()


def test_scoring_asks_nobody(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        (images / f"{number}.png").write_bytes(readings.head(number))
    out = tmp_path / "rows.csv"
    words = ("-m", "dashboard.command", "score", str(images), "--out", str(out), "--system", readings.SYSTEM)
    models = weights.write(tmp_path / "weights")
    log = _watched(tmp_path / "log", *words, OVERREAD_WEIGHTS=str(models), OVERREAD_STORE=str(tmp_path / "store"))
    assert len(out.read_text().splitlines()) == 1 + 3 * 3
    assert asked.strangers(log) == set()
