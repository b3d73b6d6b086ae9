"""Frames a second that the client draws, and memory of a page: ``python -m tests.long.frames``; on a quiet machine.

A frame counts when Cornerstone has drawn it. The slice after the one that is drawn, or another window, is asked for as
often as a mouse does, of 120 slices of 512 x 512 pixels; all rendering is in software, as on a machine without a
graphics card.
Memory is the renderer's resident set, and the heap of its JavaScript, with five such series open on one page.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.dashboard.conftest import CHROMIUM
from tests.viewer.conftest import LOADED, PROGRAM, opened, served

VIEWERS = 5
# Resolves with frames drawn, changes asked for, and seconds. Asked every 8 ms, between frames, as a mouse does.
RUN = """async (reader, [what, seconds]) => {
  const pane = reader.overread.panes[0], last = pane.store.count - 1;
  const start = performance.now(), before = pane.frames;
  let asked = 0;
  await new Promise((done) => {
    const next = () => {
      if (performance.now() - start > 1000 * seconds) return done();
      const at = (pane.frames - before) % (2 * last);
      asked += 1;
      if (what === "slices") pane.go(at <= last ? at : 2 * last - at);
      else pane.setWindow({ centre: 40 + 60 * Math.sin(asked / 9), width: 350 + 100 * Math.cos(asked / 7) });
      setTimeout(next, 8);
    };
    next();
  });
  return [pane.frames - before, asked, (performance.now() - start) / 1000];
}"""


def rate(page: Page, what: str, seconds: float) -> str:
    """Frames a second while slices or windows change."""
    drawn, asked, took = page.locator(".reader").first.evaluate(RUN, [what, seconds])
    return f"{what}: {drawn / took:.1f} frames a second drawn ({asked / took:.1f} asked for, {took:.1f} s)"


def memory(page: Page, browser: Browser) -> str:
    """Resident set of the largest renderer, and the JavaScript heap of the page, in MiB."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    sizes = [_resident(int(one["id"])) for one in processes if one["type"] == "renderer"]
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return f"{max(sizes):.0f} MiB resident, {metrics['JSHeapUsedSize'] / 2**20:.0f} MiB of JavaScript heap"


def _resident(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=PROGRAM)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(300_000)
        opened(page, f"{url}/?case=ct")
        for what in ("slices", "windows"):
            print(rate(page, what, seconds), flush=True)
        print(f"one series: {memory(page, browser)}", flush=True)
        page.goto(f"{url}/?case=ct&viewers={VIEWERS}")
        for number in range(VIEWERS):
            page.locator(LOADED).nth(number).wait_for()
        print(f"{VIEWERS} series: {memory(page, browser)}", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
