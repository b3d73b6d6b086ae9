"""A prior beside the current study, in the client: which is which, where it follows, and that it is images only."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pydicom.uid import generate_uid

from core import imaging
from core.review import FileRole
from tests.dashboard import desk, readings
from tests.dashboard.conftest import Server
from tests.dashboard.tap import Tap
from tests.dashboard.ward import Ward, reading_room
from tests.imaging import builders
from tests.viewer import hand
from tests.viewer.conftest import LOADED, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
SIDE = 96
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def head(slices: int, seed: int) -> np.ndarray:
    """Slices that pass for a brain."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    radius = np.hypot(x * 1.2, y)
    noise = np.random.default_rng(seed).normal(0, 25, (slices, SIDE, SIDE))
    return np.where(radius < 0.38, 400 + noise, np.where(radius < 0.42, 800, 5)).clip(0).astype(np.int16)


def study(
    day: str, slices: int, *, frame: str, z: float = 0.0, step: float = 5.0, **tags: Any
) -> list[tuple[str, bytes]]:
    """An MR study of one series. Its first slice lies at ``z``, the others ``step`` mm apart."""
    told = {
        "StudyInstanceUID": generate_uid(entropy_srcs=["study", day]),
        "SeriesInstanceUID": generate_uid(entropy_srcs=["series", day]),
        "FrameOfReferenceUID": generate_uid(entropy_srcs=[frame]),
        "StudyDate": day,
        "PatientID": "17",
        "BodyPartExamined": "BRAIN",
        "SeriesDescription": "T1",
        **tags,
    }
    made = builders.stack(head(slices, len(day) + slices), step, (2.0, 2.0), origin=(-95.0, -95.0, z), **told)
    return builders.named(made, f"{day}/")


def packed(files: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    """Files as one zip for the uploader."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return {"name": "studies.zip", "mimeType": "application/zip", "buffer": out.getvalue()}


@pytest.fixture
def page(drawing: Browser) -> Iterator[Page]:
    with reading_room(drawing) as context:
        yield context.new_page()


def pane(page: Page, number: int) -> Any:
    return page.locator(".reader .pane").nth(number)


def at(page: Page, number: int, text: str) -> None:
    expect(pane(page, number).locator(".where")).to_have_text(re.compile(rf"^{text}\b"), timeout=30_000)


def test_a_prior_of_the_same_upload_is_named_by_its_date_and_follows_by_its_share(page: Page, server: Server) -> None:
    """No common frame of reference: 11 slices of May, 6 of March."""
    desk.upload(page, server.url, packed(study("20260504", 11, frame="a") + study("20260302", 6, frame="b")))
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    desk.answered(page)
    page.get_by_role("button", name="Beside: prior, 2026-03-02").click()
    expect(page.locator(".reader .pane")).to_have_count(2)
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    names = [pane(page, number).locator(".examined") for number in (0, 1)]
    expect(names[0]).to_have_text(re.compile(r"^current, 2026-05-04\nmodels answer for this one only$"))
    expect(names[1]).to_have_text(
        re.compile(r"prior, 2026-03-02\nlinked by share of the stack: no common frame of reference$")
    )
    page.locator(".reader").focus()
    for key, first, second in (("Home", 1, 1), ("End", 11, 6), ("ArrowUp", 10, 6), ("ArrowUp", 9, 5), ("Home", 1, 1)):
        hand.press(page, key)
        at(page, 0, f"{first} / 11")
        at(page, 1, f"{second} / 6")
    hand.press(page, "2")
    levels = [pane(page, number).locator(".level") for number in (0, 1)]
    expect(levels[1]).to_have_text(levels[0].inner_text())

    # What is measured in the prior is listed as such, and kept with the upload as what is measured in the current one.
    hand.press(page, "d")
    frame = hand.frame(page, (SIDE, SIDE), (2.0, 2.0), pane=1)
    hand.drag(page, frame.spot(30, 30), frame.spot(60, 50))
    (drawn,) = hand.measured(page, 1)
    (a, b), (c, d) = drawn["points"]
    assert drawn["values"]["length"] == pytest.approx(2.0 * float(np.hypot(c - a, d - b)), abs=0.002)
    expect(page.locator(".reader .list b")).to_have_text("Length, slice 1, prior, 2026-03-02")
    page.wait_for_timeout(600)  # the client tells what was drawn once the hand rests
    desk.settled(page)
    page.reload()
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    hand.measured(page, 0)
    page.get_by_role("button", name="Beside: prior, 2026-03-02").click()
    (again,) = hand.measured(page, 1)
    assert again["id"] == drawn["id"]

    page.get_by_label("Layout").select_option(label="One picture")
    hand.measured(page, 0)
    page.get_by_role("button", name="Beside: prior, 2026-03-02").click()
    (again,) = hand.measured(page, 1)
    assert again["id"] == drawn["id"]

    # The prior leads when it is scrolled; unlinked it stays where it is, and says no more that it follows.
    box = pane(page, 1).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, 100)
    page.mouse.wheel(0, 100)
    at(page, 1, "3 / 6")
    at(page, 0, "5 / 11")
    page.get_by_role("button", name="Link slices and windows").click()
    page.locator(".reader").focus()
    page.get_by_label("Layout").select_option(label="One picture")
    expect(page.locator(".reader .pane")).to_have_count(1)
    expect(names[0]).to_be_empty()


def test_in_one_frame_of_reference_it_follows_by_place(page: Page, server: Server) -> None:
    """Slices of May lie at z = 5 n, those of March at 10 + 4 n."""
    desk.upload(
        page, server.url, packed(study("20260504", 9, frame="a") + study("20260302", 8, frame="a", z=10.0, step=4.0))
    )
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    page.get_by_role("button", name="Beside: prior, 2026-03-02").click()
    expect(page.locator(".reader .pane")).to_have_count(2)
    expect(pane(page, 1).locator(".examined")).to_have_text(re.compile(r"prior, 2026-03-02\nlinked by place$"))
    page.locator(".reader").focus()
    hand.press(page, "Home")
    at(page, 1, "1 / 8")
    for slice_, z in ((3, 15), (5, 25), (7, 35)):
        page.locator(".reader").focus()
        while int(page.locator(".reader").get_attribute("data-slice") or 0) < slice_:
            hand.press(page, "ArrowDown")
        nearest = min(range(8), key=lambda n: abs(10 + 4 * n - z))
        at(page, 1, f"{nearest + 1} / 8")


def test_a_prior_is_opened_beside_the_study_on_the_screen(page: Page, server: Server) -> None:
    current = [
        {"name": n.replace("/", "-"), "mimeType": "application/dicom", "buffer": d}
        for n, d in study("20260504", 5, frame="a")
    ]
    desk.upload(page, server.url, current)
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    desk.answered(page)
    page.get_by_role("button", name="More").click()
    prior = page.locator("[data-testid=stFileUploader]").filter(has_text="A prior of this patient").locator("input")
    other = study("20260302", 4, frame="b", PatientID="18")
    prior.set_input_files(packed(other))
    expect(page.locator(".reader .pane")).to_have_count(2, timeout=desk.ANSWER)
    expect(pane(page, 1).locator(".examined")).to_have_text(re.compile("prior, 2026-03-02, another patient number"))
    desk.answered(page)
    assert "20260302" not in page.url  # and a reload finds both again
    desk.settled(page)
    page.reload()
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    expect(page.get_by_role("button", name="Beside: prior, 2026-03-02, another patient number")).to_be_visible()


def test_on_read_a_prior_of_the_archive_brings_no_answer(visit: BrowserContext, ward: Ward) -> None:
    store = ward.store
    numbers = []
    for day in ("20260504", "20260302"):
        files = study(day, 5, frame=day)
        kept = [(name, store.put_image(data), len(data), FileRole.IMAGE) for name, data in files]
        found, _ = store.add_case(
            1,
            ward.planted.archive,
            content_hash=imaging.read(files).sha256,
            source=day,
            files=kept,
            patient="P-17",
            system=readings.SYSTEM,
            recorded_finding=False,
            study_date=f"{day[:4]}-{day[4:6]}-{day[6:]}",
            details={},
        )
        numbers.append(found.id or 0)
    tap, page = Tap(visit), visit.new_page()
    opened(page, f"{ward.house.url}/read?case={numbers[0]}")
    page.get_by_role("button", name="Priors").click()
    page.get_by_role("button", name=f"2026-03-02 · Case {numbers[1]}").click()
    expect(page.locator(".reader .pane")).to_have_count(2, timeout=desk.ANSWER)
    expect(pane(page, 0).locator(".examined")).to_have_text(re.compile(r"current, 2026-05-04$"))
    expect(pane(page, 1).locator(".examined")).to_have_text(re.compile(r"prior, 2026-03-02\n"))
    tap.look(page)
    assert tap.found() == []
    # Neither case is read by that, and nothing is known of who it is.
    assert [store.reveal_allowed(number, 1) for number in numbers] == [False, False]
    assert "P-17" not in page.content()
