"""Memory of open cases over sessions: own ones go first, then those of sessions that left, never another's."""

from __future__ import annotations

import gc
import weakref
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import memory
from core.imaging import read
from core.imaging.limits import KEPT_BYTES, MIB, UploadLimitError
from core.systems import match
from dashboard.command import shipped_options
from dashboard.kit import cases, departed, room
from tests.imaging.memory_child import image

FILES = 6  # slices of 512 x 512 in a scan
SCAN = FILES * (512 * 512 * KEPT_BYTES + 512 * 512 * 2)  # about: pixels, padding and the uploaded bytes


class Server:
    """Sessions of one process, one of which speaks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scans: float) -> None:
        self.account = memory.Memory(lambda: int(scans * SCAN) + 2 * MIB)
        self.account.spares.append(room._drop_gone)
        self.states: dict[str, dict[str, Any]] = {}
        self.active: set[str] = set()
        self.asked = 0
        monkeypatch.setattr("core.imaging.reader.of_process", lambda: self.account)
        monkeypatch.setattr(memory, "of_process", lambda: self.account)
        monkeypatch.setattr(room, "get_script_run_ctx", lambda: SimpleNamespace(session_id=self.now))
        runtime = SimpleNamespace(exists=lambda: True, get_instance=lambda: self)
        monkeypatch.setattr(room, "runtime", runtime)
        self.monkeypatch = monkeypatch

    def is_active_session(self, session_id: str) -> bool:
        return session_id in self.active

    def speaks(self, session: str) -> None:
        """The session in which the next things are done."""
        self.now = session
        self.active.add(session)
        self.monkeypatch.setattr(cases.st, "session_state", self.states.setdefault(session, {}))

    def opens(self, session: str) -> str:
        """Upload a scan in a session; its key."""
        self.speaks(session)
        self.asked += 1
        files = [(f"{k}.dcm", image(100 * self.asked + k)) for k in range(FILES)]
        study = read(files, give_way=cases.make_room)
        return cases.open_case(study, match(study), files).key


def keys(server: Server, session: str) -> list[str]:
    server.speaks(session)
    return [case.key for case in cases.recent()]


def test_a_session_gives_up_its_own_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, 3.2)
    theirs = server.opens("other")
    first, second = server.opens("mine"), server.opens("mine")
    third = server.opens("mine")
    assert keys(server, "mine") == [third, second]
    assert first not in keys(server, "mine")
    assert keys(server, "other") == [theirs]
    assert not server.account.full


def test_one_session_never_takes_what_another_has_open(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, 2.2)
    theirs = [server.opens("other"), server.opens("other")]
    with pytest.raises(UploadLimitError, match=r"memory for scans is full.*OVERREAD_TOTAL_MEMORY_MIB"):
        server.opens("mine")
    assert keys(server, "other") == theirs[::-1]


def test_what_a_session_that_left_had_open_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, 2.2)
    server.opens("left")
    server.opens("left")
    server.active.discard("left")  # within the time in which it could come back
    mine = server.opens("mine")
    assert keys(server, "mine") == [mine]
    assert len(keys(server, "left")) == 1


def test_what_left_long_enough_ago_goes_unasked_and_what_came_back_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, 5.2)
    monkeypatch.setattr(departed, "_left", {})
    for session in ("left", "back", "here"):
        server.opens(session)
    server.active -= {"left", "back"}
    assert not departed.sweep(server.is_active_session, lambda: 100.0)
    server.active.add("back")
    assert not departed.sweep(server.is_active_session, lambda: 101.0)
    server.active.discard("back")
    assert not departed.sweep(server.is_active_session, lambda: 99.0 + departed.SECONDS)
    before = server.account.held
    assert departed.sweep(server.is_active_session, lambda: 100.0 + departed.SECONDS)
    gc.collect()
    assert before - server.account.held == pytest.approx(SCAN, rel=0.1)
    assert [len(keys(server, session)) for session in ("left", "back", "here")] == [0, 1, 1]


class Circle:
    """It holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_is_cleared_where_something_was_made_and_an_idle_server_is_left_in_peace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collections: list[int] = []

    def collected(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 2:
            collections.append(info["generation"])

    gc.callbacks.append(collected)
    gc.disable()  # or Python looks by itself
    try:
        circle = Circle()
        gone = weakref.ref(circle)
        gc.collect(0)  # as often as seven hundred things were made
        del circle
        departed.clear_garbage()
        assert gone() is None
        assert len(collections) == 1
        departed.clear_garbage()
        assert len(collections) == 1
    finally:
        gc.enable()
        gc.callbacks.remove(collected)


def test_no_page_has_streamlit_look_for_garbage_after_each_run() -> None:
    """It is switched off in the file that ``streamlit run`` and ``overread run`` take."""
    assert shipped_options()["runner.postScriptGC"] is False


def test_a_session_that_comes_back_finds_its_case_and_what_was_measured() -> None:
    page = AppTest.from_string(
        "from dashboard.kit import cases\nfrom dashboard.review import sources\n"
        "sources.from_address()\ncase = cases.current()\nassert case is not None"
    )
    page.default_timeout = 120
    page.query_params["sample"] = "brain-mr-01"
    page.run()
    assert not page.exception
    (before,) = page.session_state["cases"].values()
    drawn = [{"kind": "length", "points": [[1.0, 2.0], [3.0, 4.0]]}]
    before.measures["key"], before.chosen_slices[0] = drawn, 7
    (session,) = room.holding()
    room.close_all(session)
    assert before.closed
    page.run()
    assert not page.exception
    (after,) = page.session_state["cases"].values()
    assert after.series.slices == 14
    assert (after.measures["key"], after.chosen_slices[0]) == (drawn, 7)


def test_memory_comes_back_with_the_end_of_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, 2.2)
    server.opens("mine")
    assert server.account.held > SCAN * 0.9
    server.speaks("other")
    server.states.pop("mine").clear()
    gc.collect()
    assert server.account.held == 0


def test_heat_maps_count_and_go_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, 1.2)
    server.opens("mine")
    case = cases.current()
    assert case is not None
    before = server.account.held
    for number in range(20):
        heat: Any = SimpleNamespace(values=np.zeros((512, 512), np.float32))
        case.remember((number,), heat)
    del heat
    assert cases.current() is case
    assert 0 < len(case.heat_maps) < 20
    assert before < server.account.held < before + 20 * MIB
    assert not server.account.full


def test_a_case_that_was_let_go_holds_nothing() -> None:
    study = read([("0.dcm", image(0))])
    case = cases.OpenCase(study, match(study), None, 0, heat_maps=OrderedDict())
    assert case.nbytes >= 512 * 512 * 5
    case.close()
    assert (case.closed, case.nbytes) == (True, 0)
