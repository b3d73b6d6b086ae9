"""A dashboard with its own store: started, killed and started again as a test wants it."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180


class House:
    """One server process over one folder.

    Args:
        folder: where store, log and secrets lie; kept when the process is killed.
        weights: folder with models.
        settings: further environment variables.
        under: a program, with its words, that runs the server as its child or becomes it.
        root: folder with the code that serves.
        served: what is started, to which the port is added.
    """

    def __init__(
        self,
        folder: Path,
        weights: Path,
        settings: dict[str, str] | None = None,
        under: Sequence[str] = (),
        root: Path = ROOT,
        served: Sequence[str] = ("-m", "streamlit", "run", "dashboard/Home.py", "--server.port"),
    ) -> None:
        self.folder = folder
        self._root = root
        self._served = tuple(served)
        self.weights = weights
        self.store = folder / "store"
        self.log = folder / "server.log"
        self.port = _free_port()
        self.url = f"http://localhost:{self.port}"
        self._settings = {
            "OVERREAD_WEIGHTS": str(weights),
            "OVERREAD_STORE": str(self.store),
            "OMP_NUM_THREADS": "1",
            **(settings or {}),
        }
        self._under = tuple(under)
        self._process: subprocess.Popen[bytes] | None = None

    def secrets(self, text: str) -> None:
        """Give it a ``secrets.toml``, as a reader's ``.streamlit`` folder holds one."""
        path = self.folder / "secrets.toml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        self._settings["STREAMLIT_SECRETS_FILES"] = str(path)

    def sign_in_with(self, provider: str) -> None:
        """Have people sign in with an identity provider at an address."""
        self.secrets(
            f"""
            [auth]
            redirect_uri = "{self.url}/oauth2callback"
            cookie_secret = "{secrets.token_hex(32)}"
            client_id = "overread"
            client_secret = "not checked"
            server_metadata_url = "{provider}/.well-known/openid-configuration"
            """
        )

    def start(self) -> House:
        """Start and wait until it answers."""
        command = [*self._under, sys.executable, *self._served, str(self.port)]
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                command, cwd=self._root, env=os.environ | self._settings, stdout=out, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self._process.poll() is None, f"the server ended: {self.log.read_text()[-3000:]}"
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        return self
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"the server did not start: {self.log.read_text()[-3000:]}")

    @property
    def number(self) -> int:
        """Of the process."""
        assert self._process is not None
        return self._process.pid

    def processor_seconds(self) -> float:
        """Processor time that the server process has taken so far."""
        stat = Path(f"/proc/{self.number}/stat").read_text(encoding="ascii")
        user, kernel = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(kernel)) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """As a power cut does it: SIGKILL, no farewell."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)
            self._process = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
