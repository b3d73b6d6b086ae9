"""From a number to the image behind it: threshold, cell, case, picture, Review page, in a real browser.

The data folder holds simulated scans laid out like brain-lgg.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from core.evidence import load
from core.statistics import binary_rates
from core.weights.card import DataUse
from tests.dashboard import desk
from tests.dashboard.house import House
from tests.evidence import made
from tests.trainers.folders import brain_lgg

MODEL = "unet"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("clicks")
    data = folder / "data" / "brain-lgg"
    data.mkdir(parents=True)
    brain_lgg(data, patients=8)
    with (data / "index.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    use = DataUse(name="brain-lgg", licence="none", train=0, validation=0, test=0, split_fingerprint="0" * 16)
    made.put(folder / "weights", made.card("brain-mr", MODEL, gate=MODEL, data=(use,)), _predictions(rows))
    running = House(folder, folder / "weights", {"OVERREAD_DATA": str(data.parent)}).start()
    yield running
    running.stop()


def _predictions(rows: list[dict[str, str]]) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    truth = np.array([int(row["tumour"]) for row in rows])
    real = np.where(truth > 0, rng.integers(100, 400, len(rows)), 0)
    drawn = (real * rng.uniform(0.4, 1.0, len(rows))).astype(int)
    return pd.DataFrame(
        {
            "id": [row["image"] for row in rows],
            "group": [row["patient"] for row in rows],
            "split": ["validation" if row["patient"] in ("P0", "P1") else "test" for row in rows],
            "truth": truth,
            "logit_0": (3.0 * truth - 1.5 + rng.normal(scale=2.0, size=len(rows))).astype(np.float32),
            "mask_pixels": drawn,
            "truth_pixels": real,
            "shared_pixels": drawn,
        }
    )


def _figure(explorer: Locator, name: str) -> str:
    return (
        explorer.locator("tr", has=explorer.page.get_by_role("rowheader", name=name))
        .locator("td span")
        .first.inner_text()
    )


def first_row(table: Locator) -> None:
    """Choose the first row of a table that is drawn on a canvas: its box for choosing stands at the left edge."""
    expect(table.locator("canvas").first).to_be_visible(timeout=desk.ANSWER)
    table.evaluate("element => element.scrollIntoView({block: 'center'})")
    box = table.bounding_box()
    assert box is not None
    table.page.mouse.click(box["x"] + 18, box["y"] + 52)


@pytest.mark.browser
def test_from_the_threshold_to_the_image(page: Page, house: House) -> None:
    part = load(house.weights / "brain-mr" / MODEL).part("test")
    assert part is not None
    page.goto(f"{house.url}/evidence?section=Threshold")
    explorer = page.locator(".st-key-explorer")
    slider = explorer.locator("input[type=range]")
    expect(slider).to_have_attribute("aria-valuetext", "0.420", timeout=desk.ANSWER)
    for key, threshold in (("ArrowRight", 0.425), ("PageDown", None)):
        slider.press(key)
        if threshold is None:
            threshold = float(str(slider.get_attribute("aria-valuetext")))
            assert threshold < 0.42
        expect(explorer.locator("th.at")).to_have_text(f"At {threshold:.3f}")
        rates = binary_rates(part.truth, part.finding, threshold)
        assert _figure(explorer, "Sensitivity") == f"{rates.sensitivity:.3f}"
        assert _figure(explorer, "Specificity") == f"{rates.specificity:.3f}"
        counts = [int(text) for text in explorer.locator("button[data-cell] b").all_inner_texts()]
        assert counts == [rates.tp, rates.fn, rates.fp, rates.tn]

    explorer.locator("button[data-cell=found]").click()
    expect(explorer.get_by_text(f"{rates.tp} cases: found at {threshold:.3f}")).to_be_visible()
    slider.press("Home")
    everything = int(part.truth.sum())
    expect(explorer.get_by_text(f"{everything} cases: found at 0.000")).to_be_visible()
    surest = part.ids[part.truth][np.argsort(-part.finding[part.truth], kind="stable")[0]]
    first_row(explorer.get_by_test_id("stDataFrame"))
    shown = explorer.locator("img.or-picture")
    expect(shown).to_have_attribute("alt", f"tumour: {surest}, true outline in dashed red")
    explorer.get_by_role("button", name="Open on the Review page").click()
    expect(page).to_have_url(re.compile("/review"))
    expect(page.locator(".frame img")).to_be_visible()
    place = int(Path(str(surest)).stem)
    expect(page.locator(".corner.right")).to_contain_text(f"{place + 1} / 4")


@pytest.mark.browser
def test_from_the_worst_cases_to_the_image(page: Page, house: House) -> None:
    page.goto(f"{house.url}/evidence?section=Masks and maps")
    worst = page.get_by_test_id("stExpander").filter(has_text="Worst slices of")
    expect(worst).to_be_visible(timeout=desk.ANSWER)
    worst.locator("summary").press("Enter")
    first_row(worst.get_by_test_id("stDataFrame"))
    expect(worst.locator("img.or-picture")).to_have_attribute("alt", re.compile("^tumour: images/P[2-7]/"))
    expect(worst.get_by_role("button", name="Open on the Review page")).to_be_visible()
