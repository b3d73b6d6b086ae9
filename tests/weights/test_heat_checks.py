"""When dataset-level checks count as failed, and that the page says so."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from core.evidence.heat_maps import heat_map_table
from core.weights.card import Metric, ModelCard
from core.weights.heat_checks import HeatChecks, MethodChecks, load_checks
from dashboard.kit import tables


def _metric(value: float, low: float | None, high: float | None) -> Metric:
    return Metric(value=value, low=low, high=high, n=40, groups=12)


GOOD = MethodChecks(hit=_metric(0.8, 0.7, 0.9), chance=0.2, ahead=_metric(0.2, 0.1, 0.3))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ()),
        ({"hit": _metric(0.3, 0.19, 0.4)}, ("hits the lesion no more often than chance would",)),
        ({"hit": _metric(0.9, None, None)}, ("hits the lesion no more often than chance would",)),
        ({"ahead": _metric(0.05, -0.01, 0.1)}, ("the answer does not clearly rest on what it marks",)),
        ({"hit": None, "chance": None}, ()),
        ({"ahead": None}, ()),
    ],
)
def test_an_interval_that_reaches_down_to_chance_fails(changes: dict[str, Metric | None], words: tuple[str]) -> None:
    assert GOOD.model_copy(update=changes).failings == words


def test_the_table_tells_passed_failed_and_untested_apart() -> None:
    bad = GOOD.model_copy(update={"hit": _metric(0.2, 0.1, 0.3)})
    checks = HeatChecks(
        system="brain-mr",
        name="unet",
        version="1",
        weights_sha256="0" * 64,
        date="2026-01-01",
        code_version="none",
        data=("made",),
        seed=0,
        slices=40,
        groups=12,
        outline=True,
        tolerance=0.05,
        fractions=(0.1,),
        random_maps=2,
        methods={"grad-cam": GOOD, "layercam": bad, "eigencam": MethodChecks()},
    )
    table = heat_map_table("Brain MR", [("U-Net", checks)])
    lines = pd.read_csv(io.StringIO(table.csv()))
    hits = lines[lines["figure"] == "Hottest point hits the lesion"].set_index("row")
    assert hits.loc["U-Net, Grad-CAM", ["value", "low", "high", "n", "groups"]].tolist() == [0.8, 0.7, 0.9, 40, 12]
    assert list(hits.index) == ["U-Net, Grad-CAM", "U-Net, LayerCAM"]
    assert [row.note for row in table.rows] == [
        "Passed",
        "Failed: hits the lesion no more often than chance would",
        "Not tested",
    ]
    shown = tables.html(table)
    assert shown.count("class='q warn'>Failed: hits the lesion") == 1


SHIPPED = [
    path.parent for path in sorted((Path(__file__).resolve().parents[2] / "weights").glob("*/*/weights.safetensors"))
]


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_every_shipped_model_has_checks_of_its_own_weights_and_a_peak_to_scale_by(folder: Path) -> None:
    checks = load_checks(folder, ModelCard.load(folder / "card.json"))
    assert checks is not None, "the checks are missing, or of other weights"
    assert checks.methods
    assert [name for name, method in checks.methods.items() if method.peak is None or not method.peak > 0] == []
