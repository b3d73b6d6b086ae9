#!/usr/bin/env bash
# torch 2.15.0: while torch.export.export (strict=False) runs a module, every access to a submodule gives a fresh stand-in,
# so that `self.a is self.a` is false inside `forward`. A model that asks at run time whether two parts share a submodule
# (`first.backbone is second.backbone`) takes the other branch in the export than in eager mode, in silence: here the
# exported program runs a shared part twice and joins the results, and answers with twice as many features.
#
# What helps: decide in `__init__`, where identity still holds, and keep the answer as an attribute.
#
# Observed with torch 2.15.0:
#   eager:    shared True,  4 features
#   exported: shared False, 8 features
# Exits with 0 while this is so, with 1 when the behaviour changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 2>/dev/null
"$work/venv/bin/python" - <<'PY' 2>/dev/null
import sys

import torch
from torch import nn

print("torch", torch.__version__)
told = []


class Member(nn.Module):
    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone


class Joined(nn.Module):
    def __init__(self, members: list[Member]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = self.members
        shared = first.backbone is second.backbone
        told.append(shared)
        if shared:
            return first.backbone(x)
        return torch.cat([first.backbone(x), second.backbone(x)], 1)


backbone = nn.Linear(3, 4)
model, x = Joined([Member(backbone), Member(backbone)]).eval(), torch.zeros(1, 3)
eager = model(x).shape[1]
shared_eager = told[-1]
exported = torch.export.export(model, (x,), strict=False).module()(x).shape[1]
shared_exported = told[-1]
print(f"eager:    shared {shared_eager}, {eager} features")
print(f"exported: shared {shared_exported}, {exported} features")
sys.exit(0 if (shared_eager, eager, shared_exported, exported) == (True, 4, False, 8) else 1)
PY
