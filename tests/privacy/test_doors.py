"""Every page for nobody and every role, and requests that another page had a browser send: what is answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser
from websockets.exceptions import InvalidStatus

from core.review import Role, Store
from dashboard.kit.routes import ROUTES
from tests.dashboard import desk, signin
from tests.dashboard.house import House
from tests.privacy import visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
R, A, L, T, S, D = Role.REVIEWER, Role.ARBITER, Role.LEAD, Role.TEACHER, Role.STUDENT, Role.ADMIN
# Written by hand, beside the program's own table: whoever changes that one says so here too.
OPEN: dict[str, set[Role]] = {
    "review": {R, A, L, T, S, D},
    "worklist": {R, A, L},
    "read": {R, L},
    "arbitration": {A, L},
    "archives": {L},
    "records": {R, A, L, D},
    "learn": {R, A, L, T, S},
    "teach": {T},
    "models": {R, A, L, T, S, D},
    "evidence": {R, A, L, T, S, D},
    "dataset": {R, A, L, T, S, D},
}
HOME, CLASS = "", "class"
REFUSED, DOOR = "Not for your role", "Sign in to go on."
FOREIGN = "https://evil.example"


@dataclass(frozen=True)
class Guarded:
    """A running dashboard behind a sign-in, one person's cookies there, and the person's number."""

    house: House
    store: Store
    cookies: Mapping[str, str]
    person: int


@pytest.fixture(scope="module")
def guarded(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with signin.provider() as provider:
        house = signin.guarded(tmp_path_factory.mktemp("doors"), provider).start()
        context = browser.new_context()
        desk.sign_in(context.new_page(), house.url, "rosa")
        cookies = {one["name"]: one["value"] for one in context.cookies(house.url)}
        context.close()
        store = Store.open(str(house.store))
        person = next(user for user in store.users() if user.subject == "rosa")
        yield Guarded(house, store, cookies, person.number or 0)
        house.stop()


def test_no_page_is_left_out() -> None:
    assert {route.url for route in ROUTES} == {HOME, CLASS, *OPEN}


@pytest.mark.parametrize("page", [route.url for route in ROUTES])
def test_without_a_sign_in_every_page_is_a_door(guarded: Guarded, page: str) -> None:
    title, text = visitor.heading(guarded.house.url, page, {})
    wanted = ("Join the class", "") if page == CLASS else ("Overread", DOOR)
    assert (title, text if page != CLASS else "") == wanted


@pytest.mark.parametrize("role", [None, *Role], ids=str)
def test_a_role_opens_its_pages_and_no_other(guarded: Guarded, role: Role | None) -> None:
    local = guarded.store.local_user().number or 0
    guarded.store.set_roles(local, guarded.person, [role] if role else [])
    for page, roles in OPEN.items():
        title, text = visitor.heading(guarded.house.url, page, guarded.cookies)
        assert text != DOOR, page
        assert (title == REFUSED) == (role not in roles), (page, role, title)
    title, text = visitor.heading(guarded.house.url, HOME, guarded.cookies)
    assert title == "Overread"
    assert text not in (DOOR, "")


def test_cookies_without_the_word_against_cross_site_requests_are_nobodys(guarded: Guarded) -> None:
    """A page elsewhere can have the cookies sent, but cannot read them to say them again."""
    url, cookies = guarded.house.url, dict(guarded.cookies)
    cookies.pop(visitor.XSRF, None)
    with visitor.opened(url, cookies | {visitor.XSRF: visitor.xsrf(url)}, "guessed") as socket:
        assert socket.protocol.state.name == "OPEN"
        assert visitor.heading_over(socket, url, "review") == ("Overread", DOOR)


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://localhost.evil.example:8501"])
def test_the_pages_socket_is_refused_to_other_pages(guarded: Guarded, origin: str) -> None:
    url, token = guarded.house.url, visitor.xsrf(guarded.house.url)
    with pytest.raises(InvalidStatus, match="403"):
        visitor.opened(url, {**guarded.cookies, visitor.XSRF: token}, token, origin)


CROSS = {"Origin": FOREIGN, "Sec-Fetch-Site": "cross-site"}
BODIES: tuple[dict[str, Any], ...] = (  # what a form can send without asking first
    {"data": {"name": "x"}},
    {"files": {"file": ("a.png", b"x", "image/png")}},
    {"content": "{}"},
)
WRITES = ("POST", "PUT", "PATCH", "DELETE")
ADDRESSES = (
    *(f"/{route.url}" for route in ROUTES),
    "/predict/",
    "/health",
    "/model-info",
    "/api/v1/studies",
    "/api/v1/archives",
    "/api/v1/cases/1/opinions",
    "/api/predict/",
    "/viewer/client/x.js",
    "/viewer/token/part",
    "/media/x",
    "/component/x/y",
    "/_stcore/upload_file/session/file",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/_stcore/agent/interact",
    "/_stcore/agent/mcp",
    "/auth/login",
    "/auth/logout",
    "/oauth2callback",
)


def test_what_another_page_posts_does_nothing(guarded: Guarded) -> None:
    """Forms and scripts of a page elsewhere, with this person's cookies, to everything the server answers under."""
    url = guarded.house.url
    before = guarded.store.audit_trail(limit=1)[0].seq
    with httpx.Client(base_url=url, cookies=dict(guarded.cookies), timeout=120) as client:
        for address in ADDRESSES:
            for method in WRITES:
                for body in BODIES:
                    answer = client.request(method, address, headers=CROSS, **body)
                    assert 400 <= answer.status_code < 500, (method, address, answer.status_code)
                    assert answer.headers.get("access-control-allow-origin") not in (FOREIGN, "*"), (method, address)
    assert guarded.store.audit_trail(limit=1)[0].seq == before


def test_an_upload_takes_the_word_against_cross_site_requests(guarded: Guarded) -> None:
    """From this server's own page too: without it refused, with it taken as far as the session, which is not there."""
    url = guarded.house.url
    token = visitor.xsrf(url)
    address, files = f"{url}/_stcore/upload_file/session/file", {"file": ("a.png", b"x", "image/png")}
    own = {"Origin": url}
    assert httpx.put(address, files=files, headers=own).status_code == 403
    assert httpx.put(address, files=files, headers=own, cookies={visitor.XSRF: token}).status_code == 403
    said = own | {"X-Xsrftoken": token}
    assert httpx.put(address, files=files, headers=said, cookies={visitor.XSRF: token}).status_code == 400


def test_the_way_for_programs_without_a_browser_is_closed(guarded: Guarded) -> None:
    """Streamlit can be driven over HTTP, without any sign-in of this program: not here."""
    url = guarded.house.url
    for path, body in (("interact", {"page": "review"}), ("mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})):
        told = httpx.post(f"{url}/_stcore/agent/{path}", json=body)
        assert told.status_code in (400, 403)
        assert "turn it on with `server.enableAgentApi`" in told.text
