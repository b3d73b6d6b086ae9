"""Tables as CSV that no spreadsheet takes for formulas: names and labels in them come from other people's files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# What spreadsheets begin a formula with; the wide signs are taken for the narrow ones by East Asian editions.
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# Where spreadsheets part cells at semicolons or tabs (half of Europe's do), quotes within a line do not hold: whatever
# follows a separator or a new line begins a cell there.
_PARTS = re.compile(r"[;\t\r\n]+")
_BLANK = " \u00a0\u200b\ufeff\0\v\f\"'"  # what may stand before the sign and is passed over


def harmless(value: object) -> object:
    """The value; a text that starts as a formula does gets an apostrophe before it, a written number does not.

    So does what starts so after a semicolon, a tab or a new line within a text.
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    begins = [0, *(found.end() for found in _PARTS.finditer(value))]
    risky = [at for at, end in zip(begins, [*begins[1:], len(value)], strict=True) if _starts_formula(value[at:end])]
    if value.startswith(("\t", "\r", "\n")):
        risky = [0, *(at for at in risky if at)]
    for at in reversed(risky):
        value = f"{value[:at]}'{value[at:]}"
    return value


def _starts_formula(part: str) -> bool:
    bare = part.rstrip(";\t\r\n").lstrip(_BLANK)
    return bare.startswith(_STARTS) and not (bare.strip() and _NUMBER.fullmatch(bare.strip()))


def rows_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A head and one line a row, ``\\n`` between them; what a row does not have stays empty.

    Raises:
        ValueError: a row has a column that is not among ``columns``.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writerow({name: harmless(name) for name in columns})
    for row in rows:
        writer.writerow({name: harmless(value) for name, value in row.items()})
    return out.getvalue()


def frame_csv(frame: pd.DataFrame) -> str:
    """A table of any number of columns, without its index."""
    import pandas as pd  # here: whoever has a table to write has loaded it, and nobody else waits for it

    safe = frame.copy()
    for place, kind in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):  # numbers keep their precision, texts may be anything
            safe.isetitem(place, frame.iloc[:, place].astype(object).map(harmless).tolist())
    safe.columns = pd.Index([harmless(name) for name in frame.columns], dtype=object)
    return str(safe.to_csv(index=False, lineterminator="\n"))
