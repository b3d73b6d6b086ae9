"""What a recorded diagnosis says in a system's own classes; text that cannot be told stays untold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.errors import ArchiveError
from core.review.tables import Case
from core.systems import System, system

_NEGATIVE = {"0", "0.0", "no", "n", "false", "negative", "neg", "normal", "no finding", "no abnormality", "healthy"}
_POSITIVE = {"1", "1.0", "yes", "y", "true", "positive", "pos"}
_NEGATED = re.compile(r"^(no evidence of|no|not|non|without|w/o|negative for|free of)[ -]+(?:a |any )?(.+)$")


@dataclass(frozen=True)
class Untold:
    """A recorded text that fits no class, and how many rows carry it."""

    text: str
    rows: int


def recorded_class(text: str | None, system_name: str, mapping: Mapping[str, str] | None = None) -> str | None:
    """Class of a system that a recorded diagnosis or label names.

    Only whole entries count ("no tumour", "1", "benign"): a report's sentence is not interpreted, it has to be mapped.

    Args:
        text: as recorded.
        mapping: the user's own words, recorded text to class name; goes before every rule.

    Returns:
        A name of ``System.classes``, or ``None`` for no text or one that fits no class.

    Raises:
        ArchiveError: the mapping names a class that the system does not have.
    """
    declared = system(system_name)
    check_mapping(mapping, declared)
    plain = _plain(text)
    if not plain:
        return None
    own = {_plain(key): value for key, value in (mapping or {}).items()}
    if plain in own:
        return own[plain]
    by_name = {_plain(name): name for name in declared.classes}
    if plain in by_name:
        return by_name[plain]
    if plain in _NEGATIVE or plain == _plain(declared.clear):
        return declared.classes[0]
    if len(declared.positive) != 1:
        return None
    found, words = declared.positive[0], _finding_words(declared)
    if plain in _POSITIVE or plain in words:
        return found
    negated = _NEGATED.match(plain)
    if negated and negated[2] in words:
        return declared.classes[0]
    return declared.classes[0] if plain in declared.clear_words else None


def is_finding(recorded: str | None, system_name: str) -> bool | None:
    """Whether a recorded class counts as a finding; ``None`` without one."""
    return None if recorded is None else recorded in system(system_name).positive


def untold(texts: Iterable[str | None], system_name: str, mapping: Mapping[str, str] | None = None) -> list[Untold]:
    """Recorded texts that fit no class, commonest first: what the user is asked to map."""
    counts: dict[str, int] = {}
    for text in texts:
        if text and text.strip() and recorded_class(text, system_name, mapping) is None:
            counts[text.strip()] = counts.get(text.strip(), 0) + 1
    return [Untold(text, rows) for text, rows in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))]


def unfitting(cases: Iterable[Case]) -> dict[str, int]:
    """Cases whose recorded diagnosis fits no class of the system that reads them, by system: nothing ranks these."""
    fits_none = (one for one in cases if one.system and one.recorded_text.strip() and one.recorded_finding is None)
    return dict(sorted(Counter(one.system or "" for one in fits_none).items()))


def check_mapping(mapping: Mapping[str, str] | None, declared: System) -> None:
    """Refuse a mapping to classes that the system does not have.

    Raises:
        ArchiveError: it names another class.
    """
    unknown = sorted(set((mapping or {}).values()) - set(declared.classes))
    if unknown:
        raise ArchiveError(
            f"{declared.title} has no class {', '.join(repr(name) for name in unknown)}.",
            f"Map recorded words to one of: {', '.join(declared.classes)}.",
        )


def _plain(text: str | None) -> str:
    """Lower case, one spelling of tumour, no punctuation at the ends, single spaces."""
    words = re.sub(r"[\s_]+", " ", (text or "").strip().lower()).strip(" .,:;!\"'")
    return re.sub(r"\btumor", "tumour", words)


def _finding_words(declared: System) -> set[str]:
    return {_plain(name) for name in (*declared.positive, declared.finding, *declared.finding_words)}
