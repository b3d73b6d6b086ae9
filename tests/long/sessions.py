"""What a browser session costs the server: ``python -m tests.long.sessions``; on a quiet machine.

One session reads every scan first, so that models, libraries and thread pools are there, and closes. Then further
sessions open, each reading one scan, and stay. Printed are the server's resident memory in MiB before them, with each
number of them, what one further session takes, and what is left so many seconds after all have closed. The same is
done a second time: what was left the first time may be room that the second fills again.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from core import places
from core.evidence.timing import machine_name
from tests.dashboard import desk
from tests.dashboard.conftest import ARGS, CHROMIUM
from tests.dashboard.house import House
from tests.long.figures import keep

SCANS = ("brain-mr-01", "chest-ct-03", "breast-mri-01", "brain-type-01", "pet-01")
COUNTS = (1, 5, 10)
MOST_MIB, GIVEN_BACK_SECONDS = 30.0, 60


def resident(house: House) -> float:
    """Memory of the server process in MiB."""
    for line in Path(f"/proc/{house.number}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("the system does not tell the memory of a process")


def reading(browser: Browser, url: str, scans: tuple[str, ...]) -> BrowserContext:
    """A session of its own that has read scans, the last one still on its screen."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(desk.ANSWER)
    page = context.new_page()
    for scan in scans:
        desk.open_sample(page, url, scan)
    return context


def wave(browser: Browser, house: House, wait: float) -> dict[str, Any]:
    """Sessions come, read, and go."""
    before = resident(house)
    told: dict[str, Any] = {"before": round(before), "with": {}}
    crowd: list[BrowserContext] = []
    for count in COUNTS:
        while len(crowd) < count:
            crowd.append(reading(browser, house.url, (SCANS[len(crowd) % len(SCANS)],)))
        time.sleep(2)
        told["with"][str(count)] = round(resident(house))
    told["a_session"] = round((told["with"][str(COUNTS[-1])] - before) / COUNTS[-1], 1)
    for context in crowd:
        context.close()
    time.sleep(wait)
    told["after"] = round(resident(house))
    return told


def main(
    weights: Annotated[Path, typer.Option(help="Folder with the models.")] = places.WEIGHTS,
    wait: Annotated[float, typer.Option(help="Seconds after the last has closed.")] = GIVEN_BACK_SECONDS,
    figures: Annotated[Path | None, typer.Option(help="Add the figures to this file, as docs/figures.json.")] = None,
) -> None:
    """Measure and print; exit code 1 where a session takes more than it may or does not give it back."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        house = House(Path(folder), weights).start()
        try:
            started = resident(house)
            reading(browser, house.url, SCANS).close()
            time.sleep(wait)
            waves = [wave(browser, house, wait) for _ in range(2)]
        finally:
            house.stop()
            browser.close()
    told = {"started_mib": round(started), "seconds_after": wait, "waves": waves}
    print(f"{machine_name()}, load {os.getloadavg()[0]:.1f}; MiB: {started:.0f} after the start")
    for one in waves:
        print(one)
    if figures is not None:
        keep(figures, "memory_of_sessions", "python -m tests.long.sessions", told)
    left = [one["after"] - one["before"] for one in waves]
    good = all(one["a_session"] <= MOST_MIB for one in waves) and left[-1] <= MOST_MIB
    print(f"a further session takes {waves[-1]['a_session']} MiB; {left[-1]} MiB are left of {COUNTS[-1]} sessions")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    typer.run(main)
