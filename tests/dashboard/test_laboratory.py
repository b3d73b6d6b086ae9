"""The laboratory in the browser: the picture's description says what the engine says of the very scan that is set."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from core.engine.engine import Engine
from core.engine.words import probability
from core.simulate import disguise
from core.simulate.disguise import Change
from core.simulate.laboratory import Setting, made
from tests.dashboard import desk
from tests.dashboard.conftest import Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def _expected(engine: Engine, setting: Setting) -> str:
    ready = engine.review(made("brain-mr", 2, setting), "brain-mr").ready
    assert ready
    said = ", ".join(f"{r.state.title} {probability(float(r.finding[0]))}" for r in ready if r.finding is not None)
    return f"lesion of {setting.diameter:g}, contrast {setting.contrast:.0%}; {said}"


def test_a_slider_moves_the_lesion_and_the_models_follow(page: Page, server: Server) -> None:
    engine = Engine(server.weights)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/learn?part=Laboratory")
    picture = page.locator("img.or-picture")
    expect(picture).to_have_attribute(
        "alt", f"Simulated Brain MR, {_expected(engine, Setting(20, 0.1))}", timeout=desk.ANSWER
    )
    first = picture.get_attribute("src")
    slider = page.get_by_role("slider", name="Contrast (%)")
    slider.focus()
    for _ in range(6):  # 5 % each
        slider.press("ArrowRight")
    expect(picture).to_have_attribute(
        "alt", f"Simulated Brain MR, {_expected(engine, Setting(20, 0.4))}", timeout=desk.ANSWER
    )
    assert picture.get_attribute("src") != first
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def _disguised(engine: Engine, change: Change) -> str:
    made_ = disguise.changed(disguise.scan("brain-mr", 1, "tumour"), change)
    ready = engine.review(made_.study, "brain-mr").ready
    assert ready
    said = ", ".join(f"{r.state.title} {probability(float(r.finding[0]))}" for r in ready if r.finding is not None)
    return f"Simulated brain-mr tumour 1, changed by {made_.distance:.1%}; {said}"


def test_what_is_no_disease_is_changed_and_the_models_follow(page: Page, server: Server) -> None:
    engine = Engine(server.weights)
    page.goto(f"{server.url}/learn?part=Laboratory&section=Fool the model")
    picture = page.locator("img.or-picture")
    expect(picture).to_have_attribute("alt", _disguised(engine, Change()), timeout=desk.ANSWER)
    slider = page.get_by_role("slider", name="Brighter or darker (%)")
    slider.focus()
    for _ in range(6):  # 1 % each
        slider.press("ArrowRight")
    expect(picture).to_have_attribute("alt", _disguised(engine, Change(level=0.06)), timeout=desk.ANSWER)
    expect(page.get_by_text("the lesion is untouched")).to_be_visible()
    slider = page.get_by_role("slider", name="Zoom (%)")
    slider.focus()
    slider.press("ArrowRight")
    expect(picture).to_have_attribute("alt", _disguised(engine, Change(level=0.06, zoom=1.01)), timeout=desk.ANSWER)
    expect(page.get_by_text("the lesion is changed")).to_be_visible()
    page.get_by_role("button", name="As drawn").click()
    expect(picture).to_have_attribute("alt", _disguised(engine, Change()), timeout=desk.ANSWER)
