"""OpenVINO reports its use when it is imported; opened through Overread it asks for no host and leaves no identity."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOOK = """
import sys, time
def hook(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect"):
        with open(sys.argv[1], "a") as out:
            print(event, file=out)
        raise OSError("nobody is asked")
sys.addaudithook(hook)
from core.packages import package
package("openvino").Core()
package("openvino.frontend.pytorch.ts_decoder")
time.sleep(2)
"""


def test_nothing_is_sent_and_nothing_left_behind(tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(log)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert not log.exists()
    assert list(home.iterdir()) == []
