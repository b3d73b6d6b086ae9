"""The server listens at once; what its pages need is loaded behind it, in the order in which a first visitor meets it.

While the browser fetches Streamlit's client, store and sign-in are loaded, and the first words of Home are drawn with
them. Then the libraries of the engine, a second in which little else gets its turn: when somebody needs them, a
moment after those words, or when nobody came. As soon as the networks are there the models of a sample that an address
names are loaded, beside what is still to be imported for its page. At the end, after who came first, what no answer
needs of the libraries (:mod:`dashboard.late`) is imported, and imports and scoring that a killed server left behind go
on, whether anybody comes or not.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import sys
import threading
import time
from collections import deque
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import delta_generator

from core.background import Job
from core.errors import OverreadError
from dashboard import late
from dashboard.opening import asks_for_page

PATIENCE = 4.0  # seconds that a first visitor is waited for
COMING = 20.0  # seconds that one is waited for whose browser has asked for Home: on a busy machine it is slow
FIRST = 3.0  # seconds in which whoever waited for the engine has a first answer
TURN = 0.0005  # seconds that a thread may keep the interpreter while others wait for it
MOMENT = 1.0  # seconds in which a browser draws what it was just sent
_FIRST = (
    "dashboard.kit.who",
    "dashboard.kit.style",
    "dashboard.kit.routes",
    "dashboard.viewer.shelf",
    "dashboard.home.entrance",
)
_ENGINE = ("core.engine.engine", "core.models.segmenters", "dashboard.kit.engine")
_PAGES = ("dashboard.kit.jobs", "dashboard.review.reading", "dashboard.review.study_bar", "core.imaging.reader")
_AFTER = ("scipy.special", "pandas", "dashboard.review.pedigree", "dashboard.review.downloads")  # asked for soon
_samples: deque[str] = deque(maxlen=1)  # that addresses named; of the last page that was asked for
_begun, _coming, _waited_for, _wanted, _loaded = (threading.Event() for _ in range(5))


def begin() -> None:
    """Load and take up, in the background."""
    # A million objects come and none goes: looking through them for garbage again and again takes a tenth of the time.
    gc.disable()
    # Whoever draws, answers or prepares lets go of the interpreter at every file, picture and pass; to have it back it
    # waits for each thread in turn. Among fifty callers a turn of 5 ms, Python's own, keeps models waiting for minutes.
    sys.setswitchinterval(TURN)
    # With the first element of all Streamlit asks whether it was started by hand, once; Python would look for that
    # through the files of all modules that are loaded by then, half a second of the first page.
    delta_generator._use_warning_has_been_displayed = True
    _begun.set()
    Job(_work, name="overread-warming").start()


def engine(*, drawn: bool = False) -> None:
    """Wait until the libraries of the engine are there; at once where nothing loads them in the background.

    Args:
        drawn: something was just drawn that may reach the browser first.
    """
    if _begun.is_set():
        if not drawn:
            _wanted.set()
        _waited_for.set()
        _loaded.wait()


class Foreseen:
    """Whoever asks for another page than Home will need the engine: it is begun a second before that page's script.

    Args:
        home: the path of Home.
    """

    def __init__(self, app: ASGIApp, home: str) -> None:
        self._app = app
        self._home = home.strip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take note, and hand on."""
        if scope["type"] == "http" and asks_for_page(scope):
            _coming.set()
            _samples.extend(parse_qs(bytes(scope.get("query_string", b"")).decode("latin-1")).get("sample", ())[:1])
            if str(scope["path"]).strip("/") != self._home:
                _wanted.set()
                _waited_for.set()
        await self._app(scope, receive, send)


def _work(_: Job[None]) -> None:
    try:
        _load()
        if _waited_for.is_set():
            time.sleep(FIRST)
    finally:
        _take_up()  # whatever went wrong before: what a killed server left behind is somebody's work
    late.complete()
    for name in _AFTER:
        importlib.import_module(name)
    gc.collect()  # what is garbage now is not kept with the rest
    gc.freeze()


def _load() -> None:
    try:
        _pages()
        if _waited_for.wait(PATIENCE) or (_coming.is_set() and _waited_for.wait(COMING)):
            _wanted.wait(MOMENT)
        with late.left():
            for name in _ENGINE:
                importlib.import_module(name)
            _expect()
            for name in _PAGES:
                importlib.import_module(name)
    finally:
        _set_apart()
        _loaded.set()


def _set_apart() -> None:
    # Streamlit collects all garbage after every run of a script. Over the million objects of the libraries that takes
    # 0.3 s, with every other thread held up; set apart here, they are never looked at, and whoever waits does not wait
    # for the collection that would come at once.
    gc.freeze()
    gc.enable()
    # At the end they are taken back: what the interpreter cannot free, Triton reports as leaked, in forty lines.
    atexit.register(gc.unfreeze)


def _expect() -> None:
    """Have the models loaded that an address will ask for, beside the page's script."""
    from core.systems import SYSTEMS
    from dashboard.kit.engine import engine

    for sample in _samples:
        system = sample.rpartition("-")[0]
        if system in SYSTEMS:
            engine().expect(system)
            return


def _pages() -> None:
    # Imported here and below: the server listens before.
    from core.review import open_store
    from dashboard.kit import departed, messages

    departed.begin()
    try:
        open_store()  # made or brought up to date
    except OverreadError as error:
        messages.LOG.error("the store cannot be opened: %s", type(error).__name__)  # pages tell the reason
    for name in _FIRST:
        importlib.import_module(name)


def _take_up() -> None:
    from core.review import open_store
    from core.review.archives import adopt
    from dashboard.kit import messages
    from dashboard.kit.engine import engine

    try:
        adopt(open_store(), engine())
    except OverreadError as error:
        messages.LOG.error("nothing could be taken up: %s", type(error).__name__)
