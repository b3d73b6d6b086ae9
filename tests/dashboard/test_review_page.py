"""The Review page's viewer and heat-map tiles: whose overlay, how bright, how large, and what the checks say."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from core.engine.certainty import between
from core.engine.results import ModelResult, ModelState, ModelStatus, Review
from core.imaging.study import Modality, Series, Unit
from core.preprocessing import windows
from core.simulate.samples import load_sample
from dashboard.kit import controls
from tests.cards import card_of
from tests.dashboard import desk
from tests.dashboard.conftest import Server


def _picture(**facts: object) -> Series:
    """An 8-bit picture that uses the lowest third of its range, with two bright specks."""
    pixels = np.random.default_rng(0).integers(0, 80, (1, 64, 64)).astype(np.float32)
    pixels[0, 0, :2] = 255
    return Series("k", "picture", pixels, unit=Unit.GREY, value_range=(0.0, 255.0), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("modality", "system", "bright"),
    [
        (Modality.MR, None, True),
        (Modality.UNKNOWN, "brain-mr", True),
        (Modality.UNKNOWN, "breast-mri", True),
        (Modality.UNKNOWN, "chest-ct", False),
        (Modality.UNKNOWN, "mr-pet", False),
        (Modality.UNKNOWN, None, False),
        (Modality.PT, "pet", False),
    ],
)
def test_dark_mr_pictures_begin_bright_and_others_as_they_are(
    modality: Modality, system: str | None, bright: bool
) -> None:
    series = _picture(modality=modality)
    offered = controls.offered(series, system)
    shown = windows.to_display(series.pixels[0], offered[0])
    assert (np.percentile(shown, 95) > 200) == bright
    assert {w.name for w in offered} >= {"full range"}
    assert len({w.name for w in offered}) == len(offered)
    assert series.pixels.max() == 255  # what the models get is untouched


def test_no_window_is_offered_twice() -> None:
    series = Series("k", "volume", np.random.default_rng(0).normal(500, 80, (3, 20, 20)).astype(np.float32))
    names = [w.name for w in controls.offered(series, "mr-pet")]
    assert names == ["automatic"]


def test_a_model_of_other_classes_does_not_widen_the_spread() -> None:
    def result(name: str, p: float, classes: tuple[str, ...] = ("no tumour", "tumour")) -> ModelResult:
        card = card_of("brain-mr", name, "resnet18", classes=classes, positive=classes[1:])
        state = ModelState("brain-mr", name, name, "classifier", ModelStatus.READY, card=card)
        rows = np.array([[1 - p, p, 0.0][: len(classes)]])
        return ModelResult(state, rows, rows, np.array([p]))

    types = result("types", 0.01, ("no tumour", "glioma", "metastasis"))
    told = between(Review("0" * 64, "brain-mr", "k", (result("a", 0.9), result("b", 0.8), types), 0).vote)
    # two answers 0.1 apart deviate by 0.1 / sqrt(2)
    assert told == "The models lie close together: 0.80 to 0.90 (standard deviation 0.07 over 2 models)."
    alone = between(Review("0" * 64, "brain-mr", "k", (result("a", 0.9), types), 0).vote)
    assert alone == "One model answers this question: there is no other to differ from."


@pytest.mark.browser
def test_overlay_of_a_chosen_model_and_arrows_from_anywhere(page: Page, server: Server) -> None:
    desk.open_sample(page, server.url, "brain-mr-01")
    page.get_by_role("radio", name="heat map").click()
    corner = page.locator(".corner.left")
    seen = set()
    for model in ("Residual U-Net (classic)", "ResNet-50 classifier"):
        desk.choose(page, "Of", model)
        expect(corner).to_contain_text(f"heat map of {model}")
        seen.add(desk.digest(page))
    assert len(seen) == 2
    desk.settled(page)
    number = int(page.locator(".corner.right").inner_text().split(" / ")[0])
    page.get_by_role("heading", name="Brain MR, stack of 14").click()
    to, key = (number - 1, "ArrowLeft") if number > 1 else (number + 1, "ArrowRight")
    page.keyboard.press(key)
    expect(page.locator(".corner.right")).to_contain_text(f"{to} / 14")


@pytest.mark.browser
def test_tiles_are_tested_and_enlarged(page: Page, server: Server) -> None:
    desk.open_sample(page, server.url, "brain-mr-05")
    assert load_sample("brain-mr-05").series[0].truth is not None
    desk.turn_to(page, "Maps")
    tiles = page.locator(".st-key-heat-tiles")
    expect(tiles.get_by_text(re.compile("Its hottest point (lies|misses)")).first).to_be_visible()
    expect(tiles.get_by_text(re.compile("Check (passed|failed)|Not tested"))).to_have_count(0)
    page.get_by_text("Test the maps", exact=True).click()
    expect(tiles.get_by_text(re.compile(r"Check (passed|failed)\.|Not tested\."))).to_have_count(3, timeout=desk.ANSWER)
    expect(tiles.get_by_text(re.compile("random areas: -?[0-9.]+ ± [0-9.]+|nothing to lower")).first).to_be_visible()
    desk.settled(page)
    page.get_by_role("button", name="Enlarge").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("img").first).to_have_attribute("alt", desk.starts("Grad-CAM of U-Net"))
    expect(dialog).to_contain_text("version 0.0.1")
    expect(dialog.get_by_text(re.compile("Check|Not tested")).first).to_be_visible()


@pytest.mark.browser
def test_on_a_phone_the_picture_comes_before_its_controls(browser: Browser, server: Server) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True) as context:
        context.set_default_timeout(90_000)
        phone = context.new_page()
        desk.open_sample(phone, server.url, "mr-pet-04")
        frame, slider, window = (
            place.bounding_box()
            for place in (
                phone.locator(".frame"),
                phone.get_by_role("slider", name="Slice (of 22)"),
                phone.get_by_role("combobox", name="Window"),
            )
        )
        assert frame is not None
        assert slider is not None
        assert window is not None
        assert frame["y"] + frame["height"] <= slider["y"] < window["y"]
