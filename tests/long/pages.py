"""Pictures of every page with sample content, to be looked at: ``python -m tests.long.pages --out FOLDER``; minutes.

Each page as a desk of 1440 x 900, a large one of 1920 x 1080 and a phone of 390 x 844 see it, in the dark, the viewer
drawing in the browser; where a page is longer than its window, a second picture has all of it. Simulated scans only;
the folder lies outside the repository.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import Page, expect, sync_playwright

from core.teaching.rules import Models, Rules
from tests.accessibility import tour
from tests.dashboard import desk, readings
from tests.dashboard.conftest import CHROMIUM, ROOT
from tests.dashboard.house import House
from tests.teaching import school
from tests.viewer.conftest import LOADED, PROGRAM

SIZES = {"desk": (1440, 900), "large": (1920, 1080), "phone": (390, 844)}
SAMPLES = ("brain-mr-01", "chest-ct-01", "breast-mri-01", "pet-01", "mr-pet-06", "brain-type-01")
TALLEST = 6000


def scans(page: Page, url: str) -> Iterator[str]:
    """Review with a sample of every system, answered, an outline and a heat map over the picture."""
    for sample in SAMPLES:
        page.goto(f"{url}/review?sample={sample}")
        desk.answered(page)
        expect(page.locator(LOADED).first).to_be_visible(timeout=desk.ANSWER)
        yield f"Review, {sample}"
        for kind in ("mask", "heat"):
            switch = page.locator(f"button[data-layer^={kind}]:not(:disabled)")
            if switch.count():
                switch.first.click()
        page.wait_for_timeout(3000)
        yield f"Review, {sample}, laid over"


def looked(page: Page, places: Iterator[str], folder: Path, size: tuple[int, int]) -> None:
    """A picture of each place of a tour."""
    for place in places:
        page.wait_for_timeout(700)
        name = re.sub(r"[^a-z0-9]+", "-", place.lower()).strip("-")
        page.screenshot(path=folder / f"{name}.png")
        print(place, flush=True)
        tall = page.evaluate("() => document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0")
        if tall > size[1] + 40:
            page.set_viewport_size({"width": size[0], "height": min(int(tall), TALLEST)})
            page.wait_for_timeout(700)
            page.screenshot(path=folder / f"{name}-whole.png")
            page.set_viewport_size({"width": size[0], "height": size[1]})


def main(
    out: Annotated[Path, typer.Option(help="Folder outside the repository.")],
    only: Annotated[str, typer.Option(help="desk, large or phone; by default all.")] = "",
) -> None:
    """Draw them."""
    out = out.resolve()
    if ROOT in (out, *out.parents):
        raise typer.BadParameter("Choose a folder outside the repository: pictures of pages do not belong into it.")
    with tempfile.TemporaryDirectory() as kept, sync_playwright() as playwright:
        house = House(Path(kept), ROOT / "weights")
        store = readings.opened(house.store)
        planted = readings.plant(store, 3)
        quiz = school.quiz(store, Rules(models=Models.NEVER, seed=3)).id or 0
        house.start()
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=PROGRAM)
        try:
            for name, size in SIZES.items():
                if only and name != only:
                    continue
                folder = out / name
                folder.mkdir(parents=True, exist_ok=True)
                window = {"width": size[0], "height": size[1]}
                context = browser.new_context(viewport=window, has_touch=name == "phone", color_scheme="dark")  # type: ignore[arg-type]
                context.set_default_timeout(desk.ANSWER)
                page = context.new_page()
                for places in (
                    tour.entrances(page, house.url),
                    scans(page, house.url),
                    tour.reading(page, house.url, planted.cases[0]),
                    tour.numbers(page, house.url),
                    tour.teaching(page, house.url, quiz),
                ):
                    looked(page, places, folder, size)
                context.close()
        finally:
            browser.close()
            house.stop()


if __name__ == "__main__":
    typer.run(main)
