"""What `pip install` puts into site-packages runs from anywhere: laid out here as the wheel would be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from core.proof.readme import DOCUMENTS

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the wheel; those of weights/, which are large, are links."""
    folder = tmp_path_factory.mktemp("site")
    builder = WheelBuilder(str(ROOT))
    builder.config.set_build_data(builder.get_default_build_data())
    for file in builder.recurse_included_files():
        target = folder / file.distribution_path
        target.parent.mkdir(parents=True, exist_ok=True)
        (os.symlink if "/weights/" in f"/{file.distribution_path}" else shutil.copyfile)(file.path, target)
    return folder


def _called(site: Path, tmp_path: Path, *words: str) -> str:
    """What the command says, started from another folder with nothing but the wheel's files."""
    code = "import sys, dashboard.command; sys.argv[0] = 'overread'; dashboard.command.main()"
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(
        command, cwd=tmp_path, env=_environment(site, tmp_path), capture_output=True, text=True, check=False
    )
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


def _environment(site: Path, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OVERREAD_")}
    return kept | {"PYTHONPATH": str(site), "OVERREAD_STORE": str(tmp_path / "store"), "COLUMNS": "200"}


def test_the_wheel_holds_what_a_run_reads(site: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "core", "dashboard", "trainers", "weights", "data", ".streamlit/config.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    beside = ("weights", "data", ".streamlit")
    wanted = {f"overread_files/{name}" if name.startswith(beside) else name for name in tracked}
    held = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    assert len(wanted) > 500
    assert wanted - held == set()
    filed = {"requirements.txt", "LICENSE", *(f"docs/{name}" for name in DOCUMENTS)}
    assert {f"overread_files/{name}" for name in filed} <= held  # what `overread evidence-pack` copies
    assert not [name for name in held if name.startswith(("tests", "runs")) or name.endswith((".pyc", "secrets.toml"))]


def test_the_client_needs_nothing_else_of_overread(site: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from overread.client import Client; Client('http://localhost:1').close(); "
        "print(sorted(m for m in sys.modules if m.partition('.')[0] in ('core', 'dashboard', 'torch', 'streamlit')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=_environment(site, tmp_path), capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_installed_it_finds_its_files_and_names_its_commands(site: Path, tmp_path: Path) -> None:
    said = _called(site, tmp_path, "--help")
    assert said.startswith("0\n"), said
    for name in ("run", "score", "train", "evaluate", "archives", "store"):
        assert f" {name} " in said
    code = "from core import places, settings; print(settings.settings().weights, places.SAMPLES, places.RUNS)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=_environment(site, tmp_path), capture_output=True, text=True
    )
    files = site / "overread_files"
    assert done.stdout.split() == [str(files / "weights"), str(files / "data" / "samples"), "runs"], done.stderr


def test_a_wrong_setting_stops_the_server_before_it_starts(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = _environment(site, tmp_path) | {"OVERREAD_IDLE_MINUTES": "never"}
    monkeypatch.setattr("tests.package.test_wheel._environment", lambda *_: environment)
    said = _called(site, tmp_path, "run", "--port", str(_free_port()))
    assert said.startswith("2\n"), said
    assert "OVERREAD_IDLE_MINUTES is 'never'" in said


def test_installed_it_serves_the_page_to_this_machine_only(site: Path, tmp_path: Path) -> None:
    port = _free_port()
    log = tmp_path / "log"
    code = "import dashboard.command; dashboard.command.main()"
    command = [sys.executable, "-c", code, "run", "--port", str(port), "--server.maxUploadSize=7"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=_environment(site, tmp_path), stdout=out, stderr=subprocess.STDOUT
        )
    try:
        assert _got(f"http://localhost:{port}/_stcore/health", process, log) == "ok"
        assert "<title>" in _got(f"http://localhost:{port}/", process, log)
        listening = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        places = [line.split()[1] for line in listening if line.split()[1].endswith(f":{port:04X}")]
        assert places
        assert all(place.startswith("0100007F") for place in places)  # 127.0.0.1
    finally:
        process.terminate()
        process.wait(timeout=30)
    assert "gatherUsageStats" not in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("address", "told"),
    [("localhost", "localhost"), ("0.0.0.0", "localhost"), ("::", "localhost"), ("::1", "[::1]"), ("10.1.2.3",) * 2],
)
def test_where_it_answers_is_an_address_that_a_browser_opens(address: str, told: str) -> None:
    from dashboard.command import _answers_at

    assert _answers_at(address) == told


def test_the_shipped_options_hold_wherever_it_is_started() -> None:
    from dashboard.command import shipped_options

    options = shipped_options()
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert options["server.address"] == "localhost"
    assert options["browser.gatherUsageStats"] is False
    assert options["theme.dark.primaryColor"] == config["theme"]["dark"]["primaryColor"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _got(address: str, process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no answer within {START_SECONDS} s: {log.read_text()[-3000:]}")
