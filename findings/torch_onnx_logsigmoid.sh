#!/usr/bin/env bash
# torch 2.15.0 exports torch.nn.functional.logsigmoid to ONNX (dynamo=True, onnxscript 0.7.2) as Log(Sigmoid(x)). Eager
# torch never forms the sigmoid and gives -40 at x = -40; in the exported graph onnxruntime 1.32.0 takes the logarithm of
# its own float32 Sigmoid, which on this kind of CPU is 0 from x = -18 on (float32 could hold it down to -87) and twice
# too large at -17: -inf. Whatever sums such terms (a mask's log-odds, a binary cross-entropy) becomes infinite or NaN at
# pixels that a sure network does produce. The export neither warns nor fails, a comparison on noise passes, and the graph
# optimisations of onnxruntime change nothing.
#
# -softplus(-x) is the same function and is finite everywhere after the export, too.
#
# Observed with torch 2.15.0, onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0, numpy 2.4.6, x86-64:
#   operators: ['Log', 'Sigmoid']
#   torch:      [-0.6931471824645996, -40.0, -120.0]
#   logsigmoid: [-0.6931471824645996, -inf, -inf]
#   softplus:   [-0.6931471824645996, -40.0, -120.0]
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import io
import sys

import numpy as np
import onnxruntime
import torch
from torch.nn import functional


class Of(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


x = torch.tensor([0.0, -40.0, -120.0])


def exported(function):
    program = torch.onnx.export(Of(function).eval(), (x,), dynamo=True, verbose=False)
    file = io.BytesIO()
    program.save(file)
    operators = sorted({node.op_type for node in program.model.graph})
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    return operators, session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]


operators, made = exported(functional.logsigmoid)
_, other = exported(lambda v: -functional.softplus(-v))
eager = functional.logsigmoid(x).numpy()
print("operators:", operators)
print("torch:     ", eager.tolist())
print("logsigmoid:", made.tolist())
print("softplus:  ", other.tolist())
so = operators == ["Log", "Sigmoid"] and np.isneginf(made[1:]).all() and np.allclose(other, eager) and np.isfinite(eager).all()
sys.exit(0 if so else 1)
PY
