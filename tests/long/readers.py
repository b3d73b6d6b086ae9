"""Readers in real browsers who open one scan after the other until time is up."""

from __future__ import annotations

import asyncio
import time

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.dashboard.conftest import ARGS, CHROMIUM

SCANS = ("brain-mr-03", "chest-ct-03", "breast-mri-01", "brain-type-01", "pet-01")
PATIENCE = 300_000.0  # ms: among so many, one waits for a turn
FAULTS = ("Something went wrong", "Uncaught app execution")
APART = 0.5  # seconds between the first pages of two readers: nobody opens thirty in one moment


async def hold(url: str, count: int, end: float) -> tuple[list[float], list[str]]:
    """So many readers, each a session of its own.

    Args:
        end: when to stop, by ``time.monotonic``; who waits for answers then is not waited for.

    Returns:
        Seconds from opening a page until every model had answered, of all pages; and what went wrong.
    """
    seconds: list[float] = []
    faults: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        await asyncio.gather(*(_reader(browser, url, number, end, seconds, faults) for number in range(count)))
        await browser.close()
    if not seconds:
        faults.append("no reader saw a whole page")
    return seconds, faults


async def _reader(browser: Browser, url: str, number: int, end: float, seconds: list[float], faults: list[str]) -> None:
    await asyncio.sleep(APART * number)
    # moving icons of thirty pages that are drawn without a graphics card would take the server's processors
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = await context.new_page()
    page.on("pageerror", lambda error: faults.append(f"reader {number}: {error}"))
    opened = 0
    try:
        while time.monotonic() < end:
            began = time.monotonic()
            left = 1000 * (end - began)
            try:
                await _read(page, f"{url}/review?sample={SCANS[(number + opened) % len(SCANS)]}", min(PATIENCE, left))
            except Exception as error:  # whatever it is: a reader that ended in silence would count as one without
                if time.monotonic() < end:
                    faults.append(f"reader {number}: {str(error)[:300]}")
                return
            seconds.append(time.monotonic() - began)
            opened += 1
            shown = await page.inner_text("body")
            faults += [f"reader {number}: {text}" for text in FAULTS if text in shown]
    finally:
        await context.close()


async def _read(page: Page, address: str, patience: float) -> None:
    """Open a scan and wait until every model has said something or why it does not."""
    await page.goto(address, timeout=patience)
    await expect(page.locator("table.or-table[aria-busy=false]").last).to_be_visible(timeout=patience)
