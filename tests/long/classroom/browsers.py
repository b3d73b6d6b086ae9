"""Students in real browsers. Their processes stand back: a phone has a processor of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.dashboard.conftest import ARGS, CHROMIUM
from tests.long.classroom.plan import GIVE, Student, Times

PATIENCE = 300_000.0  # ms: a browser that stands back is slow, not wrong
STANDING_BACK = 19  # as nice says it


@asynccontextmanager
async def phone(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A phone of its own that opens an address."""
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    await page.goto(address)
    yield page
    await context.close()


async def settled(page: Page) -> None:
    """Wait until the server has nothing more to draw: a choice clicked before that is the last case's."""
    app = page.locator("[data-testid=stApp]")
    await expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    await expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=PATIENCE)


async def at(page: Page, place: int, of: int) -> None:
    """Wait for a case."""
    heading = page.get_by_role("heading", name=f"Case {place} of {of}", exact=True)
    await expect(heading).to_be_visible(timeout=PATIENCE)
    await settled(page)


async def fill(page: Page, finding: bool, sure: int) -> None:
    """Say what is seen and how sure; a second click on a choice would take it back."""
    for name in ("tumour" if finding else "no tumour seen", f"{sure} %"):
        choice = page.get_by_role("radio", name=name, exact=True)
        if await choice.get_attribute("aria-checked") != "true":
            await choice.click()
            await settled(page)
        await expect(choice).to_be_checked(timeout=PATIENCE)
    await expect(page.get_by_role("button", name=GIVE)).to_be_enabled(timeout=PATIENCE)


async def give(page: Page) -> None:
    """Give the answer, and be told the truth."""
    await page.get_by_role("button", name=GIVE).click()
    await expect(page.get_by_text("The truth:")).to_be_visible(timeout=PATIENCE)


async def onward(page: Page, place: int, of: int) -> None:
    """To the next case, or to the results."""
    await page.get_by_role("button", name="Next case" if place < of else "To your results").click()
    if place < of:
        await at(page, place + 1, of)
    else:
        await expect(page.get_by_text(f"of {of} cases right")).to_be_visible(timeout=PATIENCE)


async def answer(page: Page, me: Student, place: int, times: Times) -> None:
    """One case, with whatever happens to this student there."""
    finding, sure = me.plan[place - 1]
    with times.of("fill in"):
        await fill(page, finding, sure)
    if place == me.reloads:
        await page.reload()
        await at(page, place, len(me.plan))
        await expect(page.get_by_role("radio", name=f"{sure} %", exact=True)).to_be_checked(timeout=PATIENCE)
    if place == me.twice:
        twin = await page.context.new_page()
        await twin.goto(page.url)
        await at(twin, place, len(me.plan))
        await fill(twin, not finding, 100)
        await give(page)
        await twin.get_by_role("button", name=GIVE).click()
        await expect(twin.get_by_text(f"{sure} % sure")).to_be_visible(timeout=PATIENCE)
        await twin.close()
    else:
        with times.of("answer and truth"):
            await give(page)
    with times.of("next case"):
        await onward(page, place, len(me.plan))


async def join(page: Page, me: Student, times: Times) -> None:
    """From the door to the first case."""
    with times.of("join and begin"):
        await page.get_by_label("Name for the teacher's list").fill(me.name)
        await page.get_by_role("button", name="Join", exact=True).click()
        await page.get_by_role("button", name="Begin").click()
        await at(page, 1, len(me.plan))


async def take_part(browser: Browser, address: str, me: Student, times: Times) -> None:
    """From the door to the results."""
    of, done = len(me.plan), 0
    async with phone(browser, address) as page:
        await join(page, me, times)
        for place in range(1, of + 1):
            if place == me.dies:
                await fill(page, *me.plan[place - 1])
                break
            await answer(page, me, place, times)
            done = place
        address = page.url
    if done < of:
        async with phone(browser, address) as page:
            await at(page, done + 1, of)
            for place in range(done + 1, of + 1):
                await answer(page, me, place, times)


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """A browser whose processes stand back."""
    with TemporaryDirectory() as folder:
        program = Path(folder) / "browser"
        program.write_text(f'#!/bin/sh\nexec nice -n {STANDING_BACK} {CHROMIUM} "$@"\n', encoding="utf-8")
        program.chmod(0o700)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=str(program), args=ARGS)
            yield browser
            await browser.close()


async def ahead(address: str, me: Student) -> tuple[list[str], list[str]]:
    """One student alone, before all others; what the browser fetched of the client's program to open the page, and
    afterwards."""
    asked: list[str] = []

    def kept(url: str) -> None:
        place = urlsplit(url)
        if place.scheme.startswith("http") and place.path.startswith(("/static/", "/_stcore/", "/class")):
            asked.append(place.path + (f"?{place.query}" if place.query else ""))

    times = Times()
    async with browsing() as browser:
        context = await browser.new_context(viewport={"width": 390, "height": 844})
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        page.on("request", lambda request: kept(request.url))
        await page.goto(address)
        await expect(page.get_by_label("Name for the teacher's list")).to_be_visible(timeout=PATIENCE)
        await settled(page)
        opening = len(asked)
        await join(page, me, times)
        for place in range(1, len(me.plan) + 1):
            await answer(page, me, place, times)
        await context.close()
    return asked[:opening], [one for one in asked[opening:] if one not in asked[:opening]]


async def hold(address: str, members: list[Student], times: Times) -> None:
    """Several students at once."""
    async with browsing() as browser:
        await asyncio.gather(*(take_part(browser, address, me, times) for me in members))
