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
    told = f"print(json.dumps({{name: name in sys.modules for name in {names!r}}}), flush=True)"
    # ended at once: a thread that still loads libraries may not outlive the interpreter that it loads them into
    asked = f"{script}\nimport json, os, sys\n{told}\nos._exit(0)"
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


# What a compiler, an exporter, a loader of data sets and a client of a hub bring: modules of them, the first of each.
UNASKED = (
    "torch._decomp.decompositions",
    "torch._refs.fft",
    "torch.export.decomp_utils",
    "torch.onnx.ops",
    "torch.onnx._internal",
    "torchvision.datasets.cifar",
    "huggingface_hub._commit_api",
    "torch._dynamo",
    "openvino.tools.ovc.convert",
    "scipy.special",
    "sklearn",
    "pandas",
    "skimage",
    "matplotlib",
    "onnx",
)
AS_THE_SERVER = """
import importlib, sys, streamlit.web.bootstrap
import dashboard.late as late, dashboard.warming as w
for name in w._FIRST: importlib.import_module(name)
w._expect = lambda: None
w._waited_for.set(), w._wanted.set()
w._load()
"""


def test_a_first_answer_is_given_before_what_it_does_not_need_is_loaded() -> None:
    script = f"""{AS_THE_SERVER}
from core import places
from core.engine.engine import Engine
from core.imaging import read
from core.settings import settings
file = places.SAMPLES / "brain-mr-03.png"
course = Engine(settings().weights).course(read([(file.name, file.read_bytes())]), "brain-mr")
said = []
try:
    course.run(progress=lambda title, _: said.append(title), stop=lambda: bool(said))
except InterruptedError:
    pass
assert len(said) == 1
"""
    names = ("core.imaging.reader", "segmentation_models_pytorch", *UNASKED)
    assert [name for name, there in loaded(script, names).items() if there] == list(names[:2])


def test_a_first_visitor_of_review_waits_for_no_table() -> None:
    script = """
from unittest import mock
from streamlit.testing.v1 import AppTest
from core import places
from core.background import Job
from dashboard import warming
from dashboard.kit import who
from dashboard.viewer import build
with mock.patch.object(Job, "start"):
    warming.begin()
warming._loaded.set()
with mock.patch.object(build, "built", lambda: "viewer"), mock.patch("inspect.stack", side_effect=AssertionError):
    app = AppTest.from_file(str(places.HOME / "dashboard" / "pages" / "review.py"), default_timeout=120)
    app.session_state["person"] = who.GUEST
    app.query_params["sample"] = "brain-mr-03"
    app.run()
assert not app.exception
assert [one.type for one in app.get("bidi_component")] == ["bidi_component"]
assert any("or-table" in one.proto.body for one in app.get("html"))
"""
    names = ("cv2", "pandas", "pyarrow", "sklearn", "matplotlib", "scipy.stats")
    assert [name for name, there in loaded(script, names).items() if there] == ["cv2"]


@pytest.mark.parametrize(
    "asked",
    [
        "late.complete()",
        "import torch._decomp.decompositions",  # of a package that is imported only now
    ],
)
def test_what_was_left_out_is_whole_when_it_is_asked_for(asked: str) -> None:
    script = f"""{AS_THE_SERVER}
import torch, torchvision
left = {{name: sys.modules[name] for name in late.LEFT}}
{asked}
import torch.export, torch.onnx, torchvision.datasets, huggingface_hub
found = {{name: sys.modules[name] for name in late.LEFT}}
assert not [name for name in left if found[name] is left[name] or found[name].__spec__.name != name]
class Two(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.gelu(x) * 2
program = torch.export.export(Two(), (torch.zeros(1, 2),)).run_decompositions()
x = torch.tensor([[1.0, -1.0]])
assert torch.equal(program.module()(x), Two()(x))
assert torch.linalg.qr(torch.zeros(3, 2, device="meta"))[1].shape == (2, 2)
# torchvision's own operations are known to the converter: what was owed is done
from torch.onnx._internal.torchscript_exporter.registration import registry
assert registry.is_registered_op("torchvision::nms", 11)
"""
    assert loaded(script, ("torchvision.datasets.cifar",)) == {"torchvision.datasets.cifar": True}


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
    monkeypatch.setattr(warming.late, "LEFT", {})
    monkeypatch.setattr(warming, "PATIENCE", 0.0)

    def fails() -> None:
        raise RuntimeError("nobody foresaw it")

    monkeypatch.setattr(warming, broken, fails)
    with pytest.raises(RuntimeError, match="nobody foresaw it"):
        warming._work(None)  # type: ignore[arg-type]
    assert done[-1] == "_take_up"
    assert "_set_apart" in done
    assert warming._loaded.is_set(), "who waits for the engine waits no longer"
