"""The text that hashes are made of: JSON that depends on the content only."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from core.review.vocabulary import stamp


def canonical(value: Any) -> str:
    """JSON with sorted keys, no blanks, moments as ISO text, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    raise TypeError(f"{type(value).__name__} cannot be hashed")
