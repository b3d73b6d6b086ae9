"""The dashboard, with reviews that wait for a file: ``python -m tests.dashboard.held_back PORT``.

In the folder ``OVERREAD_HELD``: no review begins before there is a file ``go``; one that finds ``fail`` fails. Pages
look for new answers every ``OVERREAD_POLL`` seconds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from streamlit.web import cli

from core.engine.course import Course
from core.engine.results import Review
from core.errors import EngineBusyError
from dashboard.kit import jobs

HELD = Path(os.environ["OVERREAD_HELD"])
jobs.pace = lambda _: float(os.environ["OVERREAD_POLL"])
_run = Course.run


def run(self: Course, *, stop: Callable[[], bool] | None = None, shown: bool = False) -> Review:
    """Wait, then review."""
    while not (HELD / "go").exists():
        if stop is not None and stop():
            raise InterruptedError
        time.sleep(0.02)
    if (HELD / "fail").exists():
        raise EngineBusyError("All places are taken.", "Try again in a minute.")
    return _run(self, stop=stop, shown=shown)


if __name__ == "__main__":
    Course.run = run  # type: ignore[method-assign,assignment]
    sys.argv = ["streamlit", "run", "dashboard/Home.py", "--server.port", sys.argv[1]]
    cli.main()
