"""A real PostgreSQL server for the tests: fresh, on a free port of this machine only, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pg8000.dbapi


def _programs() -> Path:
    """Folder of initdb and postgres; Debian keeps them out of the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert folders, "these tests need PostgreSQL: run .ci/install-tools"
    return folders[-1]


def _unprivileged() -> str | None:
    """The server refuses to run as root; there it runs as this user."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server that a test may stop and start again.

    Attributes:
        address: ``postgresql+pg8000://overread@127.0.0.1:PORT``, without a database's name.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="overread-pg-"))
        user, self._port = _unprivileged(), _free_port()
        if user:
            shutil.chown(self._folder, user)
        self.address = f"postgresql+pg8000://overread@127.0.0.1:{self._port}"
        self._how = {"cwd": self._folder, "user": user, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        self._process: subprocess.Popen[bytes] | None = None
        init = ["-D", str(self._folder / "data"), "-U", "overread", "-A", "trust", "-E", "UTF8", "--no-sync"]
        command = [str(_programs() / "initdb"), *init, "--locale=C"]
        subprocess.run(command, check=True, timeout=120, **self._how)  # type: ignore[call-overload]

    def start(self) -> None:
        """Start and wait until it answers."""
        options = ["-h", "127.0.0.1", "-p", str(self._port), "-k", "", "-F", "-c", "shared_buffers=16MB"]
        command = [str(_programs() / "postgres"), "-D", str(self._folder / "data"), *options]
        self._process = subprocess.Popen(command, **self._how)  # type: ignore[call-overload]
        for _ in range(600):
            assert self._process.poll() is None, "the server did not start"
            try:
                pg8000.dbapi.connect(user="overread", host="127.0.0.1", port=self._port, database="postgres").close()
                return
            except (pg8000.dbapi.InterfaceError, pg8000.dbapi.DatabaseError, OSError):
                time.sleep(0.1)
        raise AssertionError("the server did not answer")

    def stop(self) -> None:
        """At once, as when its machine goes down: no connection is told, nothing is written any more."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=30)
            self._process = None

    def remove(self) -> None:
        """Stop it; nothing of it is kept."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def server() -> Iterator[str]:
    """Address of a running server, see :class:`Server`."""
    running = Server()
    try:
        running.start()
        yield running.address
    finally:
        running.remove()


def new_database(address: str, name: str) -> str:
    """URL of a new, empty database on the server."""
    port = int(address.rsplit(":", 1)[1])
    connection = pg8000.dbapi.connect(user="overread", host="127.0.0.1", port=port, database="postgres")
    connection.autocommit = True
    connection.cursor().execute(f'CREATE DATABASE "{name}"')
    connection.close()
    return f"{address}/{name}"
