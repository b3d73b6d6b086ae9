"""What a reader waits for after an upload, models warm: ``python -m tests.long.waits``; on a quiet machine.

Uploads, in a real browser, built-in scans of which one value is changed, so that nobody has answered them before.
Printed per scan, in seconds from the moment at which the browser has the file: the picture on the screen, the first
probability of the slice in view, that of every model, all slices; and how far things moved on the page meanwhile
(cumulative layout shift, as the browser itself counts it).
"""

from __future__ import annotations

import gzip
import io
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import nibabel as nib
import numpy as np
import typer
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from core.evidence.timing import machine_name
from tests.dashboard import desk
from tests.dashboard.conftest import CHROMIUM, ROOT, serve
from tests.viewer.conftest import PROGRAM

SCANS = ("brain-mr-03.png", "brain-type-01.png", "breast-mri-01.png", "pet-01.png", "brain-mr-01.nii.gz")
PROBABILITY = re.compile(r"[<>]?[01]\.\d\d")
ANSWERS = "table.or-table .or-bar .or-num"  # the numbers beside the bars; a row that waits tells its test AUC, too


def changed(name: str, by: int) -> dict[str, Any]:
    """A built-in scan with one value of its background changed, as the browser is given it."""
    path = desk.SAMPLES / name
    if name.endswith(".png"):
        pixels = np.array(Image.open(path))
        pixels.flat[by] ^= 1
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        return {"name": name, "mimeType": "image/png", "buffer": out.getvalue()}
    image = nib.Nifti1Image.from_bytes(gzip.decompress(path.read_bytes()))
    values = np.asarray(image.dataobj).copy()
    values.flat[by] += 1
    content = nib.Nifti1Image(values, image.affine, image.header).to_bytes()
    return {"name": name, "mimeType": "application/gzip", "buffer": gzip.compress(content)}


def waited(page: Page, url: str, file: dict[str, Any]) -> dict[str, float]:
    """Upload a file and take the times."""
    page.goto(f"{url}/review")
    page.locator("input[type=file]").first.wait_for(state="attached")
    page.wait_for_timeout(1500)
    desk.settled(page)
    desk.watch_shifts(page)
    start, times = time.perf_counter(), {}

    def until(what: str, there: Callable[[], bool]) -> None:
        while not there():
            if time.perf_counter() - start > 300:
                raise TimeoutError(f"{file['name']}: no {what} after 300 s")
            page.wait_for_timeout(15)
        times[what] = time.perf_counter() - start

    desk.give(page, file)
    until("picture", lambda: page.locator(".reader[data-shown]").count() > 0)
    said = page.locator(ANSWERS)
    until("first", lambda: any(PROBABILITY.search(text) for text in said.all_inner_texts()))
    until("models", lambda: page.locator("table.or-table[aria-busy=false]").count() > 0)
    desk.answered(page)
    times["all"] = time.perf_counter() - start
    times["shift"] = desk.shifted(page)
    return times


@contextmanager
def dashboard() -> Iterator[str]:
    """The dashboard as it is shipped."""
    with tempfile.TemporaryDirectory() as folder:
        for server in serve(ROOT / "weights", Path(folder) / "server.log"):
            yield server.url


def main(repeats: Annotated[int, typer.Option(help="Uploads of each scan; medians are printed.")] = 5) -> None:
    """Print what was measured."""
    with dashboard() as url, sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=PROGRAM)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(300_000)
        print(f"{machine_name()}, load {os.getloadavg()[0]:.1f}; seconds, median of {repeats}", flush=True)
        print(f"{'':22}{'picture':>9}{'first':>9}{'models':>9}{'all':>9}{'shift':>9}", flush=True)
        for scan in SCANS:
            waited(page, url, changed(scan, 0))  # models warm
            told = [waited(page, url, changed(scan, n + 1)) for n in range(repeats)]
            line = {key: statistics.median(one[key] for one in told) for key in told[0]}
            print(f"{scan:22}" + "".join(f"{value:9.2f}" for value in line.values()), flush=True)
        browser.close()


if __name__ == "__main__":
    typer.run(main)
