"""A running dashboard with an archive to read or a course to learn from, for tests that drive it in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

from core.review import Store
from tests.dashboard import readings, weights
from tests.dashboard.house import House
from tests.teaching import school


@dataclass(frozen=True)
class Ward:
    """What runs, what it keeps, and what was planted in it."""

    house: House
    store: Store
    planted: readings.Planted


@dataclass(frozen=True)
class School:
    """A running dashboard with a short course, and its store."""

    house: House
    store: Store


@contextmanager
def opened_ward(folder: Path, cases: int) -> Iterator[Ward]:
    """A ward with so many cases, closed at the end."""
    house = House(folder, weights.write(folder / "weights"))
    store = readings.opened(house.store)
    planted = readings.plant(store, cases)
    house.start()
    yield Ward(house, store, planted)
    house.stop()


@contextmanager
def opened_school(folder: Path) -> Iterator[School]:
    """A school, closed at the end."""
    house = House(folder, weights.write(folder / "weights"))
    store = readings.opened(house.store)
    school.short_course(store)
    house.start()
    yield School(house, store)
    house.stop()


@contextmanager
def reading_room(browser: Browser) -> Iterator[BrowserContext]:
    """A visit with a large screen, dark, and patience for answers."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.set_default_timeout(120_000)
    yield context
    context.close()
