"""The data cards of the repository: where a set is from, how it is laid out, what is wrong with it, its audits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from core import places
from core.audit.report import AuditReport
from core.audit.sets import audit_suffix

FOLDER = places.DATA_CARDS


@dataclass(frozen=True)
class DataCard:
    """One set's card.

    Attributes:
        name: of the set. title: its first heading. facts: rows of the table at the top, Markdown.
        sections: text by heading, Markdown, without the audits.
    """

    name: str
    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[tuple[str, str], ...]

    def section(self, heading: str) -> str:
        """Text below a heading; empty when the card has none."""
        return next((text for name, text in self.sections if name == heading), "")

    @property
    def system(self) -> str:
        """Name of the system that the set is for; empty when the card names none."""
        found = re.fullmatch(r"`([a-z-]+)`", dict(self.facts).get("system", ""))
        return found.group(1) if found else ""


def read_card(name: str, folder: Path = FOLDER) -> DataCard | None:
    """Card of a set by its name (``brain-lgg``, ``simulated.pet``, ``sts-pet-mr (pet)``); ``None`` without one."""
    path = folder / f"{_stem(name).split('.')[0]}.md"
    if not path.is_file():
        return None
    text = re.sub(r"<!-- audit: .*?<!-- end of audit -->", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    head, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    facts = re.findall(r"^\| ([a-z ]+) \| (.*) \|$", head, flags=re.MULTILINE)
    title = re.search(r"^# (.*)$", head, flags=re.MULTILINE)
    sections = tuple((part.partition("\n")[0].strip(), part.partition("\n")[2].strip()) for part in parts)
    return DataCard(path.stem, title.group(1) if title else path.stem, tuple(facts), sections)


def read_audit(name: str, folder: Path = FOLDER) -> AuditReport | None:
    """The audit stored beside a card, by the name of the set as :class:`AuditReport` has it; ``None`` without one."""
    series = name.partition("(")[2].rstrip(")")
    path = folder / f"{_stem(name)}{audit_suffix(series)}.json"
    if not path.is_file():
        return None
    report = AuditReport.from_json(path.read_text(encoding="utf-8"))
    return report if report.name == name else None


def _stem(name: str) -> str:
    """File stem of a set's name; what is no plain name has no card."""
    stem = name.split(" ")[0]
    return stem if re.fullmatch(r"[A-Za-z0-9._-]+", stem) and not stem.startswith(".") else "-"
