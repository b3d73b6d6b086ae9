"""What a reviewer does on the pages, in a few words."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "samples"
ANSWER = 180_000  # milliseconds: a loaded machine with two cores still gets there
FileLike = str | Path | dict[str, Any]


def sign_in(page: Page, url: str, who: str) -> None:
    """Sign in with the provider under a name."""
    page.goto(url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=who, exact=True).click()
    expect(page.get_by_role("button", name="Reader")).to_be_visible(timeout=ANSWER)
    settled(page)


def open_sample(page: Page, url: str, sample: str) -> None:
    """Open a built-in case by its address and wait for the models."""
    page.goto(f"{url}/review?sample={sample}")
    answered(page)


def upload(page: Page, url: str, files: FileLike | Sequence[FileLike]) -> None:
    """Go to the empty Review page and give it files, once it rests: nobody drops one on a page that is being drawn."""
    page.goto(f"{url}/review")
    page.locator("input[type=file]").first.wait_for(state="attached", timeout=ANSWER)
    settled(page)
    give(page, files)


def give(page: Page, files: FileLike | Sequence[FileLike]) -> None:
    """Give files to the uploader on the page."""
    page.locator("input[type=file]").first.set_input_files(files)  # type: ignore[arg-type]


def answered(page: Page) -> None:
    """Wait until every model has said something or why it does not, for as long as answers keep coming.

    A series of sixty slices on a loaded machine takes longer than any fixed patience; standing still is the fault.
    """
    # While the page is drawn anew the old table may still stand beside the new one.
    whole = page.locator("table.or-table[aria-busy=false]").last
    told: list[str] = []
    while True:
        try:
            expect(whole).to_be_visible(timeout=ANSWER)
            break
        except AssertionError:
            now = re.findall(r"\d+ ?% answered", page.inner_text("body"))
            if not now or now == told:
                raise
            told = now
    settled(page)


def turn_to(page: Page, tab: str) -> None:
    """Open a tab of the rail, once the page rests: a click that meets a redraw may be lost with what it was made on."""
    wanted = page.get_by_role("tab", name=tab, exact=True)
    for _ in range(4):
        wanted.click()
        settled(page)
        try:
            expect(wanted).to_have_attribute("aria-selected", "true", timeout=4_000)
        except AssertionError:
            continue
        return
    expect(wanted).to_have_attribute("aria-selected", "true", timeout=1_000)


def settled(page: Page) -> None:
    """Wait until the server has nothing more to draw."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=ANSWER
    )
    expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=ANSWER)


def watch_shifts(page: Page) -> None:
    """From now on count every shift that no input of the last half second explains, as the browser itself does."""
    page.evaluate("""() => {
      window.shifts = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
      }).observe({ type: "layout-shift" });
    }""")


def shifted(page: Page) -> float:
    """Cumulative layout shift since :func:`watch_shifts`."""
    return float(page.evaluate("() => window.shifts"))


def switch_on(page: Page, label: str) -> None:
    """Turn a switch on once the page rests: a click that meets a redraw may land beside it."""
    switch = page.get_by_role("switch", name=label)
    for _ in range(4):
        settled(page)
        page.get_by_text(label).click()
        try:
            expect(switch).to_be_checked(timeout=8_000)
        except AssertionError:
            continue
        settled(page)
        expect(switch).to_be_checked()  # the server has not taken it back
        return
    raise AssertionError(f"the switch {label!r} never went on")


def follow(page: Page, name: str) -> None:
    """Follow a link of the navigation once the page rests: a click that meets a redraw may lead nowhere."""
    before = page.url
    for _ in range(4):
        settled(page)
        page.get_by_role("link", name=name, exact=True).click()
        try:
            expect(page).not_to_have_url(before, timeout=8_000)
        except AssertionError:
            continue
        return
    raise AssertionError(f"the link {name!r} never led away from {before}")


def table(page: Page) -> Locator:
    """The table of what the models say."""
    return page.locator("table.or-table")


def choose(page: Page, box: str, option: str) -> None:
    """Open a select box and take an option once the page rests: a redraw closes an open list."""
    wanted = page.get_by_role("option", name=option)
    for _ in range(4):
        settled(page)
        page.get_by_role("combobox", name=box).click()
        try:
            wanted.click(timeout=8_000)
        except TimeoutError:
            page.keyboard.press("Escape")
            continue
        return
    raise AssertionError(f"the list {box!r} never showed {option!r}")


def picture(page: Page) -> Locator:
    """The image in the viewer."""
    return page.locator(".frame img")


def digest(page: Page) -> str:
    """The digest of the image in the viewer, once it is drawn."""
    expect(picture(page)).to_have_attribute("data-digest", re.compile("."))
    return picture(page).get_attribute("data-digest") or ""


def message(page: Page) -> Locator:
    """The error on the page."""
    return page.locator("[data-testid=stAlert]").first


def numbers(page: Page) -> list[dict[str, str]]:
    """Rows of the CSV that the page offers."""
    turn_to(page, "Report")
    for _ in range(4):
        settled(page)
        try:
            with page.expect_download(timeout=20_000) as download:
                page.get_by_role("button", name="Numbers (CSV)").click()
        except TimeoutError:
            continue  # the click met a redraw: as with a hand, once more
        text = Path(download.value.path()).read_text(encoding="utf-8")
        return list(csv.DictReader(io.StringIO(text)))
    raise AssertionError("the page never gave its numbers")


def starts(text: str) -> re.Pattern[str]:
    """Pattern of whatever begins with the text."""
    return re.compile("^" + re.escape(text))
