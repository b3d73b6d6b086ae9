"""What a learner does on the pages, in a few words; several learners side by side, each step of all begun before the
first is waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.dashboard import desk

CLASSES = {True: "tumour", False: "no tumour seen"}  # as brain MR names them
Said = tuple[bool, int]  # whether a tumour is seen, and how sure, in percent


def type_in(page: Page, fields: Mapping[str, str]) -> None:
    """Fill fields by their labels, each entered before the next."""
    for label, value in fields.items():
        box = page.get_by_label(label, exact=True)
        box.fill(value)
        box.press("Enter")
        desk.settled(page)


def phone(browser: Browser) -> BrowserContext:
    """A phone of its own."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    context.set_default_timeout(90_000)
    return context


def join(browser: Browser, url: str, code: str, name: str, of: int) -> Page:
    """Join a class and begin its quiz of so many cases."""
    page = phone(browser).new_page()
    page.goto(f"{url}/class?code={code}")
    page.get_by_label("Name for the teacher's list").fill(name)
    page.get_by_role("button", name="Join", exact=True).click()
    page.get_by_role("button", name="Begin").click()
    at(page, 1, of)
    return page


def at(page: Page, place: int, of: int) -> None:
    """Wait for a case."""
    heading = page.get_by_role("heading", name=f"Case {place} of {of}", exact=True)
    expect(heading).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)


def fill(pages: Sequence[Page], said: Sequence[Said]) -> None:
    """Say on every page what is seen and how sure."""
    for names in zip(*[(CLASSES[finding], f"{sure} %") for finding, sure in said], strict=True):
        choices = [page.get_by_role("radio", name=name, exact=True) for page, name in zip(pages, names, strict=True)]
        for choice in choices:
            if choice.get_attribute("aria-checked") != "true":  # a second click would take it back
                choice.click()
        for page, choice in zip(pages, choices, strict=True):
            _checked(page, choice)
    for page in pages:
        expect(page.get_by_role("button", name="This is my answer")).to_be_enabled(timeout=desk.ANSWER)


def _checked(page: Page, choice: Locator) -> None:
    """Wait until a choice is made; a click that met a redraw is made again."""
    for _ in range(4):
        desk.settled(page)
        try:
            expect(choice).to_be_checked(timeout=10_000)
        except AssertionError:
            if choice.get_attribute("aria-checked") != "true":
                choice.click()
            continue
        return
    expect(choice).to_be_checked(timeout=desk.ANSWER)


def answer(*pages: Page) -> None:
    """Give what was filled in."""
    for page in pages:
        page.get_by_role("button", name="This is my answer").click()


def told(page: Page) -> None:
    """Wait for the truth."""
    expect(page.get_by_text("The truth:")).to_be_visible(timeout=desk.ANSWER)
