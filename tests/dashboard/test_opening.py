"""What a browser is told with the page: where its server is, and that reading is in the dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.opening import SCRIPT, Opening
from tests.dashboard import desk
from tests.dashboard.conftest import Server

PAGE = "<html><head><title>x</title></head><body>" + "y" * 4000 + "</body></html>"


@pytest.fixture
def client() -> TestClient:
    routes = [
        Route("/page", lambda _: HTMLResponse(PAGE, headers={"etag": '"1"'})),
        Route("/data", lambda _: JSONResponse({"head": "<head>"})),
        Route("/bytes", lambda _: Response(b"<head>", media_type="application/octet-stream")),
    ]
    inner = [Middleware(Opening), Middleware(GZipMiddleware)]
    return TestClient(Starlette(routes=routes, middleware=inner))


def test_a_page_gets_the_script_and_nothing_else_does(client: TestClient) -> None:
    page = {"accept": "text/html,*/*"}
    answer = client.get("/page", headers=page)
    assert answer.text == PAGE.replace("<head>", f"<head>{SCRIPT}")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "etag" not in answer.headers  # it was that of the page without the script
    assert client.get("/page").text == PAGE
    assert client.get("/data", headers=page).json() == {"head": "<head>"}
    assert client.get("/bytes", headers=page).content == b"<head>"


@pytest.mark.browser
@pytest.mark.parametrize("address", ["", "review"])
def test_no_address_is_asked_in_vain_and_reading_is_dark(browser: Browser, server: Server, address: str) -> None:
    """In a browser that asks for light pages, also by way of Home; what the reader chooses in the menu holds then."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    page = context.new_page()
    missing: list[str] = []
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    page.goto(f"{server.url}/{address}")
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_css("background-color", "rgb(27, 27, 27)")
    desk.settled(page)
    if not address:
        desk.follow(page, "Review")
        expect(page.get_by_role("heading", name="Review a scan")).to_be_visible()
        expect(app).to_have_css("background-color", "rgb(27, 27, 27)")
    assert missing == []
    page.goto(f"{server.url}/{address}")
    page.evaluate("localStorage.setItem(`stActiveTheme-${location.pathname}-v2`, '\"Light\"')")
    page.reload()
    expect(app).to_have_css("background-color", "rgb(244, 244, 244)")
    context.close()
