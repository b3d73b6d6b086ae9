"""Which installed package needs which, as their metadata declare it for this Python and system."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterable
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core import places
from core.proof.packages import distribution

SELF = "overread"


def needs(names: Collection[str], declared: Callable[[str], Iterable[str]] | None = None) -> dict[str, tuple[str, ...]]:
    """Names, sorted, of what Overread itself (:data:`SELF`) and each of the packages needs.

    Extras count where something that counts asks for them. What is needed and not among ``names`` is left out.

    Args:
        names: canonical ones (https://packaging.python.org/specifications/name-normalization) of installed packages.
        declared: the requirements of one of them; by default those of its metadata.
    """
    declared = declared or _declared
    requirements = {name: [Requirement(line) for line in declared(name)] for name in (SELF, *names)}
    extras: dict[str, set[str]] = {name: {""} for name in requirements}
    found: dict[str, set[str]] = {name: set() for name in requirements}
    grown = True
    while grown:  # an extra may bring a requirement that asks for another extra
        grown = False
        for name, lines in requirements.items():
            for line in lines:
                other = canonicalize_name(line.name)
                if other not in found or not _counts(line, extras[name]):
                    continue
                if other not in found[name] or not line.extras <= extras[other]:
                    found[name].add(other)
                    extras[other] |= line.extras
                    grown = True
    return {name: tuple(sorted(others - {name})) for name, others in found.items()}


def _counts(line: Requirement, extras: Collection[str]) -> bool:
    return line.marker is None or any(line.marker.evaluate({"extra": extra}) for extra in extras)


def _declared(name: str) -> list[str]:
    here = distribution(name)
    if here is not None:
        return here.requires or []
    if name != SELF:
        raise metadata.PackageNotFoundError(name)
    described = tomllib.loads((places.HOME / "pyproject.toml").read_text(encoding="utf-8"))
    return list(described["project"]["dependencies"])
