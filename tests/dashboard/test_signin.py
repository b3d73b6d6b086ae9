"""Signing in with a real identity provider (a mock of one, over HTTP), roles from the store, and idle time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from core.review import Role, Store
from dashboard.kit.idle import SignIns
from tests.dashboard import desk, signin
from tests.dashboard.house import House

MENU = ("Worklist", "Read a case", "Arbitration", "Archives", "Records")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


def test_a_sign_in_ends_after_idle_time_and_stays_ended() -> None:
    clock = Clock()
    known = SignIns(1800.0, clock)
    since = clock.time
    for _ in range(5):
        clock.time += 1700.0
        assert known.use("a", since)
    clock.time += 1700.0
    assert known.good("a", since)  # looking is no use: it does not put off the end
    clock.time += 101.0
    assert not known.good("a", since)
    assert not known.use("a", since)
    assert known.use("b", clock.time)


def test_after_a_restart_an_old_cookie_opens_nothing() -> None:
    clock = Clock()
    assert not SignIns(1800.0, clock).use("a", clock.time - 1801.0)
    assert SignIns(1800.0, clock).use("a", clock.time - 1799.0)


def test_signing_out_ends_every_tab() -> None:
    known = SignIns(1800.0)
    since = known._clock()
    assert known.use("a", since)
    known.end("a")
    assert not known.good("a", since)
    assert not known.use("a", since)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with signin.provider() as address:
        yield address


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[House]:
    house = signin.guarded(tmp_path_factory.mktemp("guarded"), provider).start()
    yield house
    house.stop()


@pytest.fixture
def visit(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.set_default_timeout(90_000)
    yield context
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("address", ["", "review?sample=brain-mr-03", "worklist", "read?case=1", "records", "evidence"])
def test_nothing_is_served_before_signing_in(visit: BrowserContext, guarded: House, address: str) -> None:
    page = visit.new_page()
    page.goto(f"{guarded.url}/{address}")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=desk.ANSWER)
    desk.settled(page)
    assert page.get_by_role("link", name="Home").count() == 0
    assert page.locator("img").count() == 0
    assert "Brain MR" not in page.content()


@pytest.mark.browser
def test_roles_come_from_the_store_and_hold_at_once(visit: BrowserContext, guarded: House) -> None:
    page = visit.new_page()
    desk.sign_in(page, guarded.url, "rosa")
    expect(page.get_by_text("Second opinion", exact=True)).to_have_count(0)
    page.goto(f"{guarded.url}/worklist")
    expect(page.get_by_text("your roles: none yet")).to_be_visible(timeout=desk.ANSWER)

    store = Store.open(str(guarded.store))
    rosa = next(user for user in store.users() if user.subject == "rosa")
    assert rosa.roles == []
    store.set_roles(store.local_user().number or 0, rosa.number or 0, [Role.REVIEWER])
    page.goto(f"{guarded.url}/worklist")
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible(timeout=desk.ANSWER)
    page.goto(f"{guarded.url}/archives")
    expect(page.get_by_role("heading", name="Not for your role")).to_be_visible(timeout=desk.ANSWER)

    store.set_active(store.local_user().number or 0, rosa.number or 0, False)
    page.goto(f"{guarded.url}/worklist")
    expect(page.get_by_role("heading", name="Worklist")).to_have_count(0, timeout=desk.ANSWER)
    expect(page.get_by_text("This account was deactivated.")).to_be_visible(timeout=desk.ANSWER)


@pytest.mark.browser
def test_the_operator_names_the_first_admin_by_verified_address(visit: BrowserContext, guarded: House) -> None:
    page = visit.new_page()
    desk.sign_in(page, guarded.url, "mallory")
    page.goto(f"{guarded.url}/records")
    expect(page.get_by_role("heading", name="Not for your role")).to_be_visible(timeout=desk.ANSWER)
    visit.clear_cookies()
    desk.sign_in(page, guarded.url, "adam")
    page.goto(f"{guarded.url}/records")
    expect(page.get_by_role("tab", name="People")).to_be_visible(timeout=desk.ANSWER)


@pytest.mark.browser
def test_signing_out_in_one_tab_ends_the_other(visit: BrowserContext, guarded: House) -> None:
    first, second = visit.new_page(), visit.new_page()
    desk.sign_in(first, guarded.url, "adam")
    cookies = visit.cookies()
    second.goto(guarded.url)
    expect(second.get_by_role("button", name="Reader")).to_be_visible(timeout=desk.ANSWER)
    first.get_by_role("button", name="Reader").click()
    first.get_by_role("button", name="Sign out").click()
    expect(second.get_by_text("You have signed out.")).to_be_visible(timeout=desk.ANSWER)
    visit.add_cookies(cookies)  # a cookie kept from before opens nothing either
    second.goto(f"{guarded.url}/records")
    expect(second.get_by_text("You have signed out.")).to_be_visible(timeout=desk.ANSWER)


@pytest.mark.browser
def test_an_unattended_page_is_cleared(visit: BrowserContext, tmp_path: Path, provider: str) -> None:
    house = signin.guarded(tmp_path, provider, 0.4).start()
    try:
        page = visit.new_page()
        desk.sign_in(page, house.url, "adam")
        expect(page.get_by_text("You were signed out")).to_be_visible(timeout=desk.ANSWER)
        # whatever the person saw, the person, and the menu are gone
        expect(page.get_by_role("button", name="Reader 1")).to_have_count(0)
        for name in ("Home", "Second opinion", "Review"):
            expect(page.get_by_text(name, exact=True)).to_have_count(0)
        expect(page.locator("[data-testid=stMain] h1")).to_have_text("Overread")
        page.reload()
        expect(page.get_by_text("You were signed out")).to_be_visible(timeout=desk.ANSWER)
    finally:
        house.stop()
