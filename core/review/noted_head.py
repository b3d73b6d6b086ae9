"""The trail's last link, noted beside the store with every write: a database rolled back behind it is noticed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

FILE = "trail.head"


def note(folder: Path, seq: int, sha256: str) -> None:
    """Note the last link. Whoever writes at the same time may note an earlier one: that is in the chain too."""
    fresh = folder / f".{FILE}-{secrets.token_hex(6)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{seq} {sha256}\n")
    os.replace(fresh, folder / FILE)


def noted(folder: Path) -> str | None:
    """Hash of the link noted last; ``None`` where none was."""
    try:
        parts = (folder / FILE).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return None
    return parts[1] if len(parts) == 2 else None
