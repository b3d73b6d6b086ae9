"""Reading before the models: whoever looks for their answers before locking finds none; afterwards they do."""

from __future__ import annotations

import io
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pypdf import PdfReader

from core.review import Radpeer, Stage
from tests.dashboard import desk, readings
from tests.dashboard.tap import Tap
from tests.dashboard.ward import Ward, opened_ward, reading_room

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    with opened_ward(tmp_path_factory.mktemp("ward"), 3) as ward:
        yield ward


@pytest.fixture
def visit(browser: Browser) -> Iterator[BrowserContext]:
    with reading_room(browser) as context:
        yield context


def begin(page: Page, url: str, case: int) -> None:
    """Open a case that is still blind."""
    page.goto(f"{url}/read?case={case}")
    expect(page.get_by_text("Your opinion, before the models'")).to_be_visible(timeout=desk.ANSWER)
    expect(desk.picture(page)).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)


def fill(page: Page, answer: str = "tumour", sure: str = "90 %") -> None:
    """Say what is seen and how sure one is."""
    page.get_by_role("radio", name=answer, exact=True).click()
    desk.settled(page)
    page.get_by_role("radio", name=sure, exact=True).click()
    desk.settled(page)


def lock(page: Page) -> None:
    """Lock the blind opinion and wait for the models."""
    page.get_by_role("button", name="Lock my opinion and show the models").click()
    desk.answered(page)


def _saved_again(data: bytes) -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(data)).save(out, format="TIFF")
    return out.getvalue()


def _zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("renamed.png", data)
    return out.getvalue()


def _spoilt(data: bytes) -> bytes:
    """Smaller, brighter, mirrored, and as a JPEG: no pixel is the same."""
    image = ImageEnhance.Brightness(Image.open(io.BytesIO(data))).enhance(1.15).resize((100, 100))
    out = io.BytesIO()
    image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(out, format="JPEG", quality=80)
    return out.getvalue()


def _among_others(data: bytes) -> bytes:
    """One slice of a stack whose other slices are nobody's case."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, one in enumerate((readings.head(71), data, readings.head(72))):
            archive.writestr(f"stack/{number}.png", one)
    return out.getvalue()


def test_nothing_tells_before_locking_and_all_of_it_after(visit: BrowserContext, ward: Ward) -> None:
    tap, url, case = Tap(visit), ward.house.url, ward.planted.cases[0]
    page = visit.new_page()
    begin(page, url, case)
    tap.look(page)
    for tampered in ("&stage=final", "&locked=1&reveal=true", "&reader=2", "&sample=brain-mr-03", "#final-opinion"):
        page.goto(f"{url}/read?case={case}{tampered}")
        expect(page.get_by_text("Your opinion, before the models'")).to_be_visible(timeout=desk.ANSWER)
        desk.settled(page)
        tap.look(page)
    fill(page, "no tumour seen")
    page.reload()
    expect(page.get_by_role("radio", name="no tumour seen", exact=True)).to_be_checked(timeout=desk.ANSWER)
    tap.look(page)

    # The same image by the other door: as it is, as a zip under another name, saved again in another format, with
    # every pixel changed, and among other slices.
    picture = ward.planted.pictures[0]
    for name, data in (
        ("a.png", picture),
        ("b.zip", _zipped(picture)),
        ("c.tiff", _saved_again(picture)),
        ("d.jpg", _spoilt(picture)),
        ("e.zip", _among_others(picture)),
    ):
        desk.upload(page, url, {"name": name, "mimeType": "application/octet-stream", "buffer": data})
        expect(page.get_by_text("This image waits for your own opinion")).to_be_visible(timeout=desk.ANSWER)
        desk.settled(page)
        tap.look(page)
    # Another tab of the same browser, and the pages that list cases.
    second = visit.new_page()
    for address, sign in (
        ("worklist", "Read the next case"),
        ("records", "No case of this archive"),
        ("arbitration", "Nothing waits"),
        ("archives", "With a recorded diagnosis"),
        (f"arbitration?case={case}", "does not wait for an arbiter"),
    ):
        second.goto(f"{url}/{address}")
        expect(second.get_by_text(sign).first).to_be_visible(timeout=desk.ANSWER)
        desk.settled(second)
        tap.look(second)
    # What may be taken away: neither what the models say, nor what was recorded beside the place in the list.
    for view in ("worklist", "worklist?archive=1&system=brain-mr&view=all&sort=Rank&order=rank"):
        second.goto(f"{url}/{view}")
        for name in ("Summary (PDF)", "All cases (CSV)", "Discrepancies (CSV)"):
            with second.expect_download() as download:
                second.get_by_role("button", name=name).click()
            tap.heard.append(_text(Path(download.value.path())))
    second.get_by_role("tab", name="Reads needed").click()
    expect(second.get_by_text("The list is empty.")).to_be_visible(timeout=desk.ANSWER)  # of these models
    tap.look(second)
    begin(second, url, case)
    second.go_back()
    second.go_forward()
    desk.settled(second)
    tap.look(second)
    assert second.get_by_role("button", name="Download").count() == 0
    for path in ("media/", "media/0.png", "app/static/", f"api/cases/{case}", "_stcore/script-health-check"):
        tap.heard.append(_fetch(f"{url}/{path}"))
    assert tap.found() == []
    assert ward.store.opinions(case, 1) == []

    # The same tap, once locked, finds them: the search would have.
    tap.heard.clear()
    begin(page, url, case)
    lock(page)
    for tab in ("Maps", "Report", "Opinion"):
        desk.turn_to(page, tab)
    expect(page.get_by_text("unremarkable")).to_be_visible(timeout=desk.ANSWER)
    tap.look(page)
    found = tap.found()
    # Not the kept reason: it is made of all cases, of which two are still blind (tests/dashboard/test_worklist.py).
    for needle in ("What each model says", "Grad-CAM of", "or-sentence", "Report (PDF)", "unremarkable"):
        assert needle in found, needle
    opinion = ward.store.opinion(case, 1, Stage.BLIND)
    assert opinion is not None
    assert (opinion.finding, opinion.confidence) == (False, 90)


def _text(file: Path) -> bytes:
    """What a download says, a PDF's words included."""
    data = file.read_bytes()
    if not data.startswith(b"%PDF"):
        return data
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).encode()


def _fetch(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return error.read()


def test_from_marks_to_the_arbiters_truth(visit: BrowserContext, ward: Ward) -> None:
    case, page = ward.planted.cases[1], visit.new_page()
    begin(page, ward.house.url, case)
    fill(page, "tumour", "80 %")
    page.get_by_text("Mark on the image").click()
    sheet = page.locator(".sheet img")
    expect(sheet).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    box = sheet.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.25)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.5, steps=5)
    page.mouse.up()
    expect(page.get_by_text("Box at")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    lock(page)
    blind = ward.store.opinion(case, 1, Stage.BLIND)
    assert blind is not None
    (mark,) = blind.marks
    # The slice is 128 pixels wide and high; a screen pixel is a quarter of one.
    assert [mark[n] for n in ("x", "y", "width", "height")] == pytest.approx([64, 32, 32, 32], abs=1.0)
    assert blind.seconds > 0

    desk.turn_to(page, "Opinion")
    page.get_by_role("radio", name="no tumour seen", exact=True).click()
    desk.settled(page)
    page.get_by_role("button", name="Lock my final opinion").click()
    page.get_by_text("2b · Understandable difference, likely to matter").click()
    page.get_by_role("button", name="Save the peer review").click()
    expect(page.get_by_text("An arbiter will look at this case.")).to_be_visible(timeout=desk.ANSWER)
    final = ward.store.opinion(case, 1, Stage.FINAL)
    assert final is not None
    assert (blind.finding, final.finding) == (True, False)
    assert [review.score for review in ward.store.peer_reviews(case)] == [Radpeer.UNDERSTANDABLE_MATTERS]

    page.goto(f"{ward.house.url}/arbitration?case={case}")
    expect(page.get_by_text("Peer review by reader 1: 2b")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    assert "Grad-CAM" not in page.content()
    page.get_by_role("radio", name="tumour", exact=True).click()
    desk.settled(page)
    page.get_by_text("the second reader", exact=True).click()
    desk.settled(page)
    page.get_by_role("button", name="Record the truth").click()
    expect(page.get_by_text("agreeing with the second reader")).to_be_visible(timeout=desk.ANSWER)
    truth = ward.store.adjudication(case)
    assert truth is not None
    assert (truth.finding, truth.independent) == (True, False)


def test_two_tabs_lock_once_and_a_lead_who_looked_reads_no_more_blind(visit: BrowserContext, ward: Ward) -> None:
    case, first, second = ward.planted.cases[2], visit.new_page(), visit.new_page()
    begin(first, ward.house.url, case)
    fill(first, "tumour", "80 %")
    begin(second, ward.house.url, case)
    ward.store.unblind(case, 1, "teaching file")
    second.reload()
    expect(second.get_by_text("cannot be read blind")).to_be_visible(timeout=desk.ANSWER)
    first.get_by_role("button", name="Lock my opinion and show the models").click()
    expect(desk.message(first)).to_be_visible(timeout=desk.ANSWER)
    assert ward.store.opinion(case, 1, Stage.BLIND) is None
    assert ward.store.audit_trail(f"case:{case}", limit=1)[0].action == "outputs.unblinded"
