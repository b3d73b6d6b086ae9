#!/usr/bin/env bash
# `import openvino` (2026.4.1) alone reports its use: the package's __init__ loads its model converter, and that sends an
# event "import" through openvino-telemetry (2025.2.0, a dependency that pip installs with it), from a process that it forks,
# whatever it was imported for. Consent counts as given where ~/intel holds no answer file, and nobody is asked. So a
# program that opens one exported network writes a client id and a counter below the home folder and looks up
# www.google-analytics.com.
#
# The package takes a stand-in that sends nothing where openvino_telemetry cannot be imported: with
# sys.modules["openvino_telemetry"] = None before the first import nothing is written and nobody is looked up, and
# networks run as before.
#
# Observed with openvino 2026.4.1, openvino-telemetry 2025.2.0, Python 3.11, Linux x86-64, HOME an empty folder:
#   plain:   files ['openvino_ga_cid', 'stats'], asked for ['www.google-analytics.com']
#   kept out: files [], asked for [], 2 x 3 = 6.0
# Exits with 0 while this is so, with 1 when the behaviour changes. (The plain run is made with an audit hook that refuses
# every look-up, so nothing is sent by this script.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openvino==2026.4.1 openvino-telemetry==2025.2.0 numpy==2.4.6 2>/dev/null
cat >"$work/look.py" <<'PY'
import sys
import time
from pathlib import Path

log = Path(sys.argv[1])


def hook(event, arguments):  # of every process: the event is sent from a forked one
    if event == "socket.getaddrinfo":
        with log.open("a") as out:
            print(arguments[0], file=out)
        raise OSError("not from here")


def asked():
    return sorted(set(log.read_text().split())) if log.is_file() else []


sys.addaudithook(hook)
if "out" in sys.argv:
    sys.modules["openvino_telemetry"] = None
import openvino
import numpy as np

told = ""
if "out" in sys.argv:
    x = openvino.opset13.parameter([1], np.float32)
    network = openvino.Model([openvino.opset13.multiply(x, np.array([3.0], np.float32))], [x])
    told = f", 2 x 3 = {float(openvino.Core().compile_model(network, 'CPU')([np.array([2.0], np.float32)])[0][0])}"
end = time.time() + 10
while time.time() < end and not asked():
    time.sleep(0.2)
folder = Path.home() / "intel"
files = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
print(f"files {files}, asked for {asked()}{told}", flush=True)
PY
mkdir "$work/one" "$work/two"
plain=$(env -u CI HOME="$work/one" "$work/venv/bin/python" "$work/look.py" "$work/one.log" 2>/dev/null)
out=$(env -u CI HOME="$work/two" "$work/venv/bin/python" "$work/look.py" "$work/two.log" out 2>/dev/null)
echo "plain:   $plain"
echo "kept out: $out"
[ "$plain" = "files ['openvino_ga_cid', 'stats'], asked for ['www.google-analytics.com']" ] &&
  [ "$out" = "files [], asked for [], 2 x 3 = 6.0" ]
