#!/usr/bin/env bash
# ray 2.60.0 carries copies of other people's packages, with their metadata, and `import ray` puts their folder on
# sys.path. From then on importlib.metadata finds distributions that are not installed: what a program says about its own
# environment (a bill of materials, a licence list, a check of versions) depends on whether somebody has imported Ray.
# `pip list` never shows them.
#
# What helps: ask the environment's own folders (sysconfig's purelib and platlib), not the search path.
#
# Observed with ray 2.60.0, Python 3.11, Linux:
#   before: colorama is not installed
#   after:  colorama 0.4.6 from ray/thirdparty_files
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ray==2.60.0 2>/dev/null
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import sys
from importlib import metadata


def told():
    try:
        here = metadata.distribution("colorama")
    except metadata.PackageNotFoundError:
        return "colorama is not installed"
    return f"colorama {here.version} from {'/'.join(here.locate_file('').parts[-2:])}"


before = told()
import ray

after = told()
print("ray", ray.__version__)
print("before:", before)
print("after:", after)
sys.exit(0 if (before, after) == ("colorama is not installed", "colorama 0.4.6 from ray/thirdparty_files") else 1)
PY
