"""All systems by name: every module of this package with a ``SYSTEM`` declares one."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace

from core.errors import SystemMismatchError
from core.simulate.phantom import DRAWINGS
from core.simulate.phantom import register as register_drawing
from core.systems.declaration import DataSet, System

# What this package holds besides systems; imported by whoever needs it (the router brings torch).
_PLUMBING = frozenset({"catalogue", "declaration", "match", "router", "published"})

SYSTEMS: dict[str, System] = {}


def register(declared: System) -> None:
    """Make a system known everywhere, in its place among the others.

    Raises:
        ValueError: the name is taken, or one of its data sets is another system's.
    """
    if SYSTEMS.get(declared.name, declared) != declared:
        raise ValueError(f"there are two systems called {declared.name}")
    for own in declared.sets:
        known_as = find_set(own.name)
        if known_as is not None and replace(known_as, labels=own.labels, measured=own.measured) != own:
            raise ValueError(f"two systems declare the data set {own.name} differently")
    known = {**SYSTEMS, declared.name: declared}
    SYSTEMS.clear()
    SYSTEMS.update(sorted(known.items(), key=lambda entry: (entry[1].place, entry[0])))
    if declared.drawing is not None:
        register_drawing(declared.name, declared.drawing)


def forget(name: str) -> None:
    """Take a system out again."""
    SYSTEMS.pop(name, None)
    DRAWINGS.pop(name, None)


def discover() -> None:
    """Register the system of every module of this package, those added to its path since included."""
    names = {found.name for found in pkgutil.iter_modules(importlib.import_module(__package__).__path__)} - _PLUMBING
    modules = [importlib.import_module(f"core.systems.{name}") for name in sorted(names)]
    declared: list[System] = [module.SYSTEM for module in modules]
    for one in sorted(declared, key=lambda s: (s.place, s.name)):
        register(one)


def system(name: str) -> System:
    """A system by name; raises :class:`SystemMismatchError` for an unknown one."""
    if name not in SYSTEMS:
        raise SystemMismatchError(f"There is no system {name!r}.", f"Known systems: {', '.join(SYSTEMS)}.")
    return SYSTEMS[name]


def find_set(name: str) -> DataSet | None:
    """What the systems declare about a data set; ``None`` for one that none declares."""
    return next((known for s in SYSTEMS.values() for known in s.sets if known.name == name), None)


discover()
