#!/usr/bin/env bash
# OpenVINO 2026.4.1, PyTorch frontend used directly: `frontend.load(decoder)` holds no reference to the Python decoder it
# was given. Written in one expression, the decoder is collected before `convert` reads on in it, and the conversion of a
# sound network fails with a complaint about a pure virtual function that says nothing of a lifetime. Whoever goes round
# `openvino.convert_model` (which holds its decoder in a variable) meets it.
#
# What helps: give the decoder a name that lives until `convert` has returned.
#
# Observed with openvino 2026.4.1, torch 2.15.0, x86-64:
#   named:  converted
#   nested: RuntimeError: Tried to call pure virtual function "TorchDecoder::decoder_type_name"
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6 2>/dev/null
"$work/venv/bin/pip" install --quiet --no-deps openvino==2026.4.1 2>/dev/null # without what reports its use
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import sys

import openvino
import torch
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

print("openvino", openvino.__version__, "torch", torch.__version__)
frontend = FrontEndManager().load_by_framework("pytorch")
net, x = torch.nn.Linear(3, 2).eval(), torch.zeros(1, 3)


def named():
    decoder = TorchScriptPythonDecoder(net, example_input=(x,))
    return frontend.convert(frontend.load(decoder))


def nested():
    return frontend.convert(frontend.load(TorchScriptPythonDecoder(net, example_input=(x,))))


def said(way):
    try:
        way()
    except RuntimeError as error:
        return "RuntimeError: " + next(line for line in str(error).splitlines() if "virtual" in line)
    return "converted"


found = {way.__name__: said(way) for way in (named, nested)}
for name, text in found.items():
    print(f"{name}: {text}")
wanted = 'RuntimeError: Tried to call pure virtual function "TorchDecoder::decoder_type_name"'
sys.exit(0 if found == {"named": "converted", "nested": wanted} else 1)
PY
