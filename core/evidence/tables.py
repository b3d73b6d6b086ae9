"""Tables in which every figure carries its interval, its cases, its split and its model version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from core.csv_cells import rows_csv
from core.engine.words import in_terms
from core.statistics import Interval

MODEL, BASELINE, PUBLISHED = "model", "baseline", "published"
CSV_COLUMNS = (
    "table",
    "row",
    "kind",
    "version",
    "split",
    "figure",
    "value",
    "low",
    "high",
    "level",
    "n",
    "groups",
    "method",
    "note",
)


@dataclass(frozen=True)
class Column:
    """A figure of a table: its key, its head, and how many digits it deserves."""

    key: str
    head: str
    digits: int = 3
    help: str = ""


@dataclass(frozen=True)
class Row:
    """One line: a model, a baseline, or what was published.

    Attributes:
        label: for people. kind: ``model``, ``baseline`` or ``published``.
        figures: by column key; one that is missing does not exist for this line.
        version, split, n, groups: what the line rests on; empty and 0 for published text.
        note: words beside the figures, or the published text itself.
        counted: what its groups are, where that is something else than in the rest of the table.
    """

    label: str
    kind: str = MODEL
    version: str = ""
    split: str = ""
    n: int = 0
    groups: int = 0
    figures: Mapping[str, Interval] = field(default_factory=dict)
    note: str = ""
    counted: str = ""


@dataclass(frozen=True)
class Table:
    """Rows and columns with a title, and what must be known to read them.

    Attributes:
        counted: what the groups of its figures are, see :attr:`core.systems.declaration.System.counted`.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    counted: str = "group"

    def in_terms(self, counted: str) -> Table:
        """The table told in what its system counts, patients or studies: in titles, heads, labels and notes."""

        def told(text: str) -> str:
            return in_terms(text, counted)

        return replace(
            self,
            title=told(self.title),
            columns=tuple(replace(c, head=told(c.head), help=told(c.help)) for c in self.columns),
            rows=tuple(
                r if r.kind == PUBLISHED else replace(r, label=told(r.label), note=told(r.note)) for r in self.rows
            ),
            notes=tuple(map(told, self.notes)),
            counted=counted,
        )

    def csv(self) -> str:
        """One line a figure, full precision, with everything that the figure rests on."""
        lines: list[dict[str, object]] = []
        heads = {column.key: column.head for column in self.columns}
        for row in self.rows:
            line: dict[str, object] = {
                "table": self.key,
                "row": row.label,
                "kind": row.kind,
                "version": row.version,
                "split": row.split,
                "note": row.note,
            }
            if not row.figures:
                lines.append(line)
            for key, head in heads.items():
                figure = row.figures.get(key)
                if figure is not None:
                    lines.append(
                        line
                        | {
                            "figure": head,
                            "value": figure.value,
                            "low": figure.low,
                            "high": figure.high,
                            "level": figure.level,
                            "n": figure.n,
                            "groups": figure.groups,
                            "method": figure.method,
                        }
                    )
        return rows_csv(CSV_COLUMNS, lines)


def exact(value: float, n: int, groups: int, method: str) -> Interval:
    """A figure that has no sampling error of its own, or whose interval was not kept."""
    return Interval(float(value), float("nan"), float("nan"), n, groups, method)
