"""The table of what the shipped gate is worth says what its card says."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from core.evidence.gate import gate_card, gate_table
from core.systems import SYSTEMS
from dashboard.kit.tables import html

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"


@pytest.mark.parametrize("system", [name for name, declared in SYSTEMS.items() if declared.scans])
def test_the_table_says_what_the_card_says(system: str) -> None:
    card = gate_card(WEIGHTS)
    assert card is not None
    written = json.loads((WEIGHTS / "router" / "card.json").read_text())["systems"][system]["metrics"]
    table = gate_table(card, system, SYSTEMS[system].title)
    assert table is not None
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    assert len(rows) == len(written)
    told = {row["row"]: row for row in rows}
    area = told["AUROC, good scans against wrong images"]
    assert [float(area[key]) for key in ("value", "low", "high")] == pytest.approx(
        [written["auroc"][key] for key in ("value", "low", "high")]
    )
    assert "bootstrap" not in area["method"]  # single images without patients got Wilson intervals: the card names none
    assert "no training saw" in table.title
    assert int(area["n"]) == written["auroc"]["n"]
    shares = [float(row["value"]) for row in rows if row["row"].startswith("Stopped, share: ")]
    assert shares == sorted(shares)
    assert sorted(shares) == pytest.approx(
        sorted(m["value"] for name, m in written.items() if name.startswith("stopped: "))
    )


def test_every_line_says_what_it_counts() -> None:
    """Images of no scan belong to nobody; those of other systems to patients or studies, as those systems count."""
    card = gate_card(WEIGHTS)
    assert card is not None
    table = gate_table(card, "brain-mr", "Brain MR")
    assert table is not None
    drawn = html(table)
    lines = {line.split("<")[0]: line for line in drawn.split("<th scope='row'>")}
    wanted = {
        "Good scans stopped, share": "10 patients, unseen",
        "Stopped, share: whole-body PET projections (pet-unet)": "72 studies, unseen",
        "Stopped, share: brain MR slices, T1 after contrast (brain-type)": "330 groups, unseen",
        "Stopped, share: chart": "90 images, unseen",
        "Stopped, share: shuffled scan": "90 images, unseen",
    }
    for label, basis in wanted.items():
        (line,) = (told for name, told in lines.items() if name == label)
        assert f"<span class='q'>{basis}</span>" in line
    assert "patient" not in lines["Stopped, share: chart"]
    assert "every wrong image" in lines["AUROC, good scans against wrong images"]


def test_without_a_gate_there_is_no_table(tmp_path: Path) -> None:
    assert gate_card(tmp_path) is None
    card = gate_card(WEIGHTS)
    assert card is not None
    assert gate_table(card, "no such system", "") is None
