"""Tables about patients say patients; those about groups of look-alikes say groups."""

from __future__ import annotations

import re

import pytest

from core import places
from core.engine.words import in_terms
from core.evidence.catalogue import TABLES
from core.evidence.tables import PUBLISHED, Table
from core.systems import SYSTEMS
from core.weights.predictions import load


def words_of(table: Table) -> list[str]:
    rows = [text for r in table.rows if r.kind != PUBLISHED for text in (r.label, r.note)]
    return [table.title, *(t for c in table.columns for t in (c.head, c.help)), *rows, *table.notes]


@pytest.mark.parametrize("name", ["brain-mr", "pet"])
def test_no_table_of_patients_or_studies_speaks_of_groups(name: str) -> None:
    system = SYSTEMS[name]
    models = tuple(load(places.WEIGHTS / name / slot.name) for slot in system.models)
    made = [table for key in TABLES if (table := TABLES[key](models, "test")) is not None]
    assert len(made) > len(TABLES) // 2
    for table in made:
        told = table.in_terms(system.counted)
        assert told.counted == system.counted
        assert not [text for text in words_of(told) if re.search(r"\bgroups?\b", text, re.IGNORECASE)], table.key
        assert words_of(table.in_terms("group")) == words_of(table)


@pytest.mark.parametrize(
    ("text", "one", "expected"),
    [
        ("Per group, whole groups drawn", "patient", "Per patient, whole patients drawn"),
        ("Groups here; a group's mean", "study", "Studies here; a study's mean"),
        ("subgroups and grouped slices", "patient", "subgroups and grouped slices"),
        ("resamples of 5 groups", "group", "resamples of 5 groups"),
    ],
)
def test_words(text: str, one: str, expected: str) -> None:
    assert in_terms(text, one) == expected
