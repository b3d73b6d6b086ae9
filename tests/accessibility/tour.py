"""A way through every page, for those who look at each as it stands."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.dashboard import desk

SAMPLE = "brain-mr-03"
SECTIONS = ("Results", "Class", "Cases", "New quiz", "Reader study")


def at(page: Page, url: str, heading: str) -> str:
    """Go to an address and wait until its page is drawn whole."""
    page.goto(url)
    expect(page.get_by_role("heading", name=heading).first).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    return heading


def tabs(page: Page, name: str) -> Iterator[str]:
    """Every tab of a page but the one that is open, one after the other."""
    for tab in page.get_by_role("tab").all()[1:]:
        tab.click()
        desk.settled(page)
        yield f"{name}, {tab.inner_text()}"


def entrances(page: Page, url: str) -> Iterator[str]:
    """Pages that somebody meets who comes for the first time."""
    yield at(page, url, "State of the models")
    yield at(page, f"{url}/review", "Review a scan")
    desk.open_sample(page, url, SAMPLE)
    yield "Review, a sample answered"
    for tab in ("Maps", "Masks", "Measures", "Report"):
        desk.turn_to(page, tab)
        yield f"Review, {tab}"


def reading(page: Page, url: str, case: int) -> Iterator[str]:
    """Pages of the second reading, with a case that is read."""
    for address, heading in (("worklist", "Worklist"), ("records", "Records")):
        yield at(page, f"{url}/{address}", heading)
        yield from tabs(page, heading)
    yield at(page, f"{url}/arbitration", "Arbitration")
    yield at(page, f"{url}/archives", "Archives")
    yield at(page, f"{url}/read", "Read a case")
    page.goto(f"{url}/read?case={case}")
    expect(page.get_by_text("Your opinion, before the models'")).to_be_visible(timeout=desk.ANSWER)
    expect(page.locator(".frame img, .reader[data-shown]").first).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    yield "Read, before the models"
    if page.get_by_role("radio", name="tumour", exact=True).get_attribute("aria-checked") != "true":
        page.get_by_role("radio", name="tumour", exact=True).click()
        desk.settled(page)
    yield "Read, a class chosen"


def teaching(page: Page, url: str, quiz: int) -> Iterator[str]:
    """Pages of teaching, with a case that is answered."""
    yield at(page, f"{url}/learn", "Learn to read")
    yield from tabs(page, "Learn")
    yield at(page, f"{url}/class", "Join the class")
    for section in SECTIONS:
        yield at(page, f"{url}/teach?section={quote(section)}&quiz={quiz}", "Teach") + f", {section}"


def numbers(page: Page, url: str) -> Iterator[str]:
    """Pages of evidence."""
    yield at(page, f"{url}/models", "Models and their evidence")
    yield at(page, f"{url}/dataset", "Data sets")
    yield at(page, f"{url}/evidence", "Evidence")
    yield from tabs(page, "Evidence")
