"""Models are loaded ahead one by one; whoever asks for one has it as soon as it is there, not after all others."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from core.engine import course as courses
from core.engine import shelf as shelves
from core.engine.engine import Engine
from core.engine.shelf import Loaded, Shelf
from core.errors import ModelUnavailableError
from core.systems import ModelSlot, system
from core.weights.exported.chain import load_link
from tests.engine.installed import scan, study

SLOTS = {slot.name: slot for slot in system("brain-mr").models}
PATIENCE = 60.0


class Gates:
    """Stops every loading at its beginning, by the model's name, until it is let through."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.begun = {name: threading.Event() for name in names}
        self.through = {name: threading.Event() for name in names}
        self.order: list[str] = []

    def load(self, folder: Path, *answerer: object) -> object:
        self.order.append(folder.name)
        self.begun[folder.name].set()
        assert self.through[folder.name].wait(PATIENCE)
        return load_link(folder, *answerer)  # type: ignore[arg-type]

    def open(self, *names: str) -> None:
        for name in names:
            self.through[name].set()


@contextmanager
def stopped(shelf: Shelf, names: tuple[str, ...]) -> Iterator[Gates]:
    """A shelf that loads these models ahead, and waits at each."""
    gates = Gates(names)
    with mock.patch.object(shelves, "load_link", gates.load):
        shelf.load_ahead("brain-mr", [SLOTS[name] for name in names])
        try:
            yield gates
        finally:
            gates.open(*names)
            for thread in threading.enumerate():
                if thread.name == "overread-loading":
                    thread.join(PATIENCE)


class Asks(threading.Thread):
    """Asks for a model."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        super().__init__(daemon=True)
        self._shelf, self._asked = shelf, name
        self.found: Loaded | ModelUnavailableError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.found = self._shelf.load("brain-mr", SLOTS[self._asked])
        except ModelUnavailableError as error:
            self.found = error


def test_who_asks_for_the_one_at_hand_does_not_wait_for_those_behind_it(brain: Path) -> None:
    shelf = Shelf(brain)
    with stopped(shelf, ("unet", "resnet50", "resunet")) as gates:
        assert gates.begun["unet"].wait(PATIENCE)
        asks = Asks(shelf, "unet")
        while not shelf._asked:  # it waits
            pass
        gates.open("unet")
        asks.join(PATIENCE)
        assert isinstance(asks.found, Loaded)
        assert not gates.through["resnet50"].is_set()
    assert gates.order == ["unet", "resnet50", "resunet"]
    assert shelf.load("brain-mr", SLOTS["unet"]) is asks.found


def test_who_asks_for_another_one_has_it_next(brain: Path) -> None:
    shelf = Shelf(brain)
    with stopped(shelf, ("unet", "resnet50", "resunet")) as gates:
        assert gates.begun["unet"].wait(PATIENCE)
        asks = Asks(shelf, "resunet")
        while not shelf._asked:
            pass
        gates.open("unet", "resunet")
        asks.join(PATIENCE)
        assert isinstance(asks.found, Loaded)
        assert gates.order[:2] == ["unet", "resunet"]
    assert sorted(gates.order) == ["resnet50", "resunet", "unet"]  # each once


def test_a_model_that_cannot_be_loaded_holds_nobody_up(tmp_path: Path, brain: Path) -> None:
    (tmp_path / "brain-mr").mkdir()
    (tmp_path / "brain-mr" / "unet").symlink_to(brain / "brain-mr" / "unet")
    shelf = Shelf(tmp_path)
    with pytest.raises(ModelUnavailableError):
        shelf.load("brain-mr", SLOTS["resnet50"])
    assert shelf.load("brain-mr", SLOTS["unet"]).card.name == "unet"


def test_models_behind_the_first_are_loaded_behind_its_answer(brain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(brain)
    told: list[tuple[list[str], int]] = []
    ahead = engine.shelf.load_ahead

    def noted(system_name: str, slots: Sequence[ModelSlot]) -> None:
        told.append(([slot.name for slot in slots], course.done))
        ahead(system_name, slots)

    monkeypatch.setattr(engine.shelf, "load_ahead", noted)
    names = [slot.name for slot in system("brain-mr").models]
    for others in (names[1:], []):  # once, and where they are there nothing is loaded
        course = engine.course(study(scan(2)), "brain-mr")
        assert len(course.run(shown=True).ready) == len(names)
        assert told == [(names[:1], 0), *([(others, 1)] if others else [])]
        told.clear()


def test_they_wait_until_a_page_has_drawn_the_first_answer(brain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courses, "_SEEN_SECONDS", PATIENCE)
    engine, loaded = Engine(brain), threading.Event()
    ahead = engine.shelf.load_ahead

    def noted(system_name: str, slots: Sequence[ModelSlot]) -> None:
        if course.done:
            loaded.set()
        ahead(system_name, slots)

    monkeypatch.setattr(engine.shelf, "load_ahead", noted)
    course = engine.course(study(scan(2)), "brain-mr")
    asks = threading.Thread(target=course.run, kwargs={"shown": True})
    asks.start()
    while not course.done:
        assert not loaded.wait(0.02)
    assert not loaded.wait(0.5)
    course.seen()
    asks.join(PATIENCE)
    assert loaded.is_set()
    assert course.fraction == 1.0
