"""How long a moved threshold takes to be redrawn: ``python -m tests.dashboard.redraw``; run it on a quiet machine.

Wall time runs from the key press on the slider to the frame in which the new table and picture are painted. Processor
time is what the server and all of the browser's processes took for a move; the share of the page itself is told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.dashboard.conftest import ARGS, CHROMIUM, ROOT
from tests.dashboard.house import House

WARM = 3  # moves that are not counted
# Resolves with the milliseconds from the key press to the frame after the answer is in the page.
MOVE = """async () => {
  const root = [...document.querySelectorAll('.st-key-explorer *')].map(e => e.shadowRoot)
    .find(r => r && r.querySelector('.explorer'));
  const slider = root.querySelector('input[type="range"]'), cell = root.querySelector('th.at');
  slider.focus();
  const before = cell.textContent;
  let start = 0;
  slider.addEventListener('keydown', () => { start = performance.now(); }, {once: true, capture: true});
  const done = new Promise(resolve => {
    const look = new MutationObserver(() => {
      if (cell.textContent !== before) { look.disconnect(); resolve(); }
    });
    look.observe(root, {subtree: true, childList: true, characterData: true});
  });
  window.moved = done.then(() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))))
    .then(() => performance.now() - start);
}"""


def measure(page: Page, house: House, moves: int) -> dict[str, object]:
    """Move the slider back and forth; medians by move."""
    tab = page.context.new_cdp_session(page)
    tab.send("Performance.enable")
    whole = page.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
    walls: list[float] = []
    for number in range(WARM + moves):
        if number == WARM:
            before = _processor(house, tab, whole)
        page.evaluate(MOVE)
        page.keyboard.press("ArrowRight" if number % 8 < 4 else "ArrowLeft")
        walls.append(float(page.evaluate("window.moved")))
        time.sleep(0.25)  # what is still to be done for this move belongs to it
    after = _processor(house, tab, whole)
    per_move = {name: round((after[name] - before[name]) / moves, 1) for name in after}
    counted = walls[WARM:]
    return {
        "moves": moves,
        "wall_ms": {
            "median": round(statistics.median(counted), 1),
            "p90": round(statistics.quantiles(counted, n=10)[-1], 1),
            "worst": round(max(counted), 1),
        },
        "processor_ms_per_move": per_move,
        "load": [round(v, 2) for v in os.getloadavg()],
        "cores": os.cpu_count(),
    }


def _processor(house: House, tab: CDPSession, whole: CDPSession) -> dict[str, float]:
    """Milliseconds so far: of the server, of the page's main thread, of all browser processes."""
    metrics = {m["name"]: m["value"] for m in tab.send("Performance.getMetrics")["metrics"]}
    processes = whole.send("SystemInfo.getProcessInfo")["processInfo"]
    return {
        "server": 1000 * house.processor_seconds(),
        "page": 1000 * metrics["TaskDuration"],
        "page_script": 1000 * metrics["ScriptDuration"],
        "page_layout": 1000 * (metrics["LayoutDuration"] + metrics["RecalcStyleDuration"]),
        "browser": 1000 * sum(p["cpuTime"] for p in processes),
    }


def main(arguments: list[str]) -> None:
    """Start the dashboard, open the Evidence page of a system, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", default="brain-mr")
    parser.add_argument("--moves", type=int, default=24)
    parser.add_argument("--weights", type=Path, default=ROOT / "weights")
    told = parser.parse_args(arguments)
    from core.systems import SYSTEMS

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        house = House(Path(folder), told.weights).start()
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
            page.set_default_timeout(180_000)
            page.goto(f"{house.url}/evidence")
            page.get_by_role("heading", name="Threshold explorer").wait_for()
            if told.system != "brain-mr":
                page.get_by_role("combobox", name="System").click()
                page.get_by_role("option", name=SYSTEMS[told.system].title).click()
            page.get_by_role("heading", name="Take it away").wait_for()
            page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
            page.locator("th.at").first.wait_for()
            page.wait_for_timeout(3000)
            print(json.dumps({"system": told.system} | measure(page, house, told.moves), indent=1))
        finally:
            browser.close()
            house.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
