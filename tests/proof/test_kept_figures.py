"""Figures of long checks are kept beside each other, with what made them; counts of a run are pytest's own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.long import figures

CASES = """
import pytest

def test_good(): pass
def test_bad(): assert False
@pytest.mark.skip
def test_left(): pass
@pytest.fixture
def broken(): raise ValueError
def test_error(broken): pass
"""


def test_a_run_is_counted_as_pytest_counts_it(tmp_path: Path) -> None:
    (tmp_path / "test_few.py").write_text(CASES)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml=out.xml", "test_few.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 1 passed, 1 skipped, 1 error" in done.stdout
    found = figures.of_tests(tmp_path / "out.xml")
    assert {name: found[name] for name in ("passed", "failed", "skipped")} == {"passed": 1, "failed": 2, "skipped": 1}


def test_what_another_check_gave_stays(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    figures.keep(file, "one", "make one", {"n": 1})
    figures.keep(file, "two", "make two", {"n": 2})
    figures.keep(file, "one", "make one", {"n": 3})
    told = json.loads(file.read_text(encoding="utf-8"))
    assert {name: one["figures"] for name, one in told.items()} == {"one": {"n": 3}, "two": {"n": 2}}
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=figures.ROOT, capture_output=True, text=True, check=True)
    assert told["one"]["commit"].startswith(head.stdout.strip())
    assert told["one"]["date"] == datetime.now(UTC).date().isoformat()
