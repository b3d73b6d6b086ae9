"""The same picture saved again is known; another one is not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from core.review.kept.looks import looks, near, reduced, same, variants
from core.simulate import samples


def _slice(sample: str) -> Image.Image:
    series = samples.load_sample(sample).series[0]
    plane = series.pixels[series.slices // 2]
    low, high = float(plane.min()), float(plane.max())
    return Image.fromarray(((plane - low) / (high - low) * 255).astype(np.uint8))


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(io.BytesIO(out.getvalue())).convert("L")


def _known(mine: np.ndarray, kept: np.ndarray) -> bool:
    seen = variants(mine)
    return any(near([a], looks([kept])) and same(one, reduced(kept)) for one, a in zip(seen, looks(seen), strict=True))


AGAIN: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG of quality 50": lambda i: _jpeg(i, 50),
    "half the size": lambda i: i.resize((i.width // 2, i.height // 2)),
    "brighter, smaller, JPEG": lambda i: _jpeg(ImageEnhance.Brightness(i.resize((200, 200))).enhance(1.15), 70),
    "mirrored": lambda i: i.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "turned": lambda i: i.transpose(Image.Transpose.ROTATE_90),
    "inverted": lambda i: i.point(lambda v: 255 - v),
}


@pytest.mark.parametrize("how", AGAIN)
def test_the_same_picture_saved_again_is_known(how: str) -> None:
    for sample in ("brain-mr-03", "brain-mr-04", "brain-mr-05"):
        image = _slice(sample)
        assert _known(np.asarray(AGAIN[how](image)), np.asarray(image)), sample


def test_another_picture_is_not() -> None:
    names = ("brain-mr-03", "brain-mr-04", "brain-mr-05", "chest-ct-02", "chest-ct-03", "breast-mri-01", "pet-01")
    planes = {name: np.asarray(_slice(name)) for name in names}
    for one in names:
        assert [other for other in names if _known(planes[one], planes[other])] == [one]


def test_an_empty_slice_looks_like_nothing() -> None:
    assert looks([np.zeros((40, 40)), np.full((3, 50), 7.0)]) == ["", ""]
    assert not near(["", ""], [""])
    assert not near([], ["0" * 16])


def test_six_bits_are_near_and_seven_are_not() -> None:
    assert near(["0" * 16], [f"{0b111111:016x}"])
    assert not near(["0" * 16], [f"{0b1111111:016x}"])
