#!/usr/bin/env bash
# pytest 9.2.0 with pytest-xdist 3.8.0: `--dist loadgroup` runs and says nothing, but tests of one `xdist_group` are spread
# over the workers: each worker appends "@group" to the node's private `_nodeid` when it collects, and since 9.2.0 pytest
# answers `nodeid` from elsewhere, so the scheduler sees no group (pytest-dev/pytest-xdist#1386). Tests that share a port,
# a browser or a file by their group run side by side; with pytest 9.0.2 they stay on one worker.
#
# Observed with Python 3.11, pytest-xdist 3.8.0, twelve tests of one group, `-n 2 --dist loadgroup`:
#   pytest 9.0.2: 1 worker(s)
#   pytest 9.2.0: 2 worker(s)
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/test_group.py" <<'PY'
import os
import pathlib
import time

import pytest

SEEN = pathlib.Path(__file__).with_name("seen")


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(12))
def test_it(number):
    time.sleep(0.2)
    with SEEN.open("a") as told:
        told.write(os.environ["PYTEST_XDIST_WORKER"] + "\n")
PY
verdict=0
for case in "9.0.2 1" "9.2.0 2"; do
    read -r version wanted <<<"$case"
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install --quiet "pytest==$version" pytest-xdist==3.8.0 2>/dev/null
    rm -f "$work/seen"
    (cd "$work" && "$work/$version/bin/python" -m pytest -q -p no:cacheprovider -n 2 --dist loadgroup test_group.py >/dev/null)
    found=$(sort -u "$work/seen" | wc -l)
    echo "pytest $version: $found worker(s)"
    [ "$found" = "$wanted" ] || verdict=1
done
exit $verdict
