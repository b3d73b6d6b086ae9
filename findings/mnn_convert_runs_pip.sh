#!/usr/bin/env bash
# MNN 3.6.1: the command `mnnconvert` that its wheel installs, asked to convert a model, first runs `pip install -U` of a
# package that the wheel does not declare (aliyun-log-python-sdk), twice, through a shell. That takes the first pip on PATH:
# in a virtual environment whose commands are called by their path it is another interpreter's, which is changed, while
# the import that wanted the package fails all the same, is let pass, and the next conversion does it again. `import
# MNN.tools` is enough. Where the package is there, the module asks a server for credentials, with which every conversion
# is to be reported (its settings, sizes, an identifier of the model and of the machine). `_tools.mnnconvert`, the compiled
# module below, converts without any of this; `import MNN` alone does nothing of the kind.
#
# Observed with MNN 3.6.1, onnx 1.23.0, numpy 2.4.6 (Python 3.11); the pip on PATH is a stand-in that writes down what it is
# asked and refuses (what is sent where the package is there was read in its source, not tried):
#   declared: numpy
#   mnnconvert: Converted Success!, the first pip on PATH ran: install -U aliyun-log-python-sdk, 2 times
#   import MNN: ran 0 times
#   _tools.mnnconvert: Converted Success!, ran 0 times
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet MNN==3.6.1 onnx==1.23.0 numpy==2.4.6
mkdir "$work/first"
cat > "$work/first/pip" <<SH
#!/bin/sh
echo "\$*" >> "$work/asked"
exit 1
SH
chmod +x "$work/first/pip"
export PATH="$work/first:$PATH"
cd "$work"

"$work/venv/bin/python" - <<'PY'
import importlib.metadata

import onnx
from onnx import TensorProto, helper

print("declared:", *importlib.metadata.requires("MNN"))
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("x", "y")]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.save(model, "relu.onnx")
PY

asked() { [ -f asked ] && grep -c "^install -U aliyun-log-python-sdk$" asked || echo 0; }
said() { grep -q "Converted Success!" "$1" && echo "Converted Success!" || echo failed; }

"$work/venv/bin/mnnconvert" -f ONNX --modelFile relu.onnx --MNNModel a.mnn --bizCode a > by-command 2>&1
command=$(asked)
echo "mnnconvert: $(said by-command), the first pip on PATH ran: $(sort -u asked | head -1), $command times"
rm -f asked
"$work/venv/bin/python" -c "import MNN" > /dev/null 2>&1
import=$(asked)
echo "import MNN: ran $import times"
rm -f asked
"$work/venv/bin/python" -c "
import _tools
_tools.mnnconvert(['mnnconvert', '-f', 'ONNX', '--modelFile', 'relu.onnx', '--MNNModel', 'b.mnn', '--bizCode', 'a'])
" > by-module 2>&1
module=$(asked)
echo "_tools.mnnconvert: $(said by-module), ran $module times"
[ "$command" -eq 2 ] && [ "$import" -eq 0 ] && [ "$module" -eq 0 ] && [ -s a.mnn ] && [ -s b.mnn ] ||
    { echo "CHANGED: mnnconvert no longer runs pip"; exit 1; }
