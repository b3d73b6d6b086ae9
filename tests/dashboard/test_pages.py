"""Home, Review and Models in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from core.engine.engine import Engine
from core.simulate.samples import load_sample
from tests.dashboard import desk
from tests.dashboard.conftest import Server, watch

pytestmark = pytest.mark.browser


def test_home_tells_the_state_of_every_model(page: Page, server: Server) -> None:
    page.goto(server.url)
    states = page.get_by_role("table", name="State of every model")
    expect(states).to_be_visible(timeout=desk.ANSWER)
    expect(states).to_contain_text("ready")
    expect(states).to_contain_text("no weights yet")
    expect(states).to_contain_text("refused")
    expect(states).to_contain_text("0.913 (0.871 to 0.944), n = 40, 9 patients")
    expect(page.get_by_role("note")).to_contain_text("Research and teaching use only")
    page.get_by_role("button", name="Open a sample case").click()
    desk.answered(page)
    expect(page).to_have_url(f"{server.url}/review?sample=brain-mr-01&slice=8")  # the middle one of 14
    desk.follow(page, "Home")
    expect(page.get_by_text("3 models answered")).to_be_visible()


def test_sample_shows_table_heat_maps_and_five_panels(page: Page, server: Server) -> None:
    desk.open_sample(page, server.url, "brain-mr-03")
    expect(desk.table(page).locator("tbody tr")).to_have_count(4)  # one without weights
    desk.turn_to(page, "Maps")
    tiles = page.locator(".st-key-heat-tiles img")
    expect(tiles).to_have_count(3)
    for tile in tiles.all():
        assert "Grad-CAM of" in (tile.get_attribute("alt") or "")
    desk.turn_to(page, "Masks")
    for title in ("Scan", "Truth", "Predicted mask", "Scan with truth (red, dashed)"):
        expect(page.get_by_text(title, exact=True)).to_be_visible()
    expect(page.get_by_text("Scan with prediction (green, solid)", exact=True)).to_be_visible()
    expect(page.get_by_text("spacing unknown").first).to_be_visible()
    assert all(image.get_attribute("alt") for image in page.locator("img").all())


def test_same_probabilities_through_page_and_engine(page: Page, server: Server) -> None:
    desk.open_sample(page, server.url, "brain-mr-03")
    *rows, missing = desk.numbers(page)
    assert (missing["model"], missing["class"]) == ("slab", "")  # without weights here
    review = Engine(server.weights).review(load_sample("brain-mr-03"), "brain-mr", 0)
    asked = [(r, k, name) for r in review.ready for k, name in enumerate(("no tumour", "tumour"))]
    assert [(row["model"], row["class"]) for row in rows] == [(r.state.name, name) for r, _, name in asked]
    assert len(rows) == 6
    # Another number of threads adds in another order: equal to float32's last digits.
    for column, expected in (
        ("probability_calibrated", [float(r.calibrated[0, k]) for r, k, _ in asked]),
        ("probability_finding", [float(r.finding[0]) for r, _, _ in asked]),
    ):
        assert [float(row[column]) for row in rows] == pytest.approx(expected, abs=1e-6)


def test_keyboard_changes_the_slice_and_the_picture(page: Page, server: Server) -> None:
    desk.open_sample(page, server.url, "mr-pet-04")
    slider = page.get_by_role("slider", name="Slice (of 22)")
    expect(page.locator(".corner.right")).to_contain_text("/")
    start = int(page.locator(".corner.right").inner_text().split(" / ")[0])
    before = desk.digest(page)
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(f"{start + 1} / 22")).to_be_visible()
    expect(desk.picture(page)).not_to_have_attribute("data-digest", before)
    desk.settled(page)
    page.locator(".frame").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_text(f"{start} / 22")).to_be_visible()
    desk.settled(page)  # a key while the server still answers the one before counts from what that one showed
    page.locator(".frame").focus()
    page.keyboard.press("k")
    expect(page.get_by_text(f"{start + 1} / 22")).to_be_visible()
    page.keyboard.press("+")
    expect(page.locator(".zoom")).to_have_text("125 %")
    page.keyboard.press("0")
    expect(page.locator(".zoom")).to_have_text("100 %")


def test_invert_window_overlay_and_method(page: Page, server: Server) -> None:
    desk.open_sample(page, server.url, "brain-mr-05")
    plain = desk.digest(page)
    page.get_by_text("Invert", exact=True).click()
    expect(desk.picture(page)).not_to_have_attribute("data-digest", plain)
    page.get_by_text("Invert", exact=True).click()
    expect(desk.picture(page)).to_have_attribute("data-digest", plain)
    for overlay in ("truth", "mask", "heat map"):
        before = desk.digest(page)
        page.get_by_role("radio", name=overlay).click()
        expect(desk.picture(page)).not_to_have_attribute("data-digest", before)
    desk.turn_to(page, "Maps")
    desk.choose(page, "Method", "EigenCAM")
    expect(page.locator(".st-key-heat-tiles img").first).to_have_attribute("alt", desk.starts("EigenCAM"))


def test_overruling_the_system_stays_visible(page: Page, server: Server) -> None:
    desk.open_sample(page, server.url, "brain-mr-04")
    desk.choose(page, "System", "Chest CT")
    expect(page.get_by_text("System chosen by you. The automatic choice was: Brain MR")).to_be_visible()
    desk.answered(page)
    expect(desk.table(page)).to_contain_text("Refused.")
    expect(desk.table(page)).to_contain_text("No weights yet.")


def test_two_sessions_keep_their_own_case(page: Page, browser: Browser, server: Server) -> None:
    desk.open_sample(page, server.url, "brain-mr-03")
    with browser.new_context() as context:
        other = context.new_page()
        errors = watch(other)
        other.goto(f"{server.url}/review?sample=pet-02")
        desk.answered(other)
        expect(other.get_by_role("heading", name="Whole-body PET projection B")).to_be_visible()
        assert errors == []
    page.get_by_text("Invert", exact=True).click()
    desk.settled(page)
    expect(page.get_by_role("heading", name="Brain MR, single slice A")).to_be_visible()


def test_models_page_shows_the_evidence(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/models")
    table = page.get_by_role("table", name="Models of Brain MR")
    for text in ("0.913", "0.871 to 0.944", "n = 40 of 9 patients", "always positive", "0.420"):
        expect(table).to_contain_text(text, timeout=desk.ANSWER)
    expect(page.get_by_text("0.98 accuracy by slice").first).to_be_visible()
    expect(page.get_by_role("table", name="Models of Chest CT")).to_contain_text("refused")


def test_phone_stacks_with_the_viewer_first(browser: Browser, server: Server) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="light", has_touch=True) as context:
        phone = context.new_page()
        desk.open_sample(phone, server.url, "brain-mr-03")
        viewer, table = phone.locator(".frame").bounding_box(), desk.table(phone).bounding_box()
        assert viewer is not None
        assert table is not None
        assert viewer["y"] + viewer["height"] <= table["y"]
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
