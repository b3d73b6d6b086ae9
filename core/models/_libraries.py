"""timm and torchvision, imported without PyTorch's compiler, which both load only to be left alone by it.

The compiler costs two seconds of processor and 2,000 modules at every start of a process, and no network here is
compiled by it. Asked for later (``torch.compile``, an optimiser), it is imported then, as it is.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch.compiler

_TIMM, _UTILS = "timm", "torch._dynamo.utils"


def load() -> None:
    """Import both; nothing else may import the compiler meanwhile."""
    if _UTILS in sys.modules or _TIMM in sys.modules:
        return  # whoever imports them now has the compiler already, or does without
    stand_in: Any = ModuleType(_UTILS)
    stand_in.is_compile_supported = _is_compile_supported
    disable = torch.compiler.disable
    sys.modules[_UTILS] = stand_in  # torchvision.ops.roi_align takes one function from it
    torch.compiler.disable = _as_it_is  # decorates methods of a network of timm's that is in no recipe
    try:
        importlib.import_module(_TIMM)
    finally:
        torch.compiler.disable = disable
        del sys.modules[_UTILS]


def _is_compile_supported(device: Any) -> bool:
    from torch._dynamo.utils import is_compile_supported

    return bool(is_compile_supported(device))


def _as_it_is(function: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    return function if function is not None else lambda other: other
