"""Evidence tables as people read them: no figure stands there as if its interval were only left out."""

from __future__ import annotations

import math

import pytest

from core.evidence.tables import Column, Row, Table, exact
from core.statistics import Interval
from dashboard.evidence.pdf import _line
from dashboard.kit import tables


@pytest.fixture
def table() -> Table:
    """A subgroup of one patient, who has no interval, beside one of five without an error."""
    none = math.nan
    one = {
        "findings": exact(10, 22, 1, "count"),
        "auc": Interval(1.0, none, none, 22, 1, "percentile bootstrap, 1000 resamples of 1 groups"),
    }
    five = {"auc": Interval(1.0, 0.566, 1.0, 182, 5, "no error in n = 5 groups (Wilson)")}
    rows = (
        Row("CS", version="4", split="test", n=22, groups=1, figures=one),
        Row("DU", version="4", split="test", n=182, groups=5, figures=five),
    )
    return Table("x", "By site", (Column("findings", "With a finding", 0), Column("auc", "ROC AUC")), rows).in_terms(
        "patient"
    )


def test_a_figure_of_one_patient_says_that_it_has_no_interval(table: Table) -> None:
    drawn = tables.html(table)
    assert "1.000<span class='q'>no interval: one patient</span>" in drawn
    assert "10<span class='q'></span>" in drawn  # a count needs none
    assert "0.566 to 1.000<br>no error in n = 5 patients" in drawn


def test_the_page_as_pdf_says_the_same(table: Table) -> None:
    first, second = ([cell.text for cell in _line(table, row)[1:-1]] for row in table.rows)  # type: ignore[union-attr]
    assert [text.replace("<br/>", "\n") for text in first] == ["10", "1.000\nno interval: one patient"]
    assert "no error in n = 5 patients" in second[1]
