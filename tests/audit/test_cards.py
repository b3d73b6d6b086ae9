"""The data cards: complete, in step with their machine-readable audits, and without a patient's name."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from core.audit import AuditReport, to_markdown
from core.simulate import DRAWINGS

CARDS = Path(__file__).resolve().parents[2] / "data" / "cards"
SETS = ("brain-brisc", "brain-lgg", "breast-mri", "chest-ct", "lung-ct", "pet-mip", "sts-pet-mr")
REPORTS = sorted(CARDS.glob("*.json"))


def test_every_set_and_every_system_has_its_audit() -> None:
    names = {path.stem for path in REPORTS}
    simulated = {f"simulated.{system}" for system in DRAWINGS} | {"simulated.mr-pet.mr_t1"}
    assert names == {*SETS, "sts-pet-mr.mr_t1"} | simulated


@pytest.mark.parametrize("name", [*SETS, "simulated"])
def test_card_says_where_from_licence_layout_faults_split(name: str) -> None:
    text = (CARDS / f"{name}.md").read_text(encoding="utf-8")
    for part in (
        "| from |",
        "| licence |",
        "## How to lay it out",
        "## What is wrong with it",
        "## How the split is made",
    ):
        assert part in text


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_section_is_the_report(path: Path) -> None:
    report = AuditReport.from_json(path.read_text(encoding="utf-8"))
    card = (CARDS / f"{path.name.split('.')[0]}.md").read_text(encoding="utf-8")
    section = re.search(rf"<!-- audit: {re.escape(report.name)} -->\n(.*?)<!-- end of audit -->", card, re.DOTALL)
    assert section is not None
    assert section.group(1) == to_markdown(report)
    assert json.loads(report.to_json()) == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.real
def test_no_card_names_a_patient(real_data: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(CARDS.iterdir()))
    for name in ("brain-lgg", "breast-mri", "sts-pet-mr"):
        with (real_data / name / "index.csv").open(encoding="utf-8") as handle:
            patients = {row["patient"] for row in csv.DictReader(handle)}
        assert not [patient for patient in patients if patient in text]
