"""Which stored answers speak about one place: ``pairs.parquet`` and ``pairs-ct.parquet`` beside a system's models.

A row a pair: ``split``, ``group`` (patient), and the identifiers of its PET slice (``pet``) and its MR or CT slice
(``other``) as the models' predictions name them. ``python -m trainers fuse`` writes them: only the images tell where
slices lie.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.errors import ModelUnavailableError
from core.imaging.study import Modality

PAIRS = {Modality.MR: "pairs.parquet", Modality.CT: "pairs-ct.parquet"}  # by what is read beside PET
COLUMNS = ("split", "group", "pet", "other")


def load_pairs(folder: Path, beside: Modality = Modality.MR) -> pd.DataFrame | None:
    """The pairs of ``weights/<system>``, all text; ``None`` where there are none.

    Raises:
        ModelUnavailableError: the file holds something else.
    """
    path = folder / PAIRS[beside]
    if not path.is_file():
        return None
    try:
        found = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise _refused(path, str(error)) from error
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise _refused(path, f"column {', '.join(missing)} is missing")
    return found[list(COLUMNS)].astype(str)


def save_pairs(folder: Path, pairs: pd.DataFrame, beside: Modality = Modality.MR) -> None:
    """Write the pairs of a system."""
    pairs[list(COLUMNS)].astype(str).to_parquet(folder / PAIRS[beside], index=False)


def _refused(path: Path, reason: str) -> ModelUnavailableError:
    return ModelUnavailableError(
        f"{path.name} in {path.parent.name} cannot be read: {reason}.", "Make it again: python -m trainers fuse."
    )
