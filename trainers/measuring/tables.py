"""Figures as tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table


def figure_table(result: dict[str, Any]) -> Iterator[Table]:
    """One table of all models and baselines; for models tested on several kinds of image, one for each kind."""
    title = f"{result['system']}: {result['n']} images of {result['groups']} groups, 95 % intervals"
    kinds = list(dict.fromkeys(kind for m in result["models"].values() for kind in m.get("tested_on", {})))
    if not kinds:
        yield _table(title, result["models"] | result["baselines"])
    for kind in kinds:
        both = result["models"] | result["baselines"]
        tested = {name: m["tested_on"][kind] for name, m in both.items() if kind in m.get("tested_on", {})}
        yield _table(f"{title}; tested on {kind}", tested)
    yield from _reports(result["models"])
    if result.get("fusion"):
        yield _table("late fusion of pet and mr, on pairs", {"pet + mr": result["fusion"]["pairs"]})
    if result.get("paired"):
        table = Table("difference of AUC on pairs", "value", "p", title="paired comparisons")
        for name, d in result["paired"].items():
            table.add_row(name, f"{d['difference']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]", f"{d['p']:.3f}")
        yield table


def _table(title: str, columns: dict[str, dict[str, Any]]) -> Table:
    table = Table(title=title)
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right", overflow="fold")
    flat = {name: _flat(values) for name, values in columns.items()}
    rows = dict.fromkeys(k for m in flat.values() for k in m if not k.endswith(("_low", "_high")))
    for row in rows:
        table.add_row(row, *(_cell(values, row) for values in flat.values()))
    return table


def _reports(models: dict[str, dict[str, Any]]) -> Iterator[Table]:
    """Precision, recall and F1 of every class, a table a model."""
    for name, values in models.items():
        if "report" not in values:
            continue
        table = Table("class", "precision", "recall", "F1", "support", title=f"{name}, classification report")
        for label, line in values["report"].items():
            told = {k: v for k, v in line.items() if v is not None}
            table.add_row(label, *(_cell(told, key) for key in ("precision", "recall", "f1")), str(line["support"]))
        yield table


def _flat(values: dict[str, Any]) -> dict[str, float]:
    """Figures by class become rows of their own."""
    out: dict[str, float] = {}
    for key, value in values.items():
        if key in ("tested_on", "report", "confusion"):
            continue
        if isinstance(value, dict):
            base, _, end = key.partition("_")
            out.update({f"{base} {name}{'_' + end if end else ''}": v for name, v in value.items() if v is not None})
        else:
            out[key] = value
    return out


def _cell(values: dict[str, float], row: str) -> str:
    if row not in values:
        return ""
    digits = 1 if row == "ms_per_image" else 0 if row in ("n", "groups") else 3
    text = f"{values[row]:.{digits}f}"
    if f"{row}_low" in values:
        text += f" [{values[f'{row}_low']:.{digits}f}, {values[f'{row}_high']:.{digits}f}]"
    return text
