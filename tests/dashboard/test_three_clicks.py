"""An archive as a clinic brings it: a zip with a sheet, and three clicks until its first case is read."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.review import Store
from tests.dashboard import desk, readings, weights
from tests.dashboard.house import House
from tests.imaging.builders import dataset, to_bytes, zipped

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
COUNT_CLICKS = """() => {
  window.clicks = [];
  const what = (target) => target.closest("button, summary")?.innerText;
  const note = ({ isTrusted, target }) => { if (isTrusted) window.clicks.push(what(target)); };
  document.addEventListener("click", note, { capture: true });
}"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("clinic")
    made = House(folder, weights.write(folder / "weights"))
    store = Store.open(str(made.store))
    store.add_archive(store.local_user().number or 0, "From the clinic")
    store.close()
    made.start()
    yield made
    made.stop()


def slice_of(seed: int) -> bytes:
    """A brain MR slice as DICOM."""
    pixels = np.asarray(Image.open(io.BytesIO(readings.head(seed)))).astype(np.uint16)
    tags = {"BodyPartExamined": "BRAIN", "PixelSpacing": [1.0, 1.0], "SliceThickness": 5.0}
    return to_bytes(dataset(pixels, **tags))


def test_from_a_zip_to_reading(page: Page, house: House, tmp_path: Path) -> None:
    sheet = b"image,patient,diagnosis\na.dcm,P1,no tumour\nb.dcm,P2,tumour\n"
    archive = tmp_path / "night.zip"
    archive.write_bytes(zipped([("a.dcm", slice_of(901)), ("b.dcm", slice_of(902)), ("cases.csv", sheet)]))
    page.goto(f"{house.url}/archives")
    expect(page.get_by_text("Nothing imported or scored yet.")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    page.evaluate(COUNT_CLICKS)
    desk.give(page, archive)

    # What the sheet says is recognised, told in a line, and its fields are folded away.
    told = "Recognised columns. File: image; Patient: patient; Recorded diagnosis: diagnosis"
    expect(page.get_by_text(told)).to_be_visible(timeout=desk.ANSWER)
    expect(page.get_by_label("Column: File")).to_be_hidden()
    desk.settled(page)
    page.get_by_role("button", name="Import", exact=True).click()

    # One next step, with what it is for.
    expect(page.get_by_text("Next: let the models score 2 cases")).to_be_visible(timeout=desk.ANSWER)
    expect(page.get_by_text("ranked by how likely their record is wrong")).to_be_visible()
    desk.settled(page)
    page.get_by_role("button", name="Score them").click()
    expect(page.get_by_text("Next: read.")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    page.get_by_role("button", name="Read the first one").click()

    expect(page.get_by_text("Your opinion, before the models'")).to_be_visible(timeout=desk.ANSWER)
    expect(page).to_have_url(re.compile(r"/read\?case=\d+"))
    expect(desk.picture(page)).to_be_visible(timeout=desk.ANSWER)
    clicks = page.evaluate("() => window.clicks")
    # a button's icon is written as a word above its name
    assert [text.strip().splitlines()[-1] for text in clicks] == ["Import", "Score them", "Read the first one"]
