#!/usr/bin/env bash
# torch 2.15.0: `mask.scatter_(1, index, True)` on a tensor of truth values runs, and symbolic tracing (make_fx) takes it,
# but torch.jit.trace ends in an internal assertion that asks to report a bug: the traced call carries a Python bool where
# the operator's schema has only a Scalar, and no overload is found. The same with numbers and a comparison afterwards
# is traced. Converters that trace (OpenVINO's TorchScript decoder) meet it in any network that marks its top k so.
#
# Observed with torch 2.15.0, x86-64:
#   bool in place: RuntimeError: ... We don't have an op for aten::scatter_ but it isn't a special case.
#   number:        traced, equal to the eager answer
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6 2>/dev/null
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import sys

import torch


def with_truth(x):
    marked = torch.zeros_like(x, dtype=torch.bool)
    return marked.scatter_(1, x.topk(2, dim=1).indices, True)


def with_number(x):
    return torch.zeros_like(x).scatter(1, x.topk(2, dim=1).indices, 1.0) > 0


def traced(function):
    x = torch.tensor([[0.1, 0.9, 0.4, 0.7]])
    try:
        found = torch.jit.trace(function, (x,))
    except RuntimeError as error:
        return "no op" if "We don't have an op for aten::scatter_" in str(error) else "another error"
    return "equal" if torch.equal(found(x), function(x)) else "unequal"


print("torch", torch.__version__)
found = {"bool in place": traced(with_truth), "number": traced(with_number)}
for name, text in found.items():
    print(f"{name}: {text}")
sys.exit(0 if found == {"bool in place": "no op", "number": "equal"} else 1)
PY
