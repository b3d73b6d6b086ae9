#!/usr/bin/env bash
# OpenVINO 2026.4.1, CPU, float32: a ReLU behind a convolution makes 0 of what is no number, where PyTorch and NumPy pass it
# on. An image with a single NaN goes through two convolutions with one ReLU between them and comes out as finite numbers
# everywhere, so whoever looks at the answer to see whether it is sound finds that it is. ONNX Runtime, asked about the very
# same file, answers NaN where the two convolutions reach. Whether an image is made of numbers is to be asked before.
#
# Observed with openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6 (Python 3.11, x86-64), one NaN in 16 x 16:
#   onnxruntime: 25 of 256 are no number
#   openvino: 0 of 256 are no number
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$work"
cat > ask.py <<'PY'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

drawn = np.random.default_rng(0)
first = numpy_helper.from_array(drawn.normal(size=(8, 1, 3, 3)).astype(np.float32), "first")
second = numpy_helper.from_array(drawn.normal(size=(1, 8, 3, 3)).astype(np.float32), "second")
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 16, 16]) for name in ("x", "y")]
nodes = [
    helper.make_node("Conv", ["x", "first"], ["a"], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["a"], ["b"]),
    helper.make_node("Conv", ["b", "second"], ["y"], pads=[1, 1, 1, 1]),
]
graph = helper.make_graph(nodes, "two", ends[:1], ends[1:], [first, second])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "two.onnx")

image = drawn.normal(size=(1, 1, 16, 16)).astype(np.float32)
image[0, 0, 8, 8] = np.nan
session = onnxruntime.InferenceSession("two.onnx", providers=["CPUExecutionProvider"])
core = openvino.Core()
compiled = core.compile_model(core.read_model("two.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
lost = {
    "onnxruntime": int(np.isnan(session.run(None, {"x": image})[0]).sum()),
    "openvino": int(np.isnan(compiled(image)["y"]).sum()),
}
for name, count in lost.items():
    print(f"{name}: {count} of {image.size} are no number")
sys.exit(not (lost["onnxruntime"] == 25 and lost["openvino"] == 0))
PY
"$work/venv/bin/python" ask.py || { echo "CHANGED: OpenVINO passes NaN on, or ONNX Runtime no longer does"; exit 1; }
