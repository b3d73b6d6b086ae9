"""No cell of any CSV is a formula to a spreadsheet, and numbers stay numbers."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit import config

from core.csv_cells import frame_csv, harmless, rows_csv
from core.engine.results import ModelState, ModelStatus
from core.evidence.tables import Row, Table
from core.reports.files import case_csv
from core.review.batch.parts import Parts, Plan
from core.weights.card import Metric
from dashboard.models import about
from tests.cards import card_of
from tests.reports import kit

PLANTED = '=HYPERLINK("http://x","y")'
TOP = Path(__file__).resolve().parents[2]
# Numbers alone, names that Overread made, and a sheet that an import reads back, whose paths must stay as they are.
NO_TEXT_OF_OTHERS = {
    "core/csv_cells.py",
    "trainers/fitting/logs.py",
    "core/simulate/catalogue.py",  # imports the writers of simulated scans, as the next does
    "core/systems/pet.py",
    "core/review/archives/planting.py",
}


def cells(text: str) -> set[str]:
    return {cell for row in csv.reader(io.StringIO(text)) for cell in row}


def defused(text: str) -> None:
    found = cells(text)
    assert f"'{PLANTED}" in found
    assert PLANTED not in found


@pytest.mark.parametrize(
    "text", [PLANTED, "+1+1", "-2+3", "@SUM(A1)", "\t1", "\r1", "\n1", "＝1+1", "--1", "-", "-1 2"]
)
def test_a_text_that_starts_a_formula_is_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Quill;=1+1", "Quill;'=1+1"),
        ("Quill;;=1+1;-2+3", "Quill;;'=1+1;'-2+3"),
        ("two lines\n=1+1", "two lines\n'=1+1"),
        ("one\t@SUM(A1)", "one\t'@SUM(A1)"),
        (" =1+1", "' =1+1"),
        ("\ufeff=1+1", "'\ufeff=1+1"),
        ('"=1+1"', '\'"=1+1"'),
        ("\n=1;=2", "'\n'=1;'=2"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
    ],
)
def test_no_part_of_a_text_starts_a_formula_whatever_parts_cells(text: str, told: str) -> None:
    """Read by another separator than the comma, the very bytes of the file hold no cell that is a formula."""
    assert harmless(text) == told
    written = rows_csv(("a", "b"), [{"a": 1, "b": text}])
    for cell in re.split(r"[;\t\r\n]", written):
        assert not cell.lstrip(' "\ufeff').startswith(("=", "@", "-2", "+")), cell


@pytest.mark.parametrize("value", ["0.1; -0.2; +3", "a; b", "1;-2;-3", "don't", "a = b", "x-y; z-w", '"quoted"'])
def test_lists_of_numbers_and_words_stay_as_they_are(value: str) -> None:
    assert harmless(value) is value


@pytest.mark.parametrize("value", ["-0.5", "+3", "-1e-07", "-.5", "1=1", "tumour", "", -0.5, 3, None, True])
def test_numbers_and_words_stay_as_they_are(value: object) -> None:
    assert harmless(value) is value


def test_rows_and_frames_defuse_heads_and_cells_and_keep_numbers() -> None:
    defused(rows_csv(("a", PLANTED), [{"a": -0.5, PLANTED: PLANTED}]))
    frame = pd.DataFrame({"a": [PLANTED, None], "b": [-0.5, np.nan], "c": [-3, 4], PLANTED: ["-0.25", "x"]})
    frame["kind"] = pd.Series([PLANTED, "plain"], dtype="category")
    text = frame_csv(frame)
    defused(text)
    back = pd.read_csv(io.StringIO(text))
    assert back["b"].iloc[0] == -0.5
    assert back["c"].tolist() == [-3, 4]
    assert "-0.25" in cells(text)
    assert frame["a"].iloc[0] == PLANTED  # the caller's table is not touched


def test_the_record_of_a_case() -> None:
    report = kit.case(kit.mr_files())
    first, *rest = report.review.results
    assert first.state.card is not None
    told = replace(first, state=replace(first.state, card=first.state.card.model_copy(update={"version": PLANTED})))
    defused(case_csv(replace(report, review=replace(report.review, results=(told, *rest)))))


def test_tables_of_evidence_and_of_models() -> None:
    defused(Table("t", "T", (), (Row(PLANTED),)).csv())
    card = card_of("brain-mr", "unet", "none", metrics={"auc": Metric(value=0.9, low=0.8, high=1, n=9, method=PLANTED)})
    defused(about.csv([ModelState("brain-mr", "unet", "U", "classifier", ModelStatus.READY, card=card)], {}))


def test_scores_of_a_folder(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "rows.csv", Plan(source="", images=1, chunk=1, system=None, models=""))
    parts.write(0, [{"image": 0, "path": PLANTED, "finding": 0.25}])
    parts.join()
    defused((tmp_path / "rows.csv").read_text(encoding="utf-8"))


def test_no_table_goes_another_way() -> None:
    own = [p for room in ("core", "dashboard", "trainers") for p in (TOP / room).rglob("*.py")]
    assert len(own) > 100
    ways = (".to_csv(", "csv.writer(", "DictWriter(", "import writer")
    others = {str(p.relative_to(TOP)) for p in own if any(way in p.read_text(encoding="utf-8") for way in ways)}
    assert others <= NO_TEXT_OF_OTHERS


def test_streamlits_own_export_of_a_table_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its button writes cells as they are; asked of Streamlit itself, which refuses options that it does not know."""
    monkeypatch.chdir(TOP)
    assert config.get_option("client.disableDataExport") is True
