"""Documents that name a test name one that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`")
SHELLS = {
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
}


@pytest.mark.parametrize("document", ["SECURITY.md", "standards.md", "mds2.md", "accessibility.md", "deploy/README.md"])
def test_what_a_document_names_is_there(document: str) -> None:
    file, missing, met = "", [], 0
    for path, test in NAMED.findall((ROOT / "docs" / document).read_text(encoding="utf-8")):
        file = path or file
        if not (path or test):
            continue
        met += 1
        if not (ROOT / file).is_file() or (test and f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")):
            missing.append(f"{file}::{test}")
    assert missing == []
    assert met > 0


def test_no_shell_is_started() -> None:
    """By the syntax trees of all of the program: no call that hands a text to a shell."""
    found = []
    for room in ("core", "dashboard", "trainers"):
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and (ast.unparse(node.func) in SHELLS or _shell(node)):
                    found.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert found == []
    assert _shell(ast.parse("run('x', shell=True)", mode="eval").body)


def _shell(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and any(
        word.arg == "shell" and not (isinstance(word.value, ast.Constant) and not word.value.value)
        for word in node.keywords
    )
