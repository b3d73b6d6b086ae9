"""The wrong-image gate in a browser: nothing of an answer is seen until it is overruled, and that is recorded."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.imaging import read
from core.review import Store
from tests.dashboard import desk
from tests.dashboard.conftest import Server

pytestmark = pytest.mark.browser
STOPPED = "so no answer is shown"


def letter() -> dict[str, object]:
    """A page of writing as a PNG."""
    image = np.full((400, 320), 250, np.uint8)
    for n in range(11):
        cv2.putText(image, "dear colleague, 1234", (12, 34 + 32 * n), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 10.0, 1)
    return {"name": "letter.png", "mimeType": "image/png", "buffer": cv2.imencode(".png", image)[1].tobytes()}


def test_a_letter_shows_no_answer_until_it_is_overruled(page: Page, server: Server) -> None:
    desk.upload(page, server.url, letter())
    desk.answered(page)
    desk.choose(page, "System", "Brain MR")
    expect(page.get_by_text(STOPPED)).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    expect(desk.table(page)).to_contain_text("Withheld.")
    assert not re.search(r"\d\.\d\d", desk.table(page).inner_text())
    expect(page.locator(".st-key-heat-tiles")).to_have_count(0)
    expect(page.get_by_text("Predicted mask")).to_have_count(0)
    for overlay in ("mask", "heat map"):
        expect(page.get_by_role("radio", name=overlay)).to_have_count(0)
    assert all(row["probability_finding"] == "" for row in desk.numbers(page))
    for tab in ("Maps", "Masks", "Measures"):
        desk.turn_to(page, tab)
        expect(page.locator(".st-key-heat-tiles")).to_have_count(0)
        expect(page.get_by_text("Predicted mask")).to_have_count(0)
    desk.turn_to(page, "Answers")

    page.get_by_role("button", name="It is the right image").click()
    page.get_by_role("textbox", name="Why").fill("a test of the gate")
    page.get_by_role("button", name="Overrule and show the answers").click()
    expect(page.get_by_text("You overruled the image check")).to_be_visible(timeout=desk.ANSWER)
    desk.answered(page)
    assert re.search(r"\d\.\d\d", desk.table(page).inner_text())
    expect(page.get_by_text("Overruled by you at")).to_be_visible(timeout=5_000)
    expect(page.get_by_role("radio", name="mask")).to_be_visible(timeout=5_000)
    desk.turn_to(page, "Maps")
    expect(page.locator(".st-key-heat-tiles img")).to_have_count(3, timeout=desk.ANSWER)

    store = Store.open(str(server.weights.parent / "store"))
    content = letter()["buffer"]
    assert isinstance(content, bytes)
    (kept,) = store.overrules(read([("letter.png", content)]).sha256)
    assert (kept.system, kept.reason) == ("brain-mr", "a test of the gate")
    assert "lines of writing" in kept.gate
    assert any(entry.action == "gate.overruled" for entry in store.audit_trail())
    store.close()


def test_a_good_scan_is_not_held_back(page: Page, server: Server) -> None:
    desk.open_sample(page, server.url, "brain-mr-03")
    expect(page.get_by_text("Image check: passed")).to_be_visible()
    expect(page.get_by_text(STOPPED)).to_have_count(0)
    page.get_by_role("button", name="Test how steady this answer is").click()
    expect(page.get_by_text("Numbers behind it")).to_be_visible(timeout=desk.ANSWER)
    expect(page.get_by_text(re.compile("teady"))).not_to_have_count(0)
