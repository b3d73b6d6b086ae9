"""`make run` installs the run group alone: everything that the dashboard imports, early or late, has to be in it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = {"core", "dashboard", "trainers"}
# What the program says is missing, with the extra that brings it, where somebody asks for it.
TOLD = {"onnxruntime", "ai_edge_litert", "ray"}
LOADERS = {"import_module", "package"}  # of importlib, and of core.weights.exported.runtimes


def imported(source: Path) -> Iterator[str]:
    """Top-level names that a file imports, within functions and by name too."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in LOADERS and isinstance(node.args[0].value, str):
                yield node.args[0].value.partition(".")[0]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_the_dashboard_imports_is_in_the_run_group() -> None:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    run = {normal(name) for name in re.findall(r"^([A-Za-z0-9][\w.-]*)==", lock.split("# == train")[0], re.MULTILINE)}
    names = {
        name: source
        for room in ("core", "dashboard")
        for source in sorted((ROOT / room).rglob("*.py"))
        for name in imported(source)
    }
    foreign = names.keys() - OURS - TOLD - sys.stdlib_module_names
    assert {"streamlit", "torch", "pytorch_grad_cam"} <= foreign  # the last by name, inside a function
    brought = packages_distributions()
    missing = {
        f"{name} ({names[name].relative_to(ROOT)})"
        for name in foreign
        if not {normal(package) for package in brought.get(name, ())} & run
    }
    assert missing == set()
