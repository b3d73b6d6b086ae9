"""Bundles axe-core, which the tests put into pages: ``python -m tests.accessibility.build``, at the tests' set-up.

How: :mod:`core.bundling`. What stays is ``dist/``, which git ignores; nothing of it is shipped.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from core import bundling

HERE = Path(__file__).resolve().parent
DIST = HERE / "dist"
BUNDLE = DIST / "axe.js"
COMMAND = "python -m tests.accessibility.build"


def current() -> bool:
    """Whether the bundle is there and was made from the sources as they are."""
    return bundling.stamped(DIST, BUNDLE.name, "sources") == _sources()


def _sources() -> str:
    return bundling.fingerprint(HERE, [Path(__file__)])


def main() -> int:
    """Build where the bundle is missing or older than its sources."""
    if current():
        return 0
    print("Bundling axe-core (once, and after a change of its version)", flush=True)
    try:
        bundling.bundle(HERE, DIST, BUNDLE.name, sources=_sources())
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip()[-2000:]
        print(f"{said}\naxe-core was not bundled: it needs the npm registry once: `{COMMAND}`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
