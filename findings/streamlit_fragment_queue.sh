#!/usr/bin/env bash
# Streamlit 1.67.0: a fragment inside a fragment loses the ground it stands on. When a fragment runs again before its
# last drawing has been sent to the browser, `ForwardMsgQueue.clear` drops that drawing's elements, but of fragments
# inside it keeps them: what is then sent has children without their containers. In the browser the page ends with
# "Bad delta path index N (should be between [0, N-1])" and is white until it is reloaded; on an idle machine the queue
# is emptied in time, on a busy one two redraws within half a second (`run_every`, a component's value) are enough.
#
# The script puts into the queue what the script runner sends for a container and an element of the outer fragment and a
# container and an element of the inner one, twice, with the clearing that `AppSession` does before each run.
#
# Observed with streamlit 1.67.0 (protobuf 6.33.5):
#   sent: [0, 0, 1] inner, [0, 0, 1, 0] inner, [0, 0] outer, [0, 0, 0] outer, [0, 0, 1] inner, [0, 0, 1, 0] inner
#   sent before their container: [[0, 0, 1]]
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet streamlit==1.67.0 protobuf==6.33.5
"$work/venv/bin/python" - <<'PY'
import sys

import streamlit
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

queue = ForwardMsgQueue()
for _ in range(2):
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=["outer"])
    for path, fragment in (([0, 0], "outer"), ([0, 0, 0], "outer"), ([0, 0, 1], "inner"), ([0, 0, 1, 0], "inner")):
        message = ForwardMsg()
        message.metadata.delta_path[:] = path
        message.delta.fragment_id = fragment
        if path in ([0, 0], [0, 0, 1]):
            message.delta.add_block.flex_container.SetInParent()
        else:
            message.delta.new_element.markdown.body = "text"
        queue.enqueue(message)

sent = [(list(m.metadata.delta_path), m.delta.fragment_id) for m in queue.flush()]
there, orphans = [[0]], []
for path, _ in sent:
    if path[:-1] not in there:
        orphans.append(path)
    there.append(path)
print("streamlit", streamlit.__version__)
print("sent:", ", ".join(f"{path} {fragment}" for path, fragment in sent))
print("sent before their container:", orphans)
sys.exit(0 if orphans == [[0, 0, 1]] else 1)
PY
