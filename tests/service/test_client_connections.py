"""The client does not ask on a connection that the server may be closing."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dashboard.service import client
from dashboard.service.client import Client

SERVER_SECONDS = 5.0  # uvicorn's, which Streamlit leaves as it is


def test_a_connection_is_closed_on_this_side_well_before_the_server_does() -> None:
    connections: list[int] = []

    class Health(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            connections.append(len(connections))
            super().setup()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Client(f"http://127.0.0.1:{server.server_port}") as overread:
            overread.health()
            overread.health()
            assert len(connections) == 1  # as long as it is in use
            time.sleep(client.IDLE_SECONDS + 0.2)
            overread.health()
            assert len(connections) == 2
    finally:
        server.shutdown()
        server.server_close()
    assert client.IDLE_SECONDS < SERVER_SECONDS / 2
