"""The single HTML file in a real browser without a network, at the size of a phone, against the engine."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from core.engine.engine import Engine
from core.imaging import read
from core.imaging.study import Study
from core.preprocessing.contract import InputContract
from core.preprocessing.prepare import prepare
from core.simulate import samples
from core.weights.card import Threshold
from core.weights.folder import load_card
from tests.dashboard import weights as small
from tests.engine.installed import install
from trainers.exporting.demonstrator import build
from trainers.exporting.demonstrator.page import demonstrate

MODEL = "chest-ct/densenet121"
CHEST: dict[str, Any] = {
    "channels": 3,
    "context": "repeat",
    "height": 48,
    "width": 48,
    "crop": "body",
    "scaling": "window",
    "window": (-500, 1500),
    "standardise": True,
    "mean": (0.1, 0.0, 0.2),
    "std": (2.0, 1.0, 0.5),
}
CONTRACTS: dict[str, dict[str, Any]] = {
    "chest": CHEST | {"height": 64, "width": 80},
    "z-score between percentiles": {"channels": 1, "height": 192, "width": 192, "percentiles": (0, 99.5)},
    "percentiles, three channels": {
        "channels": 3, "height": 96, "width": 96, "scaling": "percentile", "percentiles": (1, 99),
    },
    "whole-body projection": {
        "channels": 1, "height": 384, "width": 192, "crop": "body", "scaling": "suv", "projection": "mip-coronal",
    },
    "its own pixels": {"channels": 1, "height": 300, "width": 300, "resize": "actual", "scaling": "range"},
}  # fmt: skip
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    install(
        folder,
        *MODEL.split("/"),
        "resnet18",
        contract=CHEST,
        temperature=1.7,
        test_time_flips=("horizontal",),
        threshold=Threshold(value=0.3, rule="fixed", data="none", n=0),
    )
    small._checked(folder / MODEL)
    return folder


@pytest.fixture(scope="module")
def file(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demonstrate(MODEL, weights, tmp_path_factory.mktemp("page") / "demo.html")


@pytest.fixture(scope="module")
def page(file: Path, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, offline=True, has_touch=True)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(f"error: {error}"))
    page.goto(file.as_uri())
    page.get_by_text("Ready.").wait_for(timeout=120_000)
    yield page
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [file.as_uri()]
    context.close()


def _png(plane: np.ndarray) -> bytes:
    held = io.BytesIO()
    Image.fromarray(plane.astype(np.uint8)).save(held, "PNG")
    return held.getvalue()


def _study(content: bytes) -> Study:
    return read([("a.png", content)])


def _chest(name: str) -> bytes:
    return samples.sample_files(name)[0][1]


@pytest.mark.browser
@pytest.mark.parametrize("name", ["chest-ct-03", "chest-ct-04", "chest-ct-05"])
def test_the_page_says_what_the_engine_says(page: Page, weights: Path, tmp_path: Path, name: str) -> None:
    picture = tmp_path / f"{name}.png"
    picture.write_bytes(_chest(name))
    page.locator("#file").set_input_files(str(picture))
    page.get_by_text(f"{name}.png: answered here").wait_for(timeout=60_000)
    said = json.loads(page.evaluate("document.body.dataset.answer"))
    engine = Engine(weights)
    review = engine.review(_study(picture.read_bytes()), "chest-ct").shown(overruled=True)
    (result,) = review.ready
    assert result.finding is not None
    assert result.calibrated is not None
    assert said["finding"] == pytest.approx(float(result.finding[0]), abs=1e-3)
    np.testing.assert_allclose(said["probability"], result.calibrated[0], atol=1e-3)
    card = load_card(weights / MODEL)
    positive = result.finding[0] >= card.threshold.value
    assert page.locator("#decision").get_attribute("class") == ("finding" if positive else "clear")
    heat = engine.heat_map(_study(picture.read_bytes()), "chest-ct", 0, "densenet121", 0)
    assert heat.values is not None
    drawn = np.array(page.evaluate("Array.from(overread.state.answer.heat)")).reshape(heat.values.shape)
    np.testing.assert_allclose(drawn, heat.values, atol=1e-3)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.browser
def test_a_simulated_sample_is_in_the_file(page: Page) -> None:
    page.locator("#samples button").first.click()
    page.get_by_text("simulated: answered here").wait_for(timeout=60_000)
    assert page.locator("#probability").inner_text() != ""
    assert page.locator("#heat").is_checked()  # its method passed the test


@pytest.mark.browser
@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS.keys())
def test_the_way_to_the_tensor_is_pythons(page: Page, contract: dict[str, Any]) -> None:
    made = InputContract(**contract)
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:211, :157]
    blob = 40 + 190 * np.exp(-(((y - 120) / 70) ** 2 + ((x - 70) / 45) ** 2)) + rng.normal(0, 4, y.shape)
    pictures = [_chest("chest-ct-04"), _png(blob.clip(0, 255)), _png((255 - blob).clip(0, 255)), _png(blob[:50, :40])]
    for content in pictures:
        series = _study(content).series[0]
        if made.projection != "slice":
            series = type(series)(**{**vars(series), "projection": made.projection})
        wanted = prepare(series, made)[0].numpy()
        got = page.evaluate(
            "async ([png, contract]) => {"
            "const bytes = Uint8Array.from(atob(png), (c) => c.charCodeAt(0));"
            "const picture = await overread.read(new Blob([bytes], {type: 'image/png'}));"
            "return Array.from(overread.prepare(picture, contract).tensor)}",
            [base64.b64encode(content).decode(), made.model_dump(mode="json")],
        )
        np.testing.assert_allclose(np.array(got).reshape(wanted.shape), wanted, atol=2e-4)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"DICM" * 20, "no PNG or JPEG"),
        (_png(np.random.default_rng(0).integers(0, 255, (40, 40, 3))), "in colour"),
        (_png(np.full((40, 40), 7)), "blank"),
    ],
    ids=["no picture", "colour", "blank"],
)
def test_what_it_cannot_read_is_told(page: Page, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.png").write_bytes(content)
    page.locator("#file").set_input_files(str(tmp_path / "x.png"))
    page.locator("#said.wrong", has_text=said).wait_for(timeout=20_000)
    assert page.locator("#answer").is_hidden()


@pytest.mark.browser
def test_from_a_server_it_can_be_installed(file: Path, browser: Browser) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(file.parent))
    server = ThreadingHTTPServer(("localhost", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context(viewport=PHONE)
    try:
        page = context.new_page()
        address = f"http://localhost:{server.server_port}/{file.name}"
        page.goto(address)
        page.get_by_text("Ready.").wait_for(timeout=120_000)
        asked = context.new_cdp_session(page)
        manifest = asked.send("Page.getAppManifest")
        assert manifest["errors"] == []
        told = json.loads(manifest["data"])
        assert (told["start_url"], told["display"]) == (address, "standalone")
        errors = {error["errorId"] for error in asked.send("Page.getInstallabilityErrors")["installabilityErrors"]}
        assert errors <= {"in-incognito"}  # tests have no profile of their own
    finally:
        context.close()
        server.shutdown()


def test_the_bundle_is_made_from_the_sources_as_they_are() -> None:
    assert build.current(), f"run `{build.COMMAND}`, as make test does"
    lock = json.loads((build.HERE / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert [name for name, facts in packages.items() if not facts["integrity"].startswith("sha512-")] == []
