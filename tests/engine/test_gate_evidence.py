"""The table of what the shipped gate is worth says what its card says."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from core.systems import SYSTEMS
from dashboard.widgets import gate_evidence

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"


@pytest.mark.parametrize("system", list(SYSTEMS))
def test_the_table_says_what_the_card_says(system: str) -> None:
    card = gate_evidence.card_of(WEIGHTS)
    assert card is not None
    written = json.loads((WEIGHTS / "router" / "card.json").read_text())["systems"][system]["metrics"]
    rows = re.findall(r"<tr><th scope='row'>(.*?)</th><td>(.*?)</td>", gate_evidence.table(card, system))
    assert len(rows) == len(written)
    told = dict(rows)
    assert told["AUROC, good scans against wrong images"] == f"{written['auroc']['value']:.3f}"
    assert told["Good scans stopped"] == f"{written['good_stopped']['value']:.1%}"
    shares = [float(value.rstrip("%")) for name, value in rows if name.startswith("Stopped: ")]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(
        100 * min(m["value"] for name, m in written.items() if name.startswith("stopped: ")), abs=0.05
    )
    table = pd.read_csv(io.StringIO(gate_evidence.csv(card, system))).set_index("figure")
    assert table.loc["auroc", "value"] == pytest.approx(written["auroc"]["value"])


def test_without_a_gate_there_is_no_card(tmp_path: Path) -> None:
    assert gate_evidence.card_of(tmp_path) is None
