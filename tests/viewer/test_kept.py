"""Measurements kept with a case of the store, blind and open, and of a sample while one works: drawn in the client."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from core import imaging
from core.review import FileRole, Mode, Stage, Store
from tests.dashboard import desk, readings
from tests.dashboard.conftest import Server
from tests.dashboard.tap import Tap
from tests.dashboard.ward import Ward
from tests.imaging import builders
from tests.viewer import hand
from tests.viewer.conftest import LOADED, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
SIDE = 128


def until(told: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What is told, once it is as wanted."""
    end = time.monotonic() + 60
    while not wanted(found := told()):
        assert time.monotonic() < end, f"still {found}"
        time.sleep(0.1)
    return found


def drawn_length(page: Page, frame: hand.Frame, start: tuple[float, float], end: tuple[float, float]) -> dict[str, Any]:
    """Draw a length between two pixels; what the viewer then holds."""
    hand.press(page, "d")
    hand.drag(page, frame.spot(*start), frame.spot(*end))
    (found,) = hand.measured(page, 1)
    hand.press(page, "w")
    return found


def again(page: Page, drawn: dict[str, Any]) -> None:
    """The same measurement, at the same place, in the viewer on the page."""
    (found,) = hand.measured(page, 1)
    assert [found[name] for name in ("id", "kind", "slice", "text")] == [
        drawn[name] for name in ("id", "kind", "slice", "text")
    ]
    assert np.abs(np.array(found["points"]) - drawn["points"]).max() < 0.002


def late(route: Route) -> None:
    time.sleep(1.5)
    route.continue_()


def report(page: Page) -> dict[str, Any]:
    """The JSON report that the page offers."""
    desk.turn_to(page, "Report")
    with page.expect_download(timeout=desk.ANSWER) as download:
        page.get_by_role("button", name="Report (JSON)").click()
    found: dict[str, Any] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    return found


def test_what_is_measured_blind_is_there_after_a_reload_and_goes_with_the_opinion(
    visit: BrowserContext, ward: Ward
) -> None:
    tap, case, store, page = Tap(visit), ward.planted.cases[2], ward.store, visit.new_page()
    opened(page, f"{ward.house.url}/read?case={case}")
    drawn = drawn_length(page, hand.frame(page, (SIDE, SIDE)), (40, 50), (70, 90))
    ends = np.array(drawn["points"])
    assert drawn["values"]["length"] == pytest.approx(float(np.hypot(*(ends[1] - ends[0]))), abs=0.002)
    (key,) = until(lambda: store.measurements(case, 1), bool)
    (series,) = imaging.read([("other name.png", ward.planted.pictures[2])]).series
    assert key == series.key  # found by its pixels, not by a place in a list

    page.reload()
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    again(page, drawn)
    tap.look(page)
    assert tap.found() == []  # no answer came with it

    page.get_by_role("radio", name="tumour", exact=True).click()
    desk.settled(page)
    page.get_by_role("radio", name="80 %", exact=True).click()
    desk.settled(page)
    page.route(re.compile(r"/viewer/[\w-]+/\d+$"), late)  # the next viewer is long without a picture to draw it on
    page.get_by_role("button", name="Lock my opinion and show the models").click()
    desk.answered(page)
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    again(page, drawn)
    desk.turn_to(page, "Measures")
    expect(page.get_by_text(f"Length, slice 1: {drawn['text']}")).to_be_visible()
    (told,) = report(page)["drawn"]
    assert np.abs(np.array(told["points"]) - ends).max() < 0.002

    # Taken away in the final opinion: the blind one keeps it.
    page.get_by_role("button", name="Remove length").click()
    until(lambda: store.measurements(case, 1), lambda found: not found)
    desk.turn_to(page, "Opinion")
    page.get_by_role("button", name="Lock my final opinion").click()
    expect(page.get_by_text("Score", exact=True)).to_be_visible(timeout=desk.ANSWER)
    assert store.opinion(case, 1, Stage.FINAL) is not None
    page.reload()
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    hand.measured(page, 0)


def series_case(store: Store) -> int:
    """A case of an archive that is read open: five DICOM slices, its files in no order."""
    volume = np.random.default_rng(3).integers(0, 900, (5, 96, 96)).astype(np.int16)
    files = [
        (f"{n}.dcm", builders.to_bytes(one)) for n, one in enumerate(builders.stack(volume, BodyPartExamined="BRAIN"))
    ]
    files = [files[n] for n in (3, 0, 4, 1, 2)]
    archive = store.add_archive(1, "Open", mode=Mode.OPEN).id or 0
    study = imaging.read(files)
    given = [(name, store.put_image(data), len(data), FileRole.IMAGE) for name, data in files]
    found, _ = store.add_case(
        1, archive, content_hash=study.sha256, source="MR", files=given, system=readings.SYSTEM, details={}
    )
    return found.id or 0


def test_in_a_dicom_series_it_is_jumped_to_again_on_its_slice(visit: BrowserContext, ward: Ward) -> None:
    case, page = series_case(ward.store), visit.new_page()
    opened(page, f"{ward.house.url}/read?case={case}&slice=4")
    hand.arrived(page, 3)
    drawn = drawn_length(page, hand.frame(page, (96, 96), (0.5, 0.75)), (30, 40), (60, 70))
    ends = np.array(drawn["points"])
    assert drawn["slice"] == 3
    assert drawn["values"]["length"] == pytest.approx(float(np.hypot(*((ends[1] - ends[0]) * (0.75, 0.5)))), abs=0.002)
    until(lambda: ward.store.measurements(case, 1), bool)

    page = visit.new_page()
    opened(page, f"{ward.house.url}/read?case={case}&slice=1")
    hand.arrived(page, 0)
    again(page, drawn)
    page.locator(".reader .list .go").click()
    hand.arrived(page, 3)


def test_of_a_sample_it_is_kept_while_one_looks_at_others(visit: BrowserContext, server: Server) -> None:
    page = visit.new_page()
    page.goto(f"{server.url}/review")
    page.get_by_role("button", name="Brain MR, stack of 14").click()
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    page.locator(LOADED).focus()
    box = page.locator(".reader .view").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    hand.press(page, "d")
    hand.drag(page, middle, (middle[0] + 60, middle[1] + 40))
    (drawn,) = hand.measured(page, 1)
    desk.settled(page)
    page.wait_for_timeout(600)  # the client tells what was drawn once the hand rests
    desk.settled(page)

    for sample, at, count in (
        ("Brain MR, stack of 12", "brain-mr-02", 0),
        ("Brain MR, stack of 14", "brain-mr-01", 1),
    ):
        chosen = page.get_by_role("button", name=sample)
        if not chosen.is_visible():  # the menu stays open from one to the next
            page.get_by_role("button", name="More").click()
        chosen.click()
        expect(page).to_have_url(re.compile(f"sample={at}"), timeout=desk.ANSWER)
        desk.settled(page)
        expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
        found = hand.measured(page, count)
    assert [one["id"] for one in found] == [drawn["id"]]
