"""The container's files parse and fit the repository, and what the image starts runs, without Docker."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml
from dockerfile_parse import DockerfileParser

from core.settings import PREFIX, Settings
from dashboard.command import app

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
START_SECONDS = 400
SETTING = re.compile(rf"\b{PREFIX}[A-Z_]+\b")


def _lines() -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = DockerfileParser(path=str(DEPLOY / "Dockerfile"), cache_content=True).structure
    return lines


def _last(instruction: str) -> str:
    return str([line["value"] for line in _lines() if line["instruction"] == instruction][-1])


def _compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_the_image_is_slim_unprivileged_and_checked() -> None:
    bases = [line["value"] for line in _lines() if line["instruction"] == "FROM"]
    assert [base.split()[0] for base in bases] == ["python:3.11-slim"] * 2
    order = [line["instruction"] for line in _lines()]
    order = order[len(order) - order[::-1].index("FROM") :]
    assert int(_last("USER")) > 0
    assert order.index("USER") < order.index("HEALTHCHECK") < order.index("ENTRYPOINT")
    assert "RUN" not in order[order.index("USER") :]
    assert set(_last("EXPOSE").split()) == {"8501", "11112"}
    assert not [line for line in _lines() if line["instruction"] in ("ADD", "MAINTAINER")]
    assert not re.search(r"(?i)password|secret|token", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    for line in _lines():
        if line["instruction"] != "COPY" or "--from" in line["value"]:
            continue
        for name in line["value"].split()[:-1]:
            assert (ROOT / name).exists(), name
            assert name.split("/")[0] not in ignored or f"!{name}" in ignored, name
    needed = (
        "core",
        "dashboard",
        "trainers",
        "weights",
        "data",
        "README.md",
        "LICENSE",
        "pyproject.toml",
        ".streamlit",
    )
    assert not {*needed} & {*ignored}


def test_the_lock_without_cuda_leaves_nothing_else_out() -> None:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("# == train")[0]
    kept = subprocess.run(
        ["awk", "-f", str(DEPLOY / "without-cuda.awk")], input=lock, capture_output=True, text=True, check=True
    ).stdout

    def names(text: str) -> set[str]:
        return set(re.findall(r"^([A-Za-z0-9._-]+)==", text, flags=re.MULTILINE))

    out = names(lock) - names(kept)
    assert {"torch", "torchvision", "triton"} < out
    assert {name for name in out if not name.startswith(("nvidia-", "cuda-"))} == {"torch", "torchvision", "triton"}
    assert kept.count("--hash") >= len(names(kept))
    versions = subprocess.run(
        ["sed", "-n", r"s/^\(torch\|torchvision\)==\([^ ]*\).*/\1==\2/p"],
        input=lock,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [v.split("==")[0] for v in versions] == ["torch", "torchvision"]
    assert all(f"\n{v} " in lock for v in versions)


def test_every_setting_that_is_named_is_one() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for path in DEPLOY.iterdir():
        named = {name.rstrip("_") for name in SETTING.findall(path.read_text(encoding="utf-8"))}
        assert named <= known, path.name


def test_the_services_fit_together() -> None:
    compose = _compose()
    services = compose["services"]
    assert set(services) == {"overread", "node", "db", "orthanc"}
    for name, service in services.items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} publishes {port} beyond this machine"
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in compose["volumes"]
        for other in service.get("depends_on", ()):
            assert "healthcheck" in services[other]
        if "build" in service:
            build = service["build"]
            assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
        else:
            assert ":" in service["image"], f"{name} takes whatever version there is"
    store, peers = (services["node"]["environment"][PREFIX + name] for name in ("STORE", "DICOM_PEERS"))
    assert re.fullmatch(r"postgresql\+pg8000://overread:\$\{POSTGRES_PASSWORD:\?.*\}@db/overread", store)
    assert services["db"]["environment"]["POSTGRES_USER"] == "overread"
    assert peers == "ORTHANC=orthanc:4242"
    node = json.loads(services["orthanc"]["environment"]["ORTHANC__DICOM_MODALITIES"])["overread"]
    assert node == [Settings().dicom_title, "node", Settings().dicom_port]
    wanted = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text(encoding="utf-8")))
    assert wanted == set(
        re.findall(r"^(\w+)=", (DEPLOY / "example.env").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )


def test_every_command_is_one_of_overreads() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]
    assert json.loads(_last("CMD"))[0] in known
    assert all(s["command"][0] in known for s in _compose()["services"].values() if "command" in s)


def test_the_entry_point_runs_and_its_health_check_passes(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    assert json.loads(_last("ENTRYPOINT")) == ["overread"]
    words = [str(port) if word == "8501" else word for word in json.loads(_last("CMD"))]
    check = json.loads(_last("HEALTHCHECK").partition("CMD ")[2])
    check = [sys.executable, *(word.replace("8501", str(port)) for word in check[1:])]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment = kept | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "dashboard.command", *words]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        before = subprocess.run(check, capture_output=True, check=False).returncode
        assert before != 0  # nothing listens yet
        end = time.monotonic() + START_SECONDS
        while subprocess.run(check, capture_output=True, check=False).returncode != 0:
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < end, (tmp_path / "log").read_text()
            time.sleep(1)
    finally:
        server.terminate()
        server.wait(30)


def test_make_image_builds_that_file() -> None:
    recipe = subprocess.run(
        ["make", "-n", "--no-print-directory", "image"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    words = shlex.split(recipe.strip().splitlines()[-1])
    assert (ROOT / words[words.index("-f") + 1]) == DEPLOY / "Dockerfile"


def test_the_proxy_hands_on_what_the_pages_need() -> None:
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert text.count("{") == text.count("}")
    for needed in (
        "Upgrade $http_upgrade",
        "Host $host",
        "proxy_buffering off",
        "127.0.0.1:8501",
        "client_max_body_size",
    ):
        assert needed in text
