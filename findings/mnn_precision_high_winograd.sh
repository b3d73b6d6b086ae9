#!/usr/bin/env bash
# MNN 3.6.1 on x86-64, asked for `"precision": "high"` (float32), computes a 3x3 convolution of 64 channels by Winograd's
# method with tiles so large that some three of float32's seven digits are lost: two thousand times the error of a direct sum.
# What gives the digits back is not the precision but a hint that the header describes as a matter of memory and speed:
# WINOGRAD_MEMORY_LEVEL (number 3; 3 unless told otherwise) at 2 or less takes smaller tiles, 0 the direct sum.
#
# Observed with MNN 3.6.1, onnx 1.23.0, numpy 2.4.6 (Python 3.11, an AVX2 processor), against float64, as a part of the
# largest value of the answer:
#   precision high, nothing else: 7.6e-04
#   level 3: 7.6e-04
#   level 2: 3.4e-07
#   level 1: 3.4e-07
#   level 0: 8.0e-07
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet MNN==3.6.1 onnx==1.23.0 numpy==2.4.6
cd "$work"
cat > measure.py <<'PY'
import sys

import _tools
import MNN.expr as expr
import MNN.nn as nn
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS, SIDE, HINT = 64, 64, 3
drawn = np.random.default_rng(0)
weight = (drawn.normal(size=(CHANNELS, CHANNELS, 3, 3)) * (2 / (9 * CHANNELS)) ** 0.5).astype(np.float32)
image = np.abs(drawn.normal(size=(1, CHANNELS, SIDE, SIDE))).astype(np.float32)

shape = [1, CHANNELS, SIDE, SIDE]
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
graph = helper.make_graph([node], "conv", ends[:1], ends[1:], [numpy_helper.from_array(weight, "w")])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "conv.onnx")
_tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", "conv.onnx", "--MNNModel", "conv.mnn", "--bizCode", "a"])

around = np.pad(image[0].astype(np.float64), ((0, 0), (1, 1), (1, 1)))
windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(1, 2))
exact = np.einsum("chwij,ocij->ohw", windows, weight.astype(np.float64), optimize=True)


def error(level):
    runtime = nn.create_runtime_manager(({"precision": "high", "backend": "CPU", "numThread": 1},))
    if level is not None:
        runtime.set_hint(HINT, level)
    net = nn.load_module_from_file("conv.mnn", ["x"], ["y"], runtime_manager=runtime)
    out = net.forward([expr.const(image, shape, expr.NCHW)])
    out = out[0] if isinstance(out, (list, tuple)) else out
    found = np.array(expr.convert(out, expr.NCHW).read())[0]
    return float(np.abs(found - exact).max() / np.abs(exact).max())


errors = {level: error(level) for level in (None, 3, 2, 1, 0)}
for level, found in errors.items():
    print("precision high, nothing else" if level is None else f"level {level}", f": {found:.1e}", sep="", file=sys.stderr)
sys.exit(not (errors[None] > 1e-4 and errors[3] > 1e-4 and max(errors[2], errors[1], errors[0]) < 5e-6))
PY
"$work/venv/bin/python" measure.py > /dev/null || { echo "CHANGED: float32 by MNN is as exact by default, or no longer by the hint"; exit 1; }
