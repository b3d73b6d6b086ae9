"""Where the pages are."""

from __future__ import annotations

from pathlib import Path

PAGES = Path(__file__).resolve().parents[1] / "pages"
HOME, REVIEW, MODELS = (str(PAGES / f"{name}.py") for name in ("home", "review", "models"))
EVIDENCE = str(PAGES / "evidence.py")
