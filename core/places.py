"""Where the program lies, and what it reads beside its code, in a checkout and installed; which file that is."""

from __future__ import annotations

import hashlib
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]  # the checkout, or the environment's site-packages
_PACKED = HOME / "overread_files"  # where a wheel keeps what is no code, see pyproject.toml
INSTALLED = _PACKED.is_dir()
FILES = _PACKED if INSTALLED else HOME
WEIGHTS = FILES / "weights"
DATA_CARDS = FILES / "data" / "cards"
SAMPLES = FILES / "data" / "samples"
DOCUMENTS = FILES / "docs"
LICENCE = FILES / "LICENSE"
LOCK = FILES / "requirements.txt"
STREAMLIT = FILES / ".streamlit" / "config.toml"
RUNS = Path("runs") if INSTALLED else HOME / "runs"  # training writes no runs into site-packages


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
