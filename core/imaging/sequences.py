"""Three MR sequences in the red, green and blue channel of a picture, told from a colour picture.

The public LGG set (Kaggle ``mateuszbuda/lgg-mri-segmentation``) keeps T1 before contrast, FLAIR and T1 after contrast
that way, with the FLAIR in place of a sequence that is missing. What tells them: every channel shows the same head
before an empty surround, and yet each has contrast and noise of its own. In a photograph, a picture printed through a
colour map, a coloured overlay or a fused PET at least one of these does not hold.
"""

from __future__ import annotations

import cv2
import numpy as np

NOTE = (
    "The three channels hold three MR sequences (before contrast, FLAIR, after contrast, as in the public LGG set): "
    "they were mixed to one grey image, the FLAIR weighing most, as the brain models learnt them."
)
_ABOVE = 0.12  # share of a channel's brightest percentile above its surround from which on a pixel is part of the head
_LEAST, _MOST = 0.05, 0.92  # share of the picture that a head fills
_BLANK = 0.02  # below this share a slice shows next to nothing and tells nothing
_ALIKE = 0.75  # least overlap (intersection over union) of the channels' outlines
_FLAT = 12.0  # grey levels between the quartiles of the surround; photographs reach 30 and more
_EQUAL = 0.3  # most pixels of the head that may be equal in two channels that are no copies
_LEAST_SHARE = 0.01  # of the head in which a sequence is darker, and brighter, than the copied one
_FINE, _NEAR = 1.5, 3.0  # pixels: what is finer than the first Gaussian is texture, compared within the second
_FAINT = 1e-7  # variance of texture below which there is none
# Least variance of the texture in which two channels differ (simulated sequences: 0.012 to 0.1; a retina: 0.004), and
# most correlation of texture in the pair that is least alike (sequences: below 0.94; overlays and tints: above 0.97).
_TEXTURE, _TINT = 0.01, 0.955
_PAIRS = ((0, 1), (1, 2), (0, 2))


def three_sequences(rgb: np.ndarray) -> bool | None:
    """Whether a picture's channels are three MR sequences of one slice.

    Args:
        rgb: ``(height, width, 3)``, levels from 0 to 255.

    Returns:
        ``None`` where the picture tells nothing: next to empty (the ends of a stack), or grey.
    """
    channels = [np.ascontiguousarray(rgb[..., n], dtype=np.float32) for n in range(3)]
    if all(np.array_equal(channels[a], channels[b]) for a, b in _PAIRS):
        return None
    surrounds = [np.concatenate([c[0], c[-1], c[:, 0], c[:, -1]]) for c in channels]
    if any(float(np.subtract(*np.quantile(s, [0.75, 0.25]))) > _FLAT for s in surrounds):
        return False
    outlines = [_outline(c, float(np.median(s))) for c, s in zip(channels, surrounds, strict=True)]
    if max(float(outline.mean()) for outline in outlines) < _BLANK:
        return None
    head = outlines[0] & outlines[1] & outlines[2]
    if not _LEAST <= float(head.mean()) <= _MOST or min(_overlap(outlines[a], outlines[b]) for a, b in _PAIRS) < _ALIKE:
        return False
    return _differ(channels, head)


def _outline(channel: np.ndarray, surround: float) -> np.ndarray:
    """The largest bright region with its holes filled: bool ``(height, width)``."""
    above = np.clip(channel - surround, 0, None)
    part = (above > max(_ABOVE * float(np.percentile(above, 99)), 1.0)).astype(np.uint8)
    part = np.asarray(cv2.morphologyEx(part, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    contours, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(part)
    if contours:
        cv2.drawContours(filled, [max(contours, key=cv2.contourArea)], -1, 1.0, -1)
    return filled > 0


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum()) / max(float((one | other).sum()), 1.0)


def _differ(channels: list[np.ndarray], head: np.ndarray) -> bool:
    """Whether the channels are images of their own within the head, or copies of one beside such an image."""
    inside = [channel[head] for channel in channels]
    if any(float(values.std()) < 1.0 for values in inside):
        return False
    for a, b in _PAIRS:
        same = float((inside[a] == inside[b]).mean())
        if same == 1.0:
            # Uptake fused with a grey scan adds to one channel and takes from none; a sequence does both.
            other = inside[3 - a - b] - inside[a]
            if min(float((other > 0).mean()), float((other < 0).mean())) < _LEAST_SHARE:
                return False
        elif same > _EQUAL:
            return False  # an overlay on a grey scan, or a colour map in which channels run together
    own = [_texture(channels[a], channels[b], head) for a, b in _PAIRS]
    return max(variance for variance, _ in own) >= _TEXTURE and min(alike for _, alike in own) <= _TINT


def _texture(one: np.ndarray, other: np.ndarray, head: np.ndarray) -> tuple[float, float]:
    """How far the texture of two channels differs.

    Returns:
        Variance of what is fine in their difference, each in units of its own spread over the head; and the median over
        the head of how the texture of both correlates about a pixel.
    """
    left, right = ((c - float(c[head].mean())) / float(c[head].std()) for c in (one, other))
    fine = [c - _soft(c, _FINE) for c in (left, right)]
    both, mine, its = (_soft(fine[a] * fine[b], _NEAR) for a, b in ((0, 1), (0, 0), (1, 1)))
    alike = both / np.sqrt((mine + _FAINT) * (its + _FAINT))
    return float((fine[0] - fine[1])[head].var()), float(np.median(alike[head]))


def _soft(image: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
