#!/usr/bin/env bash
# Streamlit 1.67.0: the function that a component (v2) returns for its end is also called while the component stays. The
# documentation calls it when the component is unmounted. But where its data change before the browser has loaded the
# component's module (`import()` takes its time on a busy machine, and on every first view), the frontend lets the first
# call go on, and ends it as soon as it returns: the newer call has drawn into the same `parentElement`, which is then
# cleared by the older one's end and not drawn again. What was mounted stays empty until the page is reloaded. A component
# can tell the two apart: `parentElement.isConnected` is false once it is unmounted.
#
# The script runs an app whose component's module takes a second to load, and whose data change once within that second;
# then the component is taken away. Needs Debian's chromium (or CHROMIUM=path).
#
# Observed with streamlit 1.67.0, playwright 1.57.0, Chromium 156.0.8078.114:
#   while it is on the page: called with 1; called with 2; ended 1, connected: true
#   taken away: ended 2, connected: false
# (A reviewer of pull request 17017 of streamlit/streamlit foresaw it; there it is not shown.)
# Exits with 0 while a call is ended with its element on the page, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet streamlit==1.67.0 playwright==1.57.0
cat >"$work/app.py" <<'PY'
import time

import streamlit as st

JS = """
await new Promise((done) => setTimeout(done, 1000));
window.told ??= [];
export default function ({ parentElement, data }) {
  window.told.push(`called with ${data}`);
  return () => window.told.push(`ended ${data}, connected: ${parentElement.isConnected}`);
}
"""
draw = st.components.v2.component("slow", js=JS)
times = st.session_state["times"] = st.session_state.get("times", 0) + 1
if not st.checkbox("Away"):
    draw(key="one", data=times)
if times == 1:
    time.sleep(0.3)
    st.rerun()
PY
port=$(python3 -c "import socket; s = socket.socket(); s.bind(('localhost', 0)); print(s.getsockname()[1])")
"$work/venv/bin/streamlit" run "$work/app.py" --server.port "$port" --server.address localhost --server.headless true \
  --browser.gatherUsageStats false >"$work/log" 2>&1 &
server=$!
CHROMIUM=${CHROMIUM:-/usr/bin/chromium} PORT=$port "$work/venv/bin/python" - <<'PY'
import os
import sys
import time
import urllib.request

import streamlit
from playwright.sync_api import sync_playwright

url = f"http://localhost:{os.environ['PORT']}"
for _ in range(120):
    try:
        urllib.request.urlopen(f"{url}/_stcore/health")
        break
    except OSError:
        time.sleep(0.5)
with sync_playwright() as play:
    browser = play.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
    page = browser.new_page()
    page.goto(url)
    page.wait_for_timeout(6000)
    mounted = page.evaluate("() => window.told")
    page.get_by_text("Away").click()
    page.wait_for_timeout(3000)
    after = page.evaluate("() => window.told")[len(mounted) :]
    print("streamlit", streamlit.__version__, "Chromium", browser.version)
    print("while it is on the page:", "; ".join(mounted))
    print("taken away:", "; ".join(after))
    browser.close()
sys.exit(0 if "ended 1, connected: true" in mounted else 1)
PY
