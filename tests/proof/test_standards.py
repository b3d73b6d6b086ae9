"""The map to the standards names only what exists."""

from __future__ import annotations

import re

from core import places


def test_all_that_the_map_names_exists() -> None:
    text = (places.HOME / "docs" / "standards.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([^`]+)`", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (places.HOME / name).exists()] == []
