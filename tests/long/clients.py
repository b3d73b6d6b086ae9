"""Many API clients and browsers at once: ``python -m tests.long.clients --clients 50 --browsers 30 --minutes 10``.

Each uploads a simulated scan, has it reviewed, reads everything of the result, and begins again. No answer may be a
fault: only 429, told with when to come again, is none. They begin when the server has answered once: before, it loads
its libraries, which takes seconds and is told apart. Prints calls, refusals and the 50th, 95th and 99th percentile of
every call in milliseconds, and of ``/health`` as a process beside them sees it. Browsers open built-in scans, wait for
every model, look at the next, and count as calls likewise (:mod:`tests.long.readers`). All clients are one caller to
the server, so no more than four reviews are under way or waiting at once: most of a review's refusals are clients that
come again for their turn.

In a hospital they sit at other machines. Here they share the server's processors, and thirty browsers that draw without
a graphics card want more of them than there are: the server is served first, where the system lets it (``nice``).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, TypeVar

import numpy as np
import typer

from core import places
from core.simulate import samples
from dashboard.service.client import Client, ProblemError
from tests.dashboard.house import ROOT, House
from tests.long import readers

SAMPLES = ("brain-mr-03", "chest-ct-03", "breast-mri-01", "brain-type-01")
BUSY = 429
FIRST = ("nice", "-n", "-15")  # above a browser's own: Chromium takes -8 for what draws
T = TypeVar("T")


class Tally:
    """What all clients saw."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, list[float]] = defaultdict(list)
        self.busy: Counter[str] = Counter()
        self.faults: list[str] = []
        self._lock = threading.Lock()

    def call(self, name: str, act: Callable[[], T], end: float) -> T:
        """Do it, again where the server was busy, as long as there is time.

        Raises:
            TimeoutError: time was up.
        """
        while True:
            if time.monotonic() > end:
                raise TimeoutError
            before = time.perf_counter()
            try:
                found = act()
            except ProblemError as error:
                if error.status != BUSY or not error.retry_after:
                    raise
                with self._lock:
                    self.busy[name] += 1
                time.sleep(min(error.retry_after, max(0.0, end - time.monotonic())))
                continue
            with self._lock:
                self.milliseconds[name].append(1000 * (time.perf_counter() - before))
            return found


def one_client(url: str, number: int, tally: Tally, end: float) -> None:
    """A client until time is up; it ends at its first fault, which is kept."""
    name = SAMPLES[number % len(SAMPLES)]
    file = samples.sample_files(name)[0]
    try:
        with Client(url, timeout=300, patient=False) as overread:
            while True:
                tally.call("health", overread.health, end)
                tally.call("systems", overread.systems, end)
                study = tally.call("upload", lambda: overread.give(file), end)
                review = tally.call("review", lambda: overread.review(study), end)  # noqa: B023
                tally.call("result", lambda: overread.result(review), end)  # noqa: B023
                tally.call("report.pdf", lambda: overread.report(review), end)  # noqa: B023
                tally.call("picture", lambda: overread.picture(study), end)  # noqa: B023
                tally.call("drop", lambda: overread.drop(study), end)  # noqa: B023
    except TimeoutError:
        return
    except Exception as error:  # whatever it is: a client that ended in silence would count as one without a fault
        tally.faults.append(f"client {number}: {error!r}")


def main(
    clients: Annotated[int, typer.Option(min=1)] = 50,
    browsers: Annotated[int, typer.Option(min=0, help="Sessions in real browsers beside them.")] = 0,
    minutes: Annotated[float, typer.Option(min=0.1)] = 10.0,
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
) -> None:
    """Serve, ask, tell; exit code 1 after any fault."""
    tally = Tally()
    with TemporaryDirectory() as folder:
        house = House(Path(folder), weights, {"OVERREAD_API_PER_MINUTE": "100000"}, FIRST).start()
        try:
            began = time.monotonic()
            with Client(house.url, timeout=300) as first:
                first.systems()
            print(
                f"the first answer came {time.monotonic() - began:.1f} s after the server's port was open", flush=True
            )
            pulse = [sys.executable, "-m", "tests.long.pulse", house.url, str(60 * minutes)]
            beside = subprocess.Popen(pulse, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            end = time.monotonic() + 60 * minutes
            crowd = [
                threading.Thread(target=one_client, args=(house.url, number, tally, end)) for number in range(clients)
            ]
            for one in crowd:
                one.start()
            if browsers:
                seconds, faults = asyncio.run(readers.hold(house.url, browsers, end))
                tally.milliseconds["page"] += [1000 * one for one in seconds]
                tally.faults += faults
            for one in crowd:
                one.join()
            print(beside.communicate()[0], end="")
            if beside.returncode:
                tally.faults.append("the server did not say that it lives")
        finally:
            house.stop()
    answered = sum(map(len, tally.milliseconds.values()))
    print(f"{clients} clients, {browsers} browsers, {minutes:g} minutes: {answered} calls answered")
    for name, spent in tally.milliseconds.items():
        if not spent:
            continue
        at = np.percentile(spent, (50, 95, 99))
        spread = "  ".join(f"{label} {value:8.0f}" for label, value in zip(("p50", "p95", "p99"), at, strict=True))
        print(f"{name:12} n {len(spent):6}  429 {tally.busy[name]:5}  {spread} ms")
    for fault in tally.faults:
        print(fault)
    sys.exit(1 if tally.faults else 0)


if __name__ == "__main__":
    typer.run(main)
