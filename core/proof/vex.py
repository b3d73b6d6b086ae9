"""Known vulnerabilities of the packages, and whether they can be exploited here: a VEX in CycloneDX 1.6.

What is known comes from an audit that pip-audit made where its data can be reached; nothing is asked from here. What
nobody has analysed is told as ``in_triage``. Without an audit the file says that there was none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from core.errors import ProofError
from core.proof.graph import SELF
from core.proof.packages import Package

COMMAND = "pip-audit --format json --output audit.json"
NONE_MADE = (
    "none was made: no vulnerability database was asked, so an empty list says nothing. Where its data can be "
    f"reached: {COMMAND}, then overread evidence-pack --audit audit.json"
)
_TRIAGE = "Found by the audit. Nobody has yet analysed whether Overread can be harmed by it."


@dataclass(frozen=True)
class Audit:
    """What an audit says.

    Attributes:
        sha256: of its file.
        versions: of the packages it looked at, by canonical name.
        found: package's canonical name, and what pip-audit tells of one vulnerability.
    """

    sha256: str
    versions: dict[str, str]
    found: tuple[tuple[str, dict[str, Any]], ...]


def read_audit(file: Path) -> Audit:
    """An audit from the JSON that pip-audit writes.

    Raises:
        ProofError: it cannot be read, or is something else.
    """
    try:
        content = file.read_bytes()
        entries = [one for one in json.loads(content)["dependencies"] if "skip_reason" not in one]
        versions: dict[str, str] = {canonicalize_name(one["name"]): str(one["version"]) for one in entries}
        found = tuple(
            (canonicalize_name(one["name"]), {**told, "id": str(told["id"])})
            for one in entries
            for told in one["vulns"]
        )
    except OSError as error:
        raise ProofError(f"The audit {file} cannot be read.", f"Make it: {COMMAND}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProofError(f"{file} is no audit in pip-audit's JSON.", f"Make it: {COMMAND}.") from error
    return Audit(hashlib.sha256(content).hexdigest(), versions, found)


def vex(version: str, packages: Sequence[Package], audit: Audit | None) -> dict[str, Any]:
    """The document as JSON values.

    Args:
        version: of Overread.
        packages: installed ones, as the bill of materials lists them; what the audit says of others is left out.

    Raises:
        ProofError: the audit is of other versions than those installed.
    """
    known = {package.name: package for package in packages if package.kind == "pypi"}
    other = sorted(n for n, v in (audit.versions if audit else {}).items() if n in known and known[n].version != v)
    if other:
        raise ProofError(f"The audit is of other versions of {', '.join(other)}.", f"Audit this one: {COMMAND}.")
    hits = [(known[name], told) for name, told in (audit.found if audit else ()) if name in known]
    hits.sort(key=lambda one: (one[0].name, one[1]["id"]))
    parts = {package.purl: package for package, _ in hits}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": SELF, "name": SELF, "version": version},
            "properties": [{"name": f"{SELF}:{name}", "value": value} for name, value in _said(known, audit)],
        },
        "components": [
            {"type": "library", "bom-ref": purl, "name": part.name, "version": part.version, "purl": purl}
            for purl, part in parts.items()
        ],
        "vulnerabilities": [_vulnerability(package, told) for package, told in hits],
    }


def _said(known: dict[str, Package], audit: Audit | None) -> Iterator[tuple[str, str]]:
    if audit is None:
        yield "audit", NONE_MADE
        return
    yield "audit", f"by pip-audit, SHA-256 of its file {audit.sha256}"
    missed = sorted(known.keys() - audit.versions.keys())
    yield "audited", f"{len(known) - len(missed)} of {len(known)} packages"
    if missed:
        yield "not-audited", ", ".join(missed)
    yield "not-covered", "packages of the browser's clients, Python itself, libraries of the operating system"


def _vulnerability(package: Package, told: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = {
        "bom-ref": f"{told['id']}:{package.purl}",
        "id": told["id"],
        "affects": [{"ref": package.purl}],
        "analysis": {"state": "in_triage", "detail": _TRIAGE},
    }
    if told.get("description"):
        part["description"] = str(told["description"])
    if fixed := [str(one) for one in told.get("fix_versions") or ()]:
        part["recommendation"] = f"{package.name} {' or '.join(fixed)}"
    if others := sorted({str(one) for one in told.get("aliases") or ()}):
        part["references"] = [{"id": one, "source": {"name": one.partition("-")[0]}} for one in others]
    return part
