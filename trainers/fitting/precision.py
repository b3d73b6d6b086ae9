"""Which floating-point precision a device trains in."""

from __future__ import annotations

from typing import Literal

import torch
from lightning_fabric import Fabric

Precision = Literal["bf16-mixed", "32-true"]


def best_precision(accelerator: str = "auto") -> Precision:
    """bfloat16 where the device computes in it, else float32.

    A processor without AVX-512 multiplies bfloat16 numbers one by one: some 200 times slower than in float32. A GPU
    before Ampere emulates it.

    Args:
        accelerator: ``cpu``, ``gpu``, ``cuda`` or ``auto``, as Fabric names them.
    """
    if accelerator != "cpu" and torch.cuda.is_available():
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return "bf16-mixed" if native else "32-true"


def make_fabric(accelerator: str = "cpu", devices: int = 1, nodes: int = 1) -> Fabric:
    """A Fabric in the best precision of its device, not launched yet."""
    return Fabric(accelerator=accelerator, devices=devices, num_nodes=nodes, precision=best_precision(accelerator))


def launched(accelerator: str, devices: int = 1, nodes: int = 1, threads: int = 0) -> Fabric:
    """A Fabric with its processes started, for a command; ``threads`` of the CPU, 0 takes all."""
    if threads:
        torch.set_num_threads(threads)
    fabric = make_fabric(accelerator, devices, nodes)
    fabric.launch()
    return fabric


def autocast(device: torch.device) -> torch.autocast:
    """The precision for judging a network on a device."""
    return torch.autocast(device.type, torch.bfloat16, enabled=best_precision(device.type) == "bf16-mixed")


def device_name(device: torch.device) -> str:
    """What a card calls a device: the GPU's own name, or ``cpu``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
