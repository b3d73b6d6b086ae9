"""Identifiers derived from content: the same pixels get the same name everywhere, no original UID is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

import numpy as np

_KEY = secrets.token_bytes(32)


def content_key(pixels: np.ndarray, *facts: object) -> str:
    """Sixteen hex digits of the SHA-256 over the pixels, their shape and further facts."""
    digest = hashlib.sha256(repr((pixels.shape, *facts)).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()[:16]


def short_hash(uid: str) -> str | None:
    """Eight hex digits by which two UIDs of one study are told apart, and nothing more; ``None`` for no UID."""
    return hashlib.sha256(uid.strip().encode()).hexdigest()[:8] if uid.strip() else None


def passing_hash(number: str) -> str | None:
    """By which two numbers are told apart as long as this process lives, and never after it; ``None`` for none."""
    number = number.strip()
    return hmac.new(_KEY, number.encode(), hashlib.sha256).hexdigest()[:16] if number else None


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which ``slice 9`` comes before ``slice 10``."""
    parts = re.findall(r"\d{1,18}|\D+|\d+", text.lower())
    return tuple((0, int(part), "") if part.isdigit() and part.isascii() else (1, 0, part) for part in parts)
