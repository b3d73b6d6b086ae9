"""Other people's packages in this installation: those the lock file names for a run, and the browser's clients'."""

from __future__ import annotations

import base64
import json
import re
import sysconfig
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import quote

from core import places
from core.errors import ProofError

NOT_STATED = "not stated"
_BLOCK = re.compile(r"^([A-Za-z0-9].*?)(?=^[A-Za-z0-9#]|\Z)", re.MULTILINE | re.DOTALL)
_LOCKED = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_LICENCE = "License :: "


@dataclass(frozen=True)
class Package:
    """One package as it is installed or bundled.

    Attributes:
        kind: ``pypi`` or ``npm``, as package URLs name them.
        name, version: as its registry spells them.
        licence: SPDX expression, or words; :data:`NOT_STATED` where its authors state none.
        spdx: ``licence`` is an SPDX expression.
        algorithm, hashes: of the files that the lock file allows for this version, hexadecimal, sorted; empty where the
            version installed is not the locked one.
        locked: versions in the lock file, sorted.
    """

    kind: str
    name: str
    version: str
    licence: str
    spdx: bool
    algorithm: str
    hashes: tuple[str, ...]
    locked: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Package URL (https://github.com/package-url/purl-spec)."""
        return f"pkg:{self.kind}/{quote(self.name, safe='/')}@{quote(self.version, safe='')}"


def own_version() -> str:
    """Version of Overread itself, installed or from its checkout."""
    if (here := distribution("overread")) is not None:
        return here.version
    described = tomllib.loads((places.HOME / "pyproject.toml").read_text(encoding="utf-8"))
    return str(described["project"]["version"])


def distribution(name: str) -> metadata.Distribution | None:
    """One that this environment itself holds; ``None`` where it holds none of that name.

    The search path tells more: Ray and setuptools, once imported, put the copies on it that they carry for themselves.
    """
    own = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    context = metadata.DistributionFinder.Context(name=name, path=own)
    return next(iter(metadata.MetadataPathFinder.find_distributions(context)), None)


def installed(lock: Path) -> list[Package]:
    """Distributions of the lock file's run group that are installed here, by name; those for other systems are not.

    Args:
        lock: ``requirements.txt`` as ``.ci/lock`` writes it.

    Raises:
        ProofError: it cannot be read, or none of its run group is installed.
    """
    try:
        text = lock.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProofError(f"The lock file {lock} cannot be read.", "Install Overread anew, or restore it.") from error
    versions: dict[str, dict[str, tuple[str, ...]]] = {}
    for block in _BLOCK.findall(text.partition("# == run:")[2].partition("# == train:")[0]):
        if told := _LOCKED.match(block):
            versions.setdefault(_normal(told[1]), {})[told[2]] = tuple(sorted(_HASH.findall(block)))
    found = [package for name, locked in versions.items() if (package := _installed(name, locked)) is not None]
    if not found:
        raise ProofError(
            f"No package of the run group in {lock} is installed.", "Install them: pip install -r requirements.txt."
        )
    return sorted(found, key=lambda package: package.name)


def bundled(*locks: Path) -> list[Package]:
    """Packages of browser clients' ``package-lock.json`` (form 2 or 3) that are no tools of their building, by name.

    Raises:
        ProofError: one cannot be read.
    """
    found: set[Package] = set()
    for lock in locks:
        try:
            entries = json.loads(lock.read_text(encoding="utf-8"))["packages"]
            found |= {_bundled(place, facts) for place, facts in entries.items() if place and not facts.get("dev")}
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise ProofError(
                f"The lock file {lock} cannot be read.", "Install Overread anew, or restore it."
            ) from error
    return sorted(found, key=lambda package: (package.name, package.version))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(name: str, locked: dict[str, tuple[str, ...]]) -> Package | None:
    here = distribution(name)
    if here is None:
        return None
    licence, spdx = _licence(here)
    hashes = locked.get(here.version, ())
    return Package("pypi", name, here.version, licence, spdx, "SHA-256", hashes, tuple(sorted(locked)))


def _licence(here: metadata.Distribution) -> tuple[str, bool]:
    """As its authors declare it (https://packaging.python.org/specifications/core-metadata), and whether in SPDX."""
    told = here.metadata
    if "License-Expression" in told:
        return told["License-Expression"].strip(), True
    if classed := sorted(_classes(told.get_all("Classifier") or [])):
        return "; ".join(classed), False
    lines = "\n".join(told.get_all("License") or []).strip().splitlines()
    if not lines or lines[0].strip() in ("", "UNKNOWN"):
        return NOT_STATED, False
    # Some put the whole text here: its first line alone may say little.
    return lines[0].strip() + (" ... (licence text in the package's metadata)" if len(lines) > 1 else ""), False


def _classes(classifiers: list[str]) -> Iterator[str]:
    for line in classifiers:
        if line.startswith(_LICENCE) and line != "License :: OSI Approved":
            yield line.rpartition(" :: ")[2]


def _bundled(place: str, facts: dict[str, str]) -> Package:
    name = facts.get("name") or place.rpartition("node_modules/")[2]
    licence = str(facts.get("license") or NOT_STATED)
    spdx = licence not in (NOT_STATED, "UNLICENSED") and not licence.startswith("SEE LICENSE")
    algorithm, _, digest = facts.get("integrity", "").partition("-")
    hashes = (base64.b64decode(digest, validate=True).hex(),) if algorithm == "sha512" else ()
    return Package("npm", name, facts["version"], licence, spdx, "SHA-512", hashes, (facts["version"],))
