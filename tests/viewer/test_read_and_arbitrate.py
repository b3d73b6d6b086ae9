"""Reading blind and arbitrating in the client: marks reach the store as drawn, and nothing tells an answer."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from core.review import Stage
from tests.dashboard import desk
from tests.dashboard.tap import Tap
from tests.dashboard.ward import Ward
from tests.viewer.conftest import LOADED, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]
SIDE = 128  # pixels of a planted slice, height and width


def place(page: Page, column: float, row: float) -> tuple[float, float]:
    """Where a place in image pixels (from the corner of the first one) is on the screen: the slice fills the height."""
    box = page.locator(".reader .view").first.bounding_box()
    assert box is not None
    scale = min(box["width"], box["height"]) / SIDE
    return (
        box["x"] + box["width"] / 2 + (column - SIDE / 2) * scale,
        box["y"] + box["height"] / 2 + (row - SIDE / 2) * scale,
    )


def listed(page: Page) -> list[str]:
    """What the list of marks says."""
    desk.settled(page)
    return page.get_by_text(re.compile(r"^(Point|Box) at ")).all_inner_texts()


def numbers(text: str) -> list[float]:
    """The numbers of a line of that list."""
    return [float(found) for found in re.findall(r"\d+(?:\.\d+)?", text)]


def test_marks_are_set_moved_erased_and_kept_as_they_were_drawn(visit: BrowserContext, ward: Ward) -> None:
    tap, case, page = Tap(visit), ward.planted.cases[0], visit.new_page()
    asked: list[str] = []
    visit.on("response", lambda answer: asked.append(urlsplit(answer.url).path))
    opened(page, f"{ward.house.url}/read?case={case}")
    page.locator(".reader").press("m")

    def shown(count: int) -> list[str]:
        expect(page.get_by_text(re.compile(r"^(Point|Box) at "))).to_have_count(count, timeout=desk.ANSWER)
        return listed(page)

    page.mouse.click(*place(page, 30, 40))
    page.mouse.move(*place(page, 64, 32))
    page.mouse.down()
    page.mouse.move(*place(page, 80, 50), steps=4)
    page.mouse.move(*place(page, 96, 72), steps=4)
    page.mouse.up()
    page.mouse.click(*place(page, 100, 100))  # three, faster than the server draws one
    point, box, last = map(numbers, shown(3))
    assert point == pytest.approx([30, 40], abs=0.3)
    assert box == pytest.approx([64, 32, 32, 40], abs=0.5)
    assert last == pytest.approx([100, 100], abs=0.3)

    # The point goes elsewhere by its own, and back again; the last one is chosen and erased, and that taken back.
    page.mouse.move(*place(page, 30, 40))
    page.mouse.down()
    page.mouse.move(*place(page, 40, 44), steps=4)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"^Point at column (39|40)"))).to_have_count(1, timeout=desk.ANSWER)
    page.keyboard.press("Control+z")
    expect(page.get_by_text(re.compile(r"^Point at column (30|29\.\d)"))).to_have_count(1, timeout=desk.ANSWER)
    page.mouse.click(*place(page, 100, 100))
    page.keyboard.press("Delete")
    shown(2)
    page.keyboard.press("Control+z")
    shown(3)

    # By keys alone: the cross begins in the middle; ten to the right and a corner, four down and three more: a box.
    page.keyboard.press("Shift+ArrowRight")
    for _ in range(10):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(f"Shift+{key}")
    page.keyboard.press("Enter")
    assert numbers(shown(4)[3]) == [74, 64, 3, 4]

    # What the list takes away goes from the picture too, and a reload finds the draft.
    page.get_by_role("button", name="Remove").nth(2).click()
    shown(3)
    page.reload()
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    shown(3)
    page.locator(".reader").press("m")
    page.mouse.click(*place(page, 20, 90))
    shown(4)
    tap.look(page)
    assert tap.found() == []
    assert ward.store.opinions(case, 1) == []
    # The viewer was given its program and the one slice, and asked for nothing else: no mask, no heat map, no truth.
    parts = {path.split("/")[-1] for path in asked if path.startswith("/viewer/") and "/client/" not in path}
    assert parts == {"0"}

    page.get_by_role("radio", name="tumour", exact=True).click()
    desk.settled(page)
    page.get_by_role("radio", name="80 %", exact=True).click()
    desk.settled(page)
    page.get_by_role("button", name="Lock my opinion and show the models").click()
    desk.answered(page)
    blind = ward.store.opinion(case, 1, Stage.BLIND)
    assert blind is not None
    assert [(m["kind"], m["slice"]) for m in blind.marks] == [("point", 0), ("box", 0), ("box", 0), ("point", 0)]
    drawn = [[m[n] for n in ("x", "y", "width", "height") if n in m] for m in blind.marks]
    assert drawn[1] == pytest.approx([64, 32, 32, 40], abs=0.5)
    assert drawn[2] == [74, 64, 3, 4]
    assert drawn[3] == pytest.approx([20, 90], abs=0.3)

    # The final opinion begins with them, in the picture; one is erased there, then it is arbitrated.
    expect(page.locator(LOADED)).to_be_visible(timeout=desk.ANSWER)
    desk.turn_to(page, "Opinion")
    shown(4)
    page.locator(".reader").press("m")
    page.mouse.click(*place(page, 20, 90))
    page.keyboard.press("Delete")
    shown(3)
    page.get_by_role("button", name="Lock my final opinion").click()
    page.get_by_text("2b · Understandable difference, likely to matter").click()
    page.get_by_role("button", name="Save the peer review").click()
    expect(page.get_by_text("An arbiter will look at this case.")).to_be_visible(timeout=desk.ANSWER)
    final = ward.store.opinion(case, 1, Stage.FINAL)
    assert final is not None
    assert [dict(m) for m in final.marks] == [dict(m) for m in blind.marks[:3]]

    opened(page, f"{ward.house.url}/arbitration?case={case}")
    expect(page.get_by_role("button", name="Marks", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Mark (M)")).to_be_hidden()
    assert "Grad-CAM" not in page.content()


def test_a_case_is_called_by_its_number(visit: BrowserContext, ward: Ward) -> None:
    """A picture has no other name than its file's, and that one could be looked up."""
    page = visit.new_page()
    opened(page, f"{ward.house.url}/read?case={ward.planted.cases[1]}")
    expect(page.locator(".reader .name")).to_have_text(f"Case {ward.planted.cases[1]}")
    expect(page.locator(".reader .side.left")).to_have_text("side unknown")
    assert "patient-1-slice" not in page.content()
