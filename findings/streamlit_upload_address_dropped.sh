#!/usr/bin/env bash
# Streamlit 1.67.0: a file that is given to `st.file_uploader` while the page is drawn anew can be lost, without a word. The
# browser first asks the server for an address to send the file to; the answer (`file_urls_response`) waits in the
# session's queue, up to 10 ms on an idle machine and longer on a busy one. When a run of the script begins meanwhile
# (`st.rerun`, another widget, a component that reports a value), `ForwardMsgQueue.clear` keeps only messages of scripts'
# lives and drops that answer. The browser waits for it for ever, the uploader stays empty, nothing is logged.
# Answers of other requests (`backend_operation_response`, `heartbeat_ack`) are dropped likewise.
#
# The script first asks the queue, then gives files to an app that draws itself anew every few hundredths of a second, until
# one is lost (60 at most). Needs Debian's chromium (or CHROMIUM=path).
#
# Observed with streamlit 1.67.0, playwright 1.57.0, Chromium 156.0.8078.114:
#   in the queue: file_urls_response; after a run has begun: nothing
#   upload 23 was lost: the uploader is empty, and the page at rest
# (8 of 30 were lost on a machine with two busy processors.)
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet streamlit==1.67.0 playwright==1.57.0
cat >"$work/app.py" <<'PY'
import time

import streamlit as st

given = st.file_uploader("File")
st.write("given" if given is not None else "nothing")
times = st.session_state["times"] = st.session_state.get("times", 0) + 1
if times < 80:
    time.sleep(0.02)
    st.rerun()
st.write("rests")
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
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

queue, answer = ForwardMsgQueue(), ForwardMsg()
answer.file_urls_response.response_id = "asked"
queue.enqueue(answer)
queue.clear(retain_lifecycle_msgs=True)  # as `AppSession` does when a run begins
dropped = queue.is_empty()
print("streamlit", streamlit.__version__)
print("in the queue: file_urls_response; after a run has begun:", "nothing" if dropped else "still there")

url = f"http://localhost:{os.environ['PORT']}"
for _ in range(120):
    try:
        urllib.request.urlopen(f"{url}/_stcore/health")
        break
    except OSError:
        time.sleep(0.5)
lost = False
with sync_playwright() as play:
    browser = play.chromium.launch(executable_path=os.environ["CHROMIUM"], args=["--no-sandbox"])
    for number in range(1, 61):
        page = browser.new_page()
        page.goto(url)
        page.locator("input[type=file]").first.wait_for(state="attached")
        page.wait_for_timeout(300 + 7 * number)
        page.locator("input[type=file]").first.set_input_files(
            {"name": "a.txt", "mimeType": "text/plain", "buffer": b"text"}
        )
        page.get_by_text("rests").wait_for(timeout=60_000)
        page.wait_for_timeout(2_000)
        lost = page.get_by_text("nothing", exact=True).count() == 1
        page.close()
        if lost:
            print(f"upload {number} was lost: the uploader is empty, and the page at rest")
            break
    browser.close()
sys.exit(0 if dropped and lost else 1)
PY
