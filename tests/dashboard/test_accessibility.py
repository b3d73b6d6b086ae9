"""No page has what axe-core calls serious or critical: in the dark, in the light, and on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from core.review import Role
from core.teaching.rules import Models, Rules
from tests.accessibility import tour
from tests.accessibility.axe import Finding, findings
from tests.dashboard import desk, readings, signin
from tests.dashboard.conftest import ROOT, Server
from tests.dashboard.house import House
from tests.teaching import school

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]
STATEMENT = ROOT / "docs" / "accessibility.md"
MENU = "ul[data-testid=stSidebarNavItems]"
KNOWN = (("list", MENU), ("listitem", f"{MENU} li"))  # Streamlit's own; the statement says why nothing is done
CONTRAST = ("color-contrast",)  # what the other theme may change
DESK, PHONE = (1440, 900), (390, 844)


@dataclass(frozen=True)
class Building:
    """A running dashboard behind a sign-in, with a case to read and a quiz."""

    house: House
    case: int
    quiz: int


@dataclass
class Look:
    """A visit, and what was found at each place of it."""

    page: Page
    rules: tuple[str, ...] = ()
    places: dict[str, list[Finding]] = field(default_factory=dict)

    def over(self, places: Iterable[str]) -> None:
        """Look at every place of a tour."""
        for place in places:
            self.places[place] = findings(self.page, KNOWN, self.rules)

    @property
    def wrong(self) -> list[str]:
        """What was found and is not known, as text."""
        return [
            f"{place}: {one.rule}: {one.target}: {one.html}: {one.told}"
            for place, found in self.places.items()
            for one in found
            if not one.known
        ]

    @property
    def known(self) -> set[tuple[str, str]]:
        """Which of the known ones were met."""
        return {(one.rule, one.known) for found in self.places.values() for one in found if one.known}


@contextmanager
def visit(browser: Browser, size: tuple[int, int], theme: str, rules: tuple[str, ...] = ()) -> Iterator[Look]:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=size == PHONE)
    context.set_default_timeout(120_000)
    kept = f"localStorage.setItem(`stActiveTheme-${{location.pathname}}-v2`, '\"{theme}\"')"
    context.add_init_script(f"try {{ {kept} }} catch {{ /* a page that keeps nothing */ }}")
    yield Look(context.new_page(), rules)
    context.close()


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    with signin.provider() as provider:
        house = signin.guarded(tmp_path_factory.mktemp("building"), provider)
        store = readings.opened(house.store)
        planted = readings.plant(store, 3)
        quiz = school.quiz(store, Rules(models=Models.NEVER, seed=3)).id or 0
        adam = store.sign_in(provider, "adam", "Adam A.", signin.ADMIN, True)
        store.set_roles(store.local_user().number or 0, adam.number or 0, list(Role))
        house.start()
        yield Building(house, planted.cases[0], quiz)
        house.stop()


def test_in_the_dark(browser: Browser, building: Building) -> None:
    url = building.house.url
    with visit(browser, DESK, "Dark") as look:
        look.page.goto(url)
        expect(look.page.get_by_role("button", name="Sign in")).to_be_visible(timeout=desk.ANSWER)
        look.over(["Sign-in"])
        desk.sign_in(look.page, url, "rosa")
        look.over([tour.at(look.page, f"{url}/archives", "Not for your role")])
        look.page.context.clear_cookies()
        desk.sign_in(look.page, url, "adam")
        look.over(tour.entrances(look.page, url))
        look.over(tour.reading(look.page, url, building.case))
        look.over(tour.teaching(look.page, url, building.quiz))
        assert look.wrong == []
        assert len(look.places) > 25
        # axe-core asks nothing of what is disabled: its words keep the colour that Streamlit gives them.
        off = look.page.get_by_role("button", name="Make the study")
        expect(off).to_be_disabled()
        assert off.evaluate("e => getComputedStyle(e.querySelector('p')).color === getComputedStyle(e).color")


def test_in_the_light(browser: Browser, building: Building) -> None:
    url = building.house.url
    with visit(browser, DESK, "Light", CONTRAST) as look:
        desk.sign_in(look.page, url, "adam")
        expect(look.page.locator("[data-testid=stApp]")).to_have_css("background-color", "rgb(244, 244, 244)")
        look.over(tour.entrances(look.page, url))
        look.over(tour.reading(look.page, url, building.case))
        look.over(tour.teaching(look.page, url, building.quiz))
        assert look.wrong == []


def test_on_a_phone(browser: Browser, building: Building) -> None:
    """What is known is met, element by element, or it would have to leave the list; and the statement names it."""
    url = building.house.url
    with visit(browser, PHONE, "Dark") as look:
        desk.sign_in(look.page, url, "adam")
        look.over(tour.entrances(look.page, url))
        look.over(tour.reading(look.page, url, building.case))
        look.over(tour.teaching(look.page, url, building.quiz))
        assert look.wrong == []
        assert look.known == set(KNOWN)
    statement = STATEMENT.read_text(encoding="utf-8")
    assert all(f"| `{rule}` | `{element}` |" in statement for rule, element in KNOWN)


@pytest.mark.parametrize(
    ("size", "theme", "rules"), [(DESK, "Dark", ()), (DESK, "Light", CONTRAST), (PHONE, "Dark", ())]
)
def test_models_and_their_evidence(
    browser: Browser, shipped: Server, size: tuple[int, int], theme: str, rules: tuple[str, ...]
) -> None:
    with visit(browser, size, theme, rules) as look:
        look.over(tour.numbers(look.page, shipped.url))
        assert look.wrong == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_reference_of_the_interface(browser: Browser, shipped: Server, theme: Literal["dark", "light"]) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": PHONE[0], "height": PHONE[1]})
    page = context.new_page()
    page.goto(f"{shipped.url}/api/docs")
    assert findings(page, KNOWN) == []
    context.close()


def test_faults_put_into_a_page_are_found(browser: Browser) -> None:
    """By hand: grey on grey, a picture without words, a button without a name."""
    page = browser.new_page()
    page.set_content(
        "<html lang=en><title>x</title><main><h1>x</h1><p style='color:#777;background:#666'>text</p>"
        "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='><button></button></main>"
    )
    found = findings(page, [("button-name", "main > button")])
    assert {(one.rule, one.known) for one in found} == {
        ("color-contrast", ""),
        ("image-alt", ""),
        ("button-name", "main > button"),
    }
    assert [one.rule for one in findings(page, [], CONTRAST)] == ["color-contrast"]
    page.close()
