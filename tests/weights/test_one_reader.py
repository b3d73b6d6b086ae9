"""What lies beside the weights is named, and so read, in one place of the tree."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {
    "predictions.parquet",
    "pairs.parquet",
    "pairs-ct.parquet",
    "fusion.json",
    "fusion-ct.json",
    "heat_checks.json",
    "seeds.json",
    "folds.json",
    "pretraining.json",
    "benchmark.json",
}
NAMES = {"PREDICTIONS", "PAIRS", "FUSION", "HEAT_CHECKS", "SEEDS", "FOLDS", "PRETRAINING", "BENCHMARK"}
READS = {"read_text", "read_bytes", "read_parquet", "open", "load", "loads", "model_validate_json"}


def modules() -> list[Path]:
    """The program's modules outside core/weights."""
    found = [path for room in ("core", "dashboard", "trainers") for path in (ROOT / room).rglob("*.py")]
    return [path for path in found if ROOT / "core" / "weights" not in path.parents]


def test_no_other_module_spells_the_name_of_a_file_beside_the_weights() -> None:
    assert len(modules()) > 200
    spelt = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and Path(node.value).name in BESIDE
    }
    assert spelt == set()


def test_who_takes_the_name_writes_and_does_not_read() -> None:
    """A call that reads, with one of the names among its arguments or before its dot."""
    read = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                inside = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                if called in READS and inside & NAMES:
                    read.add(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert read == set()
