"""Pictures of data sets in the client: chosen on Dataset, or behind a line of the evidence, among their patient's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.evidence import load
from tests.dashboard import desk
from tests.dashboard.house import House
from tests.dashboard.test_evidence_clicks import MODEL, first_row, house  # noqa: F401 (a fixture)
from tests.viewer import hand
from tests.viewer.conftest import LOADED

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


def _holds(page: Page, folder: Path, image: str) -> None:
    """The viewer is on the picture: its slice among the patient's four, its values under the cursor, its outline."""
    reader = page.locator(".reader")
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    expect(reader.locator(".where")).to_have_text(f"{int(Path(image).stem) + 1} / 4", timeout=desk.ANSWER)
    expect(reader.get_by_role("button", name="truth", exact=True)).to_have_attribute("aria-pressed", "true")
    pixels = np.asarray(Image.open(folder / image).convert("L")).astype(int)
    rows, columns = pixels.shape
    reader.scroll_into_view_if_needed()
    desk.settled(page)
    frame = hand.frame(page, pixels.shape)
    for column, row in ((columns // 2, rows // 2), (columns // 3, rows // 2)):
        page.mouse.move(*frame.at(column, row))
        said = f"{pixels[row, column]} as stored · column {column}, row {row}"
        expect(reader.locator(".under")).to_have_text(said)


def test_the_chosen_picture_of_a_set(page: Page, house: House) -> None:  # noqa: F811
    page.goto(f"{house.url}/dataset")
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    folder = house.folder / "data" / "brain-lgg"
    page.locator("[class*=st-key-pick-] button").nth(0).click()
    desk.settled(page)
    facts = page.get_by_role("table", name="The chosen picture")
    row = facts.locator("tr", has=page.get_by_role("rowheader", name="Name", exact=True))
    _holds(page, folder, row.locator("td").inner_text())


def test_the_image_behind_a_line_of_the_evidence(page: Page, house: House) -> None:  # noqa: F811
    part = load(house.weights / "brain-mr" / MODEL).part("test")
    assert part is not None
    page.goto(f"{house.url}/evidence?section=Threshold")
    explorer = page.locator(".st-key-explorer")
    explorer.locator("input[type=range]").press("Home")
    explorer.locator("button[data-cell=found]").click()
    expect(explorer.get_by_text(f"{int(part.truth.sum())} cases: found at 0.000")).to_be_visible()
    surest = part.ids[part.truth][np.argsort(-part.finding[part.truth], kind="stable")[0]]
    first_row(explorer.get_by_test_id("stDataFrame"))
    _holds(page, house.folder / "data" / "brain-lgg", str(surest))
