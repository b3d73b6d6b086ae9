"""The two builds as folders: worktrees of this repository with the models that both have, and no others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.dashboard.house import ROOT

BUNDLE = Path("dashboard/viewer/dist")  # of the viewer, which no commit holds


@dataclass(frozen=True)
class Tree:
    """One build: ``old`` or ``new``, its whole commit, and the folder it is checked out in."""

    name: str
    commit: str
    folder: Path

    @property
    def weights(self) -> Path:
        """Folder with its models."""
        return self.folder / "weights"

    @property
    def environment(self) -> dict[str, str]:
        """For processes of this build: its own code, before whatever the virtual environment has of ours."""
        return {"PYTHONPATH": str(self.folder), "OVERREAD_WEIGHTS": str(self.weights)}


@dataclass(frozen=True)
class Ended:
    """A process that has ended well: what it printed, seconds by the clock and of processors, largest memory in MiB."""

    said: str
    seconds: float
    processor_seconds: float
    peak_mib: float


def ask(tree: Tree, *words: str) -> Ended:
    """Run Python in a build; its whole output is told when it fails."""
    command = [sys.executable, *words]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=tree.folder, env=os.environ | tree.environment, stdout=out, stderr=err, text=True
        )
        _, status, usage = os.wait4(process.pid, 0)
        took, process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said = out.read()
        if process.returncode:
            raise RuntimeError(f"{tree.name}: {' '.join(words)} ended with {process.returncode}\n{said}\n{err.read()}")
    return Ended(said, took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@contextmanager
def both(old: str, new: str = "HEAD") -> Iterator[tuple[Tree, Tree]]:
    """Check out two commits beside each other, and take away what only one of them has of the models."""
    with tempfile.TemporaryDirectory(prefix="overread-builds-") as folder:
        trees = []
        try:
            for name, commit in (("old", old), ("new", new)):
                place = Path(folder) / name
                _git("worktree", "add", "--quiet", "--detach", str(place), commit)
                trees.append(Tree(name, _git("-C", str(place), "rev-parse", "HEAD"), place))
            for tree, other in (trees, trees[::-1]):
                _keep_common(tree.weights, models(other))
            if (ROOT / BUNDLE).is_dir():
                shutil.copytree(ROOT / BUNDLE, trees[1].folder / BUNDLE)
            yield trees[0], trees[1]
        finally:
            for tree in trees:
                _git("worktree", "remove", "--force", str(tree.folder))


def models(tree: Tree) -> set[tuple[str, str]]:
    """System and name of every model of a build."""
    return {(card.parts[-3], card.parts[-2]) for card in tree.weights.glob("*/*/card.json")}


def _keep_common(weights: Path, others: set[tuple[str, str]]) -> None:
    for card in list(weights.glob("*/*/card.json")):
        if (card.parts[-3], card.parts[-2]) not in others:
            shutil.rmtree(card.parent)


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
