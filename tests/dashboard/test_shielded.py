"""A browser runs this server's scripts alone, hands nothing to others, and is told so with every answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.shielded import HEADERS, Shielded, policy
from tests.dashboard import desk
from tests.dashboard.conftest import Server


def test_what_an_answer_says_itself_stays() -> None:
    own = {"Content-Security-Policy": "default-src 'none'"}
    routes = [
        Route("/page", lambda _: HTMLResponse("<p>")),
        Route("/own", lambda _: Response("x", headers=own)),
    ]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(Shielded)]))
    for address in ("/page", "/own", "/nowhere"):
        for name, value in HEADERS.items():
            assert client.get(address).headers[name] == value
    assert client.get("/page").headers["content-security-policy"] == policy()
    assert client.get("/own").headers.get_list("content-security-policy") == ["default-src 'none'"]


@pytest.mark.browser
def test_pages_live_under_the_policy_and_what_got_in_does_not(drawing: Browser, server: Server) -> None:
    """Written into a page, a script does not run, and nothing can be sent to another server or read from one.

    In the browser where the viewer, which Streamlit hands over as a blob, can draw.
    """
    context = drawing.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda told: refused.append(told.text) if "Content Security Policy" in told.text else None)
    page.goto(f"{server.url}/review?sample=brain-mr-03")
    expect(page.locator(".reader canvas").first).to_be_visible(timeout=desk.ANSWER)
    desk.answered(page)
    assert refused == []
    ran = page.evaluate(
        """async () => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          const sent = await fetch("http://127.0.0.1:9/", { mode: "no-cors" }).then(() => "sent", () => "not sent");
          return [window.ran === true, sent];
        }"""
    )
    assert ran == [False, "not sent"]
    assert any("script-src" in text for text in refused)
    assert any("connect-src" in text for text in refused)
    context.close()
