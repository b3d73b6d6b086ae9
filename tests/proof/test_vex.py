"""What an audit found, in the form of a VEX: against the schema, by hand-made audits in pip-audit's form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from core.errors import ProofError
from core.proof.packages import Package
from core.proof.vex import read_audit, vex

PACKAGES = [
    Package("pypi", "pillow", "13.0", "MIT-CMU", True, "SHA-256", (), ()),
    Package("pypi", "pydicom", "3.1", "MIT", True, "SHA-256", (), ()),
    Package("npm", "url", "0.11.4", "MIT", True, "SHA-512", (), ()),
]
HIT = {"id": "PYSEC-2099-1", "fix_versions": ["13.1"], "aliases": ["CVE-2099-1", "GHSA-x"], "description": "Too large."}


def _audit(file: Path, *entries: dict[str, Any]) -> Path:
    file.write_text(json.dumps({"dependencies": entries, "fixes": []}))
    return file


def _valid(document: dict[str, Any]) -> None:
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    assert error is None, str(error)[:500]


def test_without_an_audit_it_says_that_there_was_none() -> None:
    document = vex("0.1", PACKAGES, None)
    _valid(document)
    assert document["vulnerabilities"] == []
    (said,) = document["metadata"]["properties"]
    assert said["name"] == "overread:audit"
    assert said["value"].startswith("none was made")


def test_what_was_found_is_told_package_by_package(tmp_path: Path) -> None:
    file = _audit(
        tmp_path / "audit.json",
        {"name": "Pillow", "version": "13.0", "vulns": [HIT]},
        {"name": "pytest", "version": "9", "vulns": [{**HIT, "id": "PYSEC-2099-2"}]},  # no part of the bill
        {"name": "overread", "skip_reason": "not on PyPI"},
    )
    document = vex("0.1", PACKAGES, read_audit(file))
    _valid(document)
    (one,) = document["vulnerabilities"]
    assert (one["id"], one["affects"]) == ("PYSEC-2099-1", [{"ref": "pkg:pypi/pillow@13.0"}])
    assert one["analysis"]["state"] == "in_triage"
    assert one["recommendation"] == "pillow 13.1"
    assert [(other["id"], other["source"]["name"]) for other in one["references"]] == [
        ("CVE-2099-1", "CVE"),
        ("GHSA-x", "GHSA"),
    ]
    assert {part["bom-ref"] for part in document["components"]} == {"pkg:pypi/pillow@13.0"}
    said = {one["name"].partition(":")[2]: one["value"] for one in document["metadata"]["properties"]}
    assert said["audited"] == "1 of 2 packages"
    assert said["not-audited"] == "pydicom"
    assert "browser's clients" in said["not-covered"]
    assert vex("0.1", PACKAGES, read_audit(file)) == document


def test_an_audit_of_another_installation_is_refused(tmp_path: Path) -> None:
    file = _audit(tmp_path / "audit.json", {"name": "pillow", "version": "12.0", "vulns": []})
    with pytest.raises(ProofError, match="other versions of pillow"):
        vex("0.1", PACKAGES, read_audit(file))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"dependencies": [1]}', '{"dependencies": [{"name": "x"}]}'])
def test_what_is_no_audit_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "audit.json").write_text(text)
    with pytest.raises(ProofError, match="no audit") as error:
        read_audit(tmp_path / "audit.json")
    assert "pip-audit" in error.value.remedy
    with pytest.raises(ProofError, match="cannot be read"):
        read_audit(tmp_path / "nothing.json")
