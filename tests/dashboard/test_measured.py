"""A length drawn on the Review page of an upload: there after a reload, and in the reports with the viewer's number."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pypdf
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard import desk
from tests.dashboard.conftest import Server
from tests.viewer import hand
from tests.viewer.conftest import LOADED

pytestmark = pytest.mark.browser
SCAN = desk.SAMPLES / "brain-mr-01.nii.gz"


def taken(page: Page, button: str) -> bytes:
    with page.expect_download(timeout=desk.ANSWER) as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


def test_what_was_measured_outlives_a_reload_and_is_in_the_reports(drawing: Browser, server: Server) -> None:
    stored = nibabel.load(SCAN)
    across, down = (float(mm) for mm in stored.header.get_zooms()[:2])  # type: ignore[attr-defined]
    context = drawing.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(desk.ANSWER)
    desk.upload(page, server.url, SCAN)
    expect(page.locator(LOADED)).to_be_visible()
    desk.answered(page)
    desk.turn_to(page, "Measures")

    page.locator(LOADED).focus()  # for which the page may scroll
    frame = hand.frame(page, stored.shape[1::-1], (down, across))  # type: ignore[attr-defined]
    start, end = frame.spot(100, 90), frame.spot(170, 130)  # clear of the layers' buttons
    hand.press(page, "d")
    hand.drag(page, start, end)
    (drawn,) = hand.measured(page, 1)
    ends = np.array(drawn["points"])
    # The frame's height is no whole number of pixels of the screen here: places are good to a part of one.
    assert np.abs(ends - [frame.pixel(*start), frame.pixel(*end)]).max() < 0.2
    length = float(np.hypot(*((ends[1] - ends[0]) * (across, down))))
    assert drawn["values"]["length"] == pytest.approx(length, abs=0.002)
    rail = page.get_by_text(f"Length, slice {drawn['slice'] + 1}: {length:.1f} mm")
    expect(rail).to_be_visible()

    page.reload()
    expect(page.locator(LOADED)).to_be_visible()
    (again,) = hand.measured(page, 1)
    assert (again["id"], again["slice"], again["text"]) == (drawn["id"], drawn["slice"], f"{length:.1f} mm")
    assert np.abs(np.array(again["points"]) - ends).max() < 0.002
    expect(rail).to_be_visible()

    desk.turn_to(page, "Report")
    (told,) = json.loads(taken(page, "Report (JSON)"))["drawn"]
    assert (told["kind"], told["slice"]) == ("length", drawn["slice"] + 1)
    assert np.abs(np.array(told["points"]) - ends).max() < 0.002
    assert told["quantities"] == [{"name": "length", "value": pytest.approx(length, abs=0.002), "unit": "mm"}]
    sheets = pypdf.PdfReader(io.BytesIO(taken(page, "Report (PDF)"))).pages
    words = re.sub(r"\s+", " ", " ".join(sheet.extract_text() for sheet in sheets))
    assert f"Length {drawn['slice'] + 1} {length:.1f} mm" in words

    page.get_by_role("button", name="Remove length").click()
    desk.turn_to(page, "Measures")
    expect(rail).to_have_count(0)
    context.close()
