"""The laboratory in the browser: the picture's description says what the engine says of the very scan that is set."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from core.engine.engine import Engine
from core.engine.words import probability
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
