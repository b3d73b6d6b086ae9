"""All licences in one table: code, packages, weights, data sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from core.csv_cells import rows_csv
from core.errors import ProofError
from core.proof.models import Model
from core.proof.packages import Package

_COLUMNS = ("kind", "name", "version", "licence", "source")
_KINDS = {"pypi": "package", "npm": "package of a browser's client"}
_ROW = r"^\| {} \| (.+) \|$"


def licences_csv(version: str, packages: Iterable[Package], models: Iterable[Model], cards: Sequence[Path]) -> str:
    """One row a thing, with where its licence is stated.

    Args:
        version: of Overread.
        cards: data cards (Markdown).

    Raises:
        ProofError: a data card states no licence.
    """

    def rows() -> Iterator[dict[str, str]]:
        own = {"kind": "code", "name": "overread", "version": version, "licence": "MIT", "source": "LICENSE"}
        yield own
        for package in packages:
            source = "the package's metadata" if package.kind == "pypi" else "package-lock.json"
            yield _row(_KINDS[package.kind], package.name, package.version, package.licence, source)
        for model in models:
            yield _row("weights", model.name, model.card.version, model.licence, f"models/{model.name}/card.json")
        for card in cards:
            text = card.read_text(encoding="utf-8")
            source = f"data/{card.name}; from {_told(text, 'from', card)}"
            yield _row("data set", card.stem, "", _told(text, "licence", card), source)

    return rows_csv(_COLUMNS, rows())


def _row(*cells: str) -> dict[str, str]:
    return dict(zip(_COLUMNS, cells, strict=True))


def _told(text: str, what: str, card: Path) -> str:
    found = re.search(_ROW.format(what), text, re.MULTILINE)
    if found is None:
        raise ProofError(f"The data card {card.name} has no row '{what}'.", "Add it to the table at its head.")
    return found[1]
