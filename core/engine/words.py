"""Numbers and names as every surface writes them."""

from __future__ import annotations

from collections.abc import Sequence


def probability(value: float) -> str:
    """A probability in [0, 1] with two digits; never a rounded 0 or 1."""
    return "<0.01" if value < 0.005 else ">0.99" if value > 0.995 else f"{value:.2f}"


def short(title: str) -> str:
    """A model's title up to the first comma: "U-Net, ResNet-18 encoder" is "U-Net" in a sentence."""
    return title.split(",")[0]


def short_titles(titles: Sequence[str]) -> dict[str, str]:
    """Titles up to the first comma where that still tells them apart, else whole."""
    heads = [short(title) for title in titles]
    return {t: h if heads.count(h) == 1 else t for t, h in zip(titles, heads, strict=True)}
