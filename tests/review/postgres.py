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


@contextmanager
def server() -> Iterator[str]:
    """Address of a running server, ``postgresql+pg8000://overread@127.0.0.1:PORT``, without a database's name."""
    folder = Path(tempfile.mkdtemp(prefix="overread-pg-"))
    user, port = _unprivileged(), _free_port()
    if user:
        shutil.chown(folder, user)
    quiet = {"cwd": folder, "user": user, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    data = folder / "data"
    init = ["initdb", "-D", str(data), "-U", "overread", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
    subprocess.run([str(_programs() / init[0]), *init[1:]], check=True, timeout=120, **quiet)  # type: ignore[call-overload]
    options = ["-h", "127.0.0.1", "-p", str(port), "-k", "", "-F", "-c", "shared_buffers=16MB"]
    process = subprocess.Popen([str(_programs() / "postgres"), "-D", str(data), *options], **quiet)  # type: ignore[call-overload]
    try:
        for _ in range(600):
            assert process.poll() is None, "the server did not start"
            try:
                pg8000.dbapi.connect(user="overread", host="127.0.0.1", port=port, database="postgres").close()
                break
            except (pg8000.dbapi.InterfaceError, pg8000.dbapi.DatabaseError, OSError):
                time.sleep(0.1)
        yield f"postgresql+pg8000://overread@127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def new_database(address: str, name: str) -> str:
    """URL of a new, empty database on the server."""
    port = int(address.rsplit(":", 1)[1])
    connection = pg8000.dbapi.connect(user="overread", host="127.0.0.1", port=port, database="postgres")
    connection.autocommit = True
    connection.cursor().execute(f'CREATE DATABASE "{name}"')
    connection.close()
    return f"{address}/{name}"
