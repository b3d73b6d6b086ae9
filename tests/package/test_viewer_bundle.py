"""The viewer's client is bundled at set-up, from pinned sources, and travels in the wheel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboard.viewer import build

ROOT = Path(__file__).resolve().parents[2]


def test_the_bundle_is_made_from_the_sources_as_they_are() -> None:
    assert build.current(), f"run `{build.COMMAND}`, as make test does"
    assert build.built()
    licences = build.LICENSES.read_text(encoding="utf-8")
    assert "@cornerstonejs/core 5.14.0: MIT" in licences
    assert "Permission is hereby granted" in licences


def test_every_library_is_locked_by_hash() -> None:
    lock = json.loads((build.HERE / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((build.HERE / "package.json").read_text(encoding="utf-8"))
    assert lock["packages"][""]["dependencies"] == wanted["dependencies"]
    assert all(version[0].isdigit() for version in {**wanted["dependencies"], **wanted["devDependencies"]}.values())
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, facts in packages.items() if not facts["integrity"].startswith("sha512-")] == []


def test_a_changed_source_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    source = tmp_path / "src" / "main.js"
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text("{}")
    source.write_text("1")
    monkeypatch.setattr(build, "HERE", tmp_path)
    monkeypatch.setattr(build, "__file__", str(tmp_path / "package.json"))
    monkeypatch.setattr(build, "DIST", tmp_path)
    monkeypatch.setattr(build, "BUNDLE", tmp_path / "viewer.js")
    monkeypatch.setattr(build, "STAMP", tmp_path / "stamp.json")
    assert build.built() is None
    build.BUNDLE.write_text("bundle")
    build.STAMP.write_text(json.dumps({"sources": build.fingerprint(), "bundle": "abc"}))
    assert build.current()
    assert build.built() == "abc"
    source.write_text("2")
    assert not build.current()
