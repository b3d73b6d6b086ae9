"""The server listens, and Home says its first words, before PyTorch is loaded; who needs models waits for it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from functools import partial
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from dashboard import warming
from tests.dashboard.house import ROOT

HEAVY = (
    "torch",
    "timm",
    "torchvision",
    "openvino",
    "scipy.stats",
    "sklearn",
    "skimage",
    "pandas",
    "pydicom",
    "nibabel",
)
LISTENING = ("sqlalchemy", "alembic", "cv2", *HEAVY)


def loaded(script: str, names: tuple[str, ...]) -> dict[str, bool]:
    """Which modules a fresh process has loaded after a script."""
    asked = f"{script}\nimport json, sys\nprint(json.dumps({{name: name in sys.modules for name in {names!r}}}))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, bool] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_server_listens_before_store_and_models_are_loaded() -> None:
    script = "import dashboard.warming as w; w.begin = lambda: None; import dashboard.Home"
    assert not [name for name, there in loaded(script, LISTENING).items() if there]


def test_home_says_its_first_words_before_models_are_loaded() -> None:
    names = ("dashboard.home.entrance", "sqlalchemy", *HEAVY)
    found = loaded("import importlib, dashboard.warming as w\n[importlib.import_module(n) for n in w._FIRST]", names)
    assert [name for name, there in found.items() if there] == ["dashboard.home.entrance", "sqlalchemy"]


def test_the_engine_does_without_the_compiler_which_is_whole_when_it_is_asked_for() -> None:
    script = """
import core.engine.engine, sys
from core.models.registry import create
create("resnet18", classes=2, channels=1, size=(64, 64))
early = "torch._dynamo" in sys.modules
import timm, torch
roi = sys.modules["torchvision.ops.roi_align"]
told = roi.is_compile_supported("cpu")
import torch._dynamo.utils as real
assert told == real.is_compile_supported("cpu") and real.__spec__ is not None and real.counters is not None
def one(x):
    return x
assert torch.compiler.disable(one) is not one, "the library's own decorator is back"
if early: sys.modules["early"] = timm
"""
    assert loaded(script, ("early", "timm", "torch._dynamo")) == {"early": False, "timm": True, "torch._dynamo": True}


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process in which nothing was begun."""
    for name in ("_begun", "_coming", "_waited_for", "_wanted", "_loaded"):
        monkeypatch.setattr(warming, name, threading.Event())


@pytest.mark.parametrize(
    ("path", "accept", "foreseen"),
    [
        ("/review", b"text/html,application/xhtml+xml", True),
        ("/under/review", b"text/html", True),
        ("/under/", b"text/html", False),
        ("/under", b"text/html", False),
        ("/under/static/js/index.js", b"*/*", False),
    ],
)
@pytest.mark.usefixtures("fresh")
def test_another_page_than_home_is_foreseen(path: str, accept: bytes, foreseen: bool) -> None:
    asked: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope)

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nobody reads and nobody answers here")

    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"accept", accept)]}
    asyncio.run(warming.Foreseen(app, "/under")(scope, nothing, nothing))
    assert asked == [scope]
    assert warming._wanted.is_set() is foreseen
    assert warming._coming.is_set() is (b"text/html" in accept)


@pytest.mark.usefixtures("fresh")
def test_who_needs_the_engine_waits_for_it_only_where_something_loads_it() -> None:
    warming.engine()  # comes back: nothing was begun
    warming._begun.set()
    waiting = threading.Thread(target=warming.engine)
    waiting.start()
    assert warming._wanted.wait(30)
    assert waiting.is_alive()
    warming._loaded.set()
    waiting.join(30)
    assert not waiting.is_alive()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("broken", ["_pages", "_expect"])
def test_what_a_killed_server_left_behind_goes_on_whatever_fails_before(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    for name in ("_pages", "_expect", "_set_apart", "_take_up"):
        monkeypatch.setattr(warming, name, partial(done.append, name))
    monkeypatch.setattr(warming, "PATIENCE", 0.0)

    def fails() -> None:
        raise RuntimeError("nobody foresaw it")

    monkeypatch.setattr(warming, broken, fails)
    with pytest.raises(RuntimeError, match="nobody foresaw it"):
        warming._work(None)  # type: ignore[arg-type]
    assert done[-1] == "_take_up"
    assert "_set_apart" in done
    assert warming._loaded.is_set(), "who waits for the engine waits no longer"
