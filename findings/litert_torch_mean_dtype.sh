#!/usr/bin/env bash
# litert-torch 0.10.0 cannot convert a mean that names its type, x.mean((2, 3), dtype=torch.float32), though x is float32
# already. Its lowering of aten.mean.dim does take a dtype (backend/lowerings/_basic.py), but a second one for aten.mean,
# registered later for all overloads (_jax_lowerings/lowerings.py), takes its place and knows none. The same mean without
# the type converts. Code that pools outside autocast writes such means, and they stand in parts of the exported graph,
# so whoever takes the types out must walk the submodules too.
#
# Observed with litert-torch 0.10.0, litert-converter 0.5.0, torch 2.13.0, x86-64:
#   plain: converted
#   typed: TypeError: _aten_mean() got an unexpected keyword argument 'dtype'
# Exits with 0 while this is so, with 1 when the behaviour changes. Installs about 2 GB.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet litert-torch==0.10.0 litert-converter==0.5.0 torch==2.13.0 2>/dev/null
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import contextlib
import importlib.metadata
import io
import sys

import litert_torch
import torch


class Pooled(torch.nn.Module):
    def __init__(self, **how):
        super().__init__()
        self.how = how

    def forward(self, x):
        return x.mean((2, 3), **self.how)


def converted(**how):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            litert_torch.convert(Pooled(**how).eval(), (torch.zeros(1, 2, 4, 4),))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return "converted"


print("litert-torch", importlib.metadata.version("litert-torch"), "torch", torch.__version__)
found = {"plain": converted(), "typed": converted(dtype=torch.float32)}
for name, said in found.items():
    print(f"{name}: {said}")
wanted = "TypeError: _aten_mean() got an unexpected keyword argument 'dtype'"
sys.exit(0 if found == {"plain": "converted", "typed": wanted} else 1)
PY
