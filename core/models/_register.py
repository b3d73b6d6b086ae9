"""The table of architectures and the decorator that fills it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.models.net import OverreadNet


@dataclass(frozen=True)
class Spec:
    """What a network is built for; see :func:`core.models.registry.create`."""

    classes: int
    channels: int
    size: tuple[int, int]
    pretrained: str | Path | None = None

    @property
    def outputs(self) -> int:
        """Number of logits."""
        return 1 if self.classes == 2 else self.classes


Builder = Callable[[Spec], OverreadNet]
BUILDERS: dict[str, Builder] = {}


def register(build: Builder) -> Builder:
    """Enter a builder under its function's name, which is the architecture's name."""
    name = build.__name__
    if name in BUILDERS:
        raise ValueError(f"architecture {name} is registered twice")
    BUILDERS[name] = build
    return build
