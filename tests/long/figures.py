"""``docs/figures.json``: what long checks gave, each with when, on which commit and on which machine.

``python -m tests.long.figures .venv/tests.xml`` adds those of a whole run of the tests; the other long commands add
theirs with ``--figures docs/figures.json``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from core.evidence.timing import machine_name

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "figures.json"


def keep(file: Path, name: str, command: str, figures: dict[str, Any]) -> None:
    """Put the figures of one check into the file; those of other checks stay.

    Args:
        name: of the check. command: that gives the figures.
    """
    told = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    told[name] = {
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "machine": {"processor": machine_name(), "threads": os.cpu_count()},
        "figures": figures,
    }
    file.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _commit() -> str:
    """The commit that is checked out, and whether files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    return git("rev-parse", "HEAD") + (
        " with changes"
        if git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/figures.json")
        else ""
    )


def of_tests(junit: Path) -> dict[str, Any]:
    """Counts of a run of pytest from its JUnit report."""
    suites = list(ElementTree.parse(junit).getroot().iter("testsuite"))

    def total(name: str) -> float:
        return sum(float(one.get(name, 0)) for one in suites)

    wrong = int(total("failures") + total("errors"))
    skipped = int(total("skipped"))
    passed = int(total("tests")) - wrong - skipped
    return {"passed": passed, "failed": wrong, "skipped": skipped, "seconds": round(total("time"))}


if __name__ == "__main__":
    keep(FILE, "tests", "make test", of_tests(Path(sys.argv[1])))
