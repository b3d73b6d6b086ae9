"""Settings are read in one place, told when wrong, and documented as they are."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from core import settings as module
from core.errors import SettingError
from core.settings import Settings, settings, table

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(path for room in ("core", "dashboard", "trainers") for path in (ROOT / room).rglob("*.py"))
# What Python has on Unix only.
UNIX_MODULES = {"crypt", "fcntl", "grp", "posix", "pty", "pwd", "resource", "spwd", "syslog", "termios", "tty"}
UNIX_NAMES = {
    ("os", name) for name in ("fork", "forkpty", "geteuid", "getuid", "getgid", "getpgid", "killpg", "setsid", "uname")
} | {("signal", name) for name in ("SIGKILL", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGHUP", "alarm", "setitimer")}


@cache
def _used(path: Path) -> set[tuple[str, str]]:
    """Modules imported, as ``(module, "")``, and attributes of modules, as ``(module, attribute)``."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(name.name.partition(".")[0], "") for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {(node.module.partition(".")[0], "")} | {(node.module, name.name) for name in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.add((node.value.id, node.attr))
    return found


def test_the_environment_is_read_in_one_file() -> None:
    """The worker runs under the Python of another environment, and sets a switch of a library there."""
    reads = {("os", "environ"), ("os", "getenv")}
    found = [str(p.relative_to(ROOT)) for p in CODE if _used(p) & reads]
    assert found == ["core/settings.py", "trainers/exporting/edge_worker.py"]


def test_nothing_is_imported_that_windows_lacks() -> None:
    forbidden = UNIX_NAMES | {(name, "") for name in UNIX_MODULES}
    assert {str(p.relative_to(ROOT)): _used(p) & forbidden for p in CODE if _used(p) & forbidden} == {}


def test_they_are_read_anew_when_the_environment_has_changed_and_only_then(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = settings()
    assert settings() is first
    named = "OVERREAD_IDLE_MINUTES"
    for name, minutes in ((named, "7"), (named, "8"), (named.lower(), "9")):
        monkeypatch.delenv(named, raising=False)
        monkeypatch.setenv(name, minutes)
        assert settings().idle_minutes == float(minutes)
    monkeypatch.delenv(named.lower())
    monkeypatch.setenv("OVERREAD_PROGRAMS", "~/programs")
    for home in ("one", "two"):
        monkeypatch.setenv("HOME", str(tmp_path / home))
        assert settings().programs == tmp_path / home / "programs"
    monkeypatch.setenv(named, "none")
    for _ in range(2):
        with pytest.raises(SettingError):
            settings()


def test_the_documented_table_is_the_one_of_the_code() -> None:
    assert table() in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert table().count("\n") == 1 + len(Settings.model_fields)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("OVERREAD_IDLE_MINUTES", "half an hour", "number"),
        ("OVERREAD_IDLE_MINUTES", "0", "greater than 0"),
        ("OVERREAD_IDLE_MINUTES", "nan", "finite"),
        ("OVERREAD_ADMINS", "ada@example.org lead", "no e-mail address"),
        ("OVERREAD_ADMINS", "@example.org", "no e-mail address"),
        ("OVERREAD_WEIGHTS", "/not/there", "there is no folder"),
    ],
)
def test_a_wrong_value_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=word) as error:
        settings()
    assert name in error.value.message
    assert repr(value) in error.value.message
    assert "docs/settings.md" in error.value.remedy


def test_values_are_taken_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OVERREAD_IMPORT_ROOTS", os.pathsep.join([str(tmp_path), "~/scans", " "]))
    monkeypatch.setenv("OVERREAD_ADMINS", " Lead@Hospital.test, ,other@hospital.test")
    monkeypatch.setenv("OVERREAD_IDLE_MINUTES", "7.5")
    monkeypatch.setenv("OVERREAD_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("OVERREAD_STORE", "")
    found = settings()
    assert found.import_roots == (tmp_path, Path.home() / "scans")
    assert found.admins == {"lead@hospital.test", "other@hospital.test"}
    assert found.idle_minutes == 7.5
    assert found.weights == tmp_path
    assert found.store is None  # an empty value counts as not set


def test_what_is_not_set_is_as_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(module.PREFIX + name.upper(), raising=False)
    found = settings()
    assert found.weights == ROOT / "weights"
    assert (found.data, found.store, found.images, found.import_roots) == (None, None, None, ())
    assert (found.admins, found.idle_minutes) == (frozenset(), 30.0)


@pytest.mark.parametrize(("own", "wanted"), [({}, "2000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_idle_threads_of_pytorch_soon_sleep_unless_told_otherwise(own: dict[str, str], wanted: str) -> None:
    """The variable stands when the engine comes to load PyTorch, which reads it then and never again."""
    noted = """
import os, sys

class Noting:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("GOMP_SPINCOUNT"), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Noting())
import core.engine.engine
"""
    bare = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    found = subprocess.run([sys.executable, "-c", noted], env=bare | own, cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.strip() == wanted, found.stderr
