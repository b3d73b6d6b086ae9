"""Which stored answers speak about one place: ``pairs.parquet`` beside a system's models.

A row a pair: ``split``, ``group`` (patient), and the identifiers of its PET slice (``pet``) and its MR slice (``mr``)
as the models' predictions name them. ``python -m trainers fuse`` writes it: only the images tell where slices lie.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.errors import ModelUnavailableError

PAIRS = "pairs.parquet"
COLUMNS = ("split", "group", "pet", "mr")


def load_pairs(folder: Path) -> pd.DataFrame | None:
    """The pairs of ``weights/<system>``, all text; ``None`` where there are none.

    Raises:
        ModelUnavailableError: the file holds something else.
    """
    path = folder / PAIRS
    if not path.is_file():
        return None
    try:
        found = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise _refused(folder, str(error)) from error
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise _refused(folder, f"column {', '.join(missing)} is missing")
    return found[list(COLUMNS)].astype(str)


def save_pairs(folder: Path, pairs: pd.DataFrame) -> None:
    """Write the pairs of a system."""
    pairs[list(COLUMNS)].astype(str).to_parquet(folder / PAIRS, index=False)


def _refused(folder: Path, reason: str) -> ModelUnavailableError:
    return ModelUnavailableError(
        f"{PAIRS} in {folder.name} cannot be read: {reason}.", "Make it again: python -m trainers fuse."
    )
