#!/usr/bin/env bash
# Streamlit 1.67.0: a custom component (`st.components.v2`) whose `data` is a dictionary with a list or a dictionary as one
# of its values imports pandas and pyarrow with its first drawing, though nothing in it is a table: every value is asked
# whether it is one (`is_dataframe_like` of `streamlit/dataframe_util.py`), and only None, tuples, sets, text, bytes,
# numbers and truth values are answered before the libraries are imported for the question. The very same data in a list
# of one is sent as it is, without either. In a server that needs no table that is half a second to a second before the
# first picture, held by the thread that draws the page.
#
# Observed with streamlit 1.67.0 (pandas 3.1.1, pyarrow 26.0.1):
#   {'shape': '2 x 2'} imported []
#   {'shape': [2, 2]} imported ['pandas', 'pyarrow']
#   [{'shape': [2, 2]}] imported []
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet streamlit==1.67.0 pandas==3.1.1 pyarrow==26.0.1
cat > "$work/one.py" <<'PY'
import sys

from streamlit.testing.v1 import AppTest


def page():
    import ast
    import sys

    import streamlit as st

    shown = st.components.v2.component("one", js="export default () => {}")
    shown(data=ast.literal_eval(sys.argv[1]), key="one")


app = AppTest.from_function(page, default_timeout=60).run()
assert not app.exception
assert [element.type for element in app.get("bidi_component")] == ["bidi_component"]
print(sys.argv[1], "imported", [name for name in ("pandas", "pyarrow") if name in sys.modules])
PY
told=$(for data in "{'shape': '2 x 2'}" "{'shape': [2, 2]}" "[{'shape': [2, 2]}]"; do
  "$work/venv/bin/python" "$work/one.py" "$data" 2>/dev/null
done)
echo "$told"
[ "$told" = "{'shape': '2 x 2'} imported []
{'shape': [2, 2]} imported ['pandas', 'pyarrow']
[{'shape': [2, 2]}] imported []" ]
