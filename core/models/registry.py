"""Networks by name. A new architecture is one decorated function in ``classifiers.py`` or ``segmenters.py``."""

from __future__ import annotations

from pathlib import Path

from core.errors import ModelUnavailableError
from core.models._register import BUILDERS, Builder, Spec, register
from core.models.net import OverreadNet

__all__ = ["architectures", "create", "register"]


def architectures() -> tuple[str, ...]:
    """Names of all architectures, in the order they are registered."""
    return tuple(_builders())


def _builders() -> dict[str, Builder]:
    """The table; importing the networks fills it. Their libraries take seconds, and pages open before any is built."""
    from core.models import classifiers, lite_unet, segmenters  # noqa: F401

    return BUILDERS


def create(
    architecture: str,
    *,
    classes: int,
    channels: int,
    size: tuple[int, int],
    pretrained: str | Path | None = None,
) -> OverreadNet:
    """Build a network in training mode.

    Args:
        architecture: one of :func:`architectures`.
        classes: number of classes, at least two; two classes give one logit.
        channels: input channels.
        size: ``(height, width)`` of the input, in pixels.
        pretrained: ``"imagenet"`` for the library's ImageNet weights (fetched once, then cached), the path of a
            RadImageNet weight file, or ``None`` for random weights.

    Raises:
        ModelUnavailableError: unknown architecture, or initial weights that cannot be had or do not fit.
        ContractError: the size does not fit the architecture.
    """
    builders = _builders()
    if architecture not in builders:
        raise ModelUnavailableError(
            f"There is no architecture called '{architecture}'.", f"Known are: {', '.join(builders)}."
        )
    if classes < 2:
        raise ValueError(f"a classifier needs at least two classes, got {classes}")
    return builders[architecture](Spec(classes, channels, size, pretrained))
