"""Packages that only some uses need: imported late, told when missing, and kept from reporting their use."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from core.errors import ModelUnavailableError

# OpenVINO 2026.4 sends an event when it is imported, whatever it is imported for, and leaves an identity in ~/intel.
# Without the first it takes a stand-in of its own that sends nothing. The second is the converter that reports; nothing
# here converts by it, and it is half of all that OpenVINO imports.
_LEFT_OUT = {"openvino": ("openvino_telemetry", "openvino.tools.ovc")}

# In no extra: one of ours would bind everybody to the version that a phone's converter was released with.
_ALONE = {"ai_edge_litert": "Install LiteRT's interpreter: pip install ai-edge-litert."}


def package(name: str) -> Any:
    """Import a package.

    Raises:
        ModelUnavailableError: it is not installed.
    """
    top = name.partition(".")[0]
    if top not in sys.modules:
        for left in _LEFT_OUT.get(top, ()):
            sys.modules[left] = None  # type: ignore[assignment]  # what is None here cannot be imported
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ModelUnavailableError(
            f"This needs the package {top}, which is not installed.",
            _ALONE.get(top, "Install Overread with what exports need: pip install 'overread[export]'."),
        ) from error
