#!/usr/bin/env bash
# Streamlit 1.67.0: the first element that a process draws takes the longer the more modules are loaded, whatever it is. To
# warn somebody who started a script by hand Streamlit asks once whether it runs in an interactive interpreter, by
# `inspect.stack()[-1]` (`env_util.is_repl`); for the source of every frame, which it does not use, Python then looks up
# the module of each, and for that resolves the file of every module there is. The interpreter's lock is held meanwhile. A
# server that has loaded its libraries beforehand, so that nobody waits for them, makes its first visitor wait for this:
# 0.3 s in a profile, with the 3,300 modules of PyTorch, timm, SQLAlchemy and Streamlit.
#
# Observed with streamlit 1.67.0, pandas 3.1.1, SciPy 1.17.1 and SQLAlchemy 2.1.9 loaded (Python 3.11):
#   modules with a file: 1747
#   files resolved for the first element: 1754
#   files resolved for the second element: 0
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet streamlit==1.67.0 pandas==3.1.1 scipy==1.17.1 sqlalchemy==2.1.9
cat > "$work/one.py" <<'PY'
import inspect
import os
import sys

import pandas
import scipy.stats
import sqlalchemy.orm
import streamlit
from streamlit.testing.v1 import AppTest

resolved = []
real = os.path.realpath


def counted(path, **named):
    if sys._getframe(1).f_code is inspect.getmodule.__code__:
        resolved.append(path)
    return real(path, **named)


def page():
    import streamlit as st

    st.html("<p>one</p>")


os.path.realpath = counted
there = [m for m in list(sys.modules.values()) if isinstance(getattr(m, "__file__", None), str)]
app = AppTest.from_function(page, default_timeout=60).run()
first = len(resolved)
app.run()
second = len(resolved) - first
print("streamlit", streamlit.__version__)
print("modules with a file:", len(there))
print("files resolved for the first element:", first)
print("files resolved for the second element:", second)
assert not app.exception
sys.exit(0 if len(there) > 1000 and first > 0.9 * len(there) and second == 0 else 1)
PY
"$work/venv/bin/python" "$work/one.py" 2>/dev/null
