"""Measure two builds in turns, each in processes of its own, and put the figures into docs/benchmarks.

Every round asks one process of each build; medians over the rounds are told. Both read the very same simulated scans
with the models that both have, each its own weights of them. Programs compiled for this machine are part of a build
that has them, and are made before anything is measured. Some twenty minutes of an idle machine with two processors.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from playwright.sync_api import Browser, Page, sync_playwright

from core import places
from core.evidence.timing import machine_name
from core.weights.store import load_model
from tests.dashboard import desk
from tests.dashboard.conftest import ARGS, CHROMIUM
from tests.dashboard.house import ROOT, House
from tests.long.builds import scans
from tests.long.builds.trees import Ended, Tree, ask, both, models
from tests.long.waits import ANSWERS, PROBABILITY
from trainers.commands.speed import page as benchmark_page
from trainers.measuring.speed import matrix_rate, operations

WORK = str(Path(__file__).with_name("work.py"))
PARTS = ("series", "archive", "evaluate", "start", "memory")
SERIES = {"all": "everything", "answers": "answers and masks", "view": "the slice in view"}
SAMPLE = "brain-mr-03"
MOST_EVALUATED = 2  # rounds
Taken = dict[tuple[str, str], list[float]]  # by figure and build


def series(trees: tuple[Tree, Tree], rounds: int, folder: Path, taken: Taken) -> None:
    """A series of 24 slices: everything, answers and masks alone, and the slice in view."""
    stacks = {"brain-mr": scans.brain_stack(folder), "chest-ct": scans.chest_stack(folder)}
    for _ in range(rounds):
        for system, file in stacks.items():
            warm = str(places.SAMPLES / f"{system}-03.png")
            for tree in trees:
                told = json.loads(_work(tree, "series", str(tree.weights), system, str(file), warm).said)
                for name, what in SERIES.items():
                    taken[f"{system}: {scans.SLICES} slices, {what}, s", tree.name].append(told[name])


def archive(trees: tuple[Tree, Tree], rounds: int, folder: Path, taken: Taken, images: int) -> None:
    """Scoring of an archive in a store, and of the same folder into a table where a build can."""
    crops = scans.crops(folder / "crops", images)
    stores = {}
    for tree in trees:
        stores[tree.name] = folder / f"store-{tree.name}"
        words = ("import", "bench", str(crops), "--system", "breast-mri", "--store", str(stores[tree.name]))
        ask(tree, "-m", "core.review.archives", *words)
    warm = str(places.SAMPLES / "breast-mri-01.png")
    for number in range(rounds):
        for tree in trees:
            store = folder / f"store-{tree.name}-{number}"
            shutil.copytree(stores[tree.name], store)
            ended = _work(tree, "archive", str(tree.weights), "breast-mri", str(store), warm)
            told = json.loads(ended.said)
            taken["archive: images a second", tree.name].append(told["images"] / told["seconds"])
            taken["archive: largest memory, MiB", tree.name].append(ended.peak_mib)
            shutil.rmtree(store)


def evaluate(trees: tuple[Tree, Tree], rounds: int, folder: Path, taken: Taken, slices: int) -> None:
    """Processor minutes of ``evaluate`` on a thousand brain slices: on the line through a fifth of the slices and all,
    so that what a run costs whatever its size counts once. Twice at most: it is long, and processor time varies little.
    """
    counts = (slices // 20 * 4, slices)
    sets = [scans.brain_set(folder / f"brains-{count}", count) for count in counts]
    for _ in range(min(rounds, MOST_EVALUATED)):
        for tree in trees:
            few, many = (_evaluated(tree, data) for data in sets)
            minutes = many + (1000 - counts[1]) * (many - few) / (counts[1] - counts[0])
            taken["evaluate: processor minutes of 1,000 brain slices", tree.name].append(minutes)


def _evaluated(tree: Tree, data: Path) -> float:
    words = ("--system", "brain-mr", "--data", str(data), "--weights", str(tree.weights))
    return ask(tree, "-m", "trainers", "evaluate", *words).processor_seconds / 60


def start(trees: tuple[Tree, Tree], rounds: int, folder: Path, taken: Taken) -> None:
    """From the start of the server to its first page, and to the first answer on a sample, in a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        for number in range(rounds):
            for tree in trees:
                place = folder / f"house-{tree.name}-{number}"
                page, answer = (
                    _start(browser, tree, place, "", _home),
                    _start(browser, tree, place, f"/review?sample={SAMPLE}", _answer),
                )
                taken["start to first page, s", tree.name].append(page)
                taken["start to first answer on a sample, s", tree.name].append(answer)
        browser.close()


def _start(browser: Browser, tree: Tree, place: Path, address: str, wait: Callable[[Page], None]) -> float:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(desk.ANSWER)
    threads = {"OMP_NUM_THREADS": str(os.cpu_count())}
    house = House(place, tree.weights, tree.environment | threads, root=tree.folder)
    began = time.perf_counter()
    try:
        house.start()
        page.goto(f"{house.url}{address}")
        wait(page)
        return time.perf_counter() - began
    finally:
        page.close()
        house.stop()


def _home(page: Page) -> None:
    page.get_by_role("heading", name="Overread", exact=True).first.wait_for()


def _answer(page: Page) -> None:
    said, end = page.locator(ANSWERS), time.monotonic() + desk.ANSWER / 1000
    while not any(PROBABILITY.search(text) for text in said.all_inner_texts()):
        assert time.monotonic() < end, "no answer"
        page.wait_for_timeout(15)


def memory(tree: Tree, folder: Path, counts: tuple[int, int]) -> dict[str, Any]:
    """Largest memory of ``overread score`` over a short and a long folder, and its images a second over the latter."""
    peaks, seconds = [], 0.0
    for count in counts:
        crops = scans.crops(folder / f"crops-{count}", count)
        words = ("--out", str(folder / f"{count}.csv"), "--system", "breast-mri", "--weights", str(tree.weights))
        ended = ask(tree, "-m", "dashboard.command", "score", str(crops), *words)
        peaks.append(ended.peak_mib)
        seconds = ended.seconds
    grown = 1000 * (peaks[1] - peaks[0]) / (counts[1] - counts[0])
    return {
        "images": list(counts),
        "peak_mib": [round(one) for one in peaks],
        "mib_a_thousand": round(grown, 2),
        "images_a_second": round(counts[1] / seconds, 1),
    }


def least(tree: Tree, rate: float) -> dict[str, Any]:
    """What the passes of a build's models would take, were they matrix products: the least that a series takes here.

    Args:
        rate: floating-point operations a second of a float32 matrix product.
    """
    found: dict[str, Any] = {"matrix_product_gflops": round(rate / 1e9, 1)}
    for system in ("brain-mr", "chest-ct", "breast-mri"):
        nets = [load_model(tree.weights / system / name) for own, name in sorted(models(tree)) if own == system]
        image = sum(operations(net, card) for net, card in nets)
        found[system] = {
            "gflop_an_image": round(image / 1e9, 2),
            "series_s": round(scans.SLICES * image / rate, 3),
            "images_a_second": round(rate / image, 1),
        }
    return found


def _joined(before: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """With the other parts, where they were measured before of the same builds."""
    if (before.get("old"), before.get("new")) != (found["old"], found["new"]):
        return found
    return before | found | {"medians": before["medians"] | found["medians"]}


def _work(tree: Tree, *words: str) -> Ended:
    return ask(tree, "-P", WORK, *words)


def main(
    old: Annotated[str, typer.Option(help="The other build: any name that git knows a commit by.")],
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    only: Annotated[list[str] | None, typer.Option(help=f"Some of {', '.join(PARTS)}.")] = None,
    programs: Annotated[bool, typer.Option(help="Compile first what is not compiled for this machine.")] = True,
    images: Annotated[int, typer.Option(help="In the archive.")] = 200,
    many: Annotated[int, typer.Option(help="In the long folder, of which the memory is taken.")] = 2000,
    slices: Annotated[int, typer.Option(help="Evaluated; a multiple of 20.")] = 100,
    figures: Annotated[Path, typer.Option(help="JSON with the benchmarks.")] = ROOT / "docs" / "benchmarks.json",
    docs: Annotated[Path, typer.Option(help="Page of them.")] = ROOT / "docs" / "benchmarks.md",
) -> None:
    """Measure, print, write."""
    parts, grown = only or list(PARTS), None
    taken: Taken = defaultdict(list)
    rates: list[float] = []
    began = time.monotonic()
    with both(old) as trees, TemporaryDirectory() as name:
        folder = Path(name)
        if programs:
            ask(trees[1], "-m", "dashboard.command", "compile", "--weights", str(trees[1].weights))
        if "series" in parts:
            rates.append(matrix_rate(time.perf_counter))
            series(trees, rounds, folder, taken)
            rates.append(matrix_rate(time.perf_counter))
        if "archive" in parts:
            rates.append(matrix_rate(time.perf_counter))
            archive(trees, rounds, folder, taken, images)
            rates.append(matrix_rate(time.perf_counter))
        if "evaluate" in parts:
            evaluate(trees, rounds, folder, taken, slices)
        if "start" in parts:
            start(trees, rounds, folder, taken)
        if "memory" in parts:
            grown = memory(trees[1], folder, (images, many))
        found: dict[str, Any] = {
            "old": trees[0].commit,
            "new": trees[1].commit,
            "models": sorted("/".join(one) for one in models(trees[0])),
        }
        if rates:
            found["least"] = least(trees[1], max(rates))
    found |= {
        "machine": machine_name(),
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "rounds": rounds,
        "evaluated_slices": slices,
        "evaluated_rounds": min(rounds, MOST_EVALUATED),
        "archive_images": images,
        "medians": {
            what: {build: round(statistics.median(taken[what, build]), 3) for build in ("old", "new")}
            for what in dict.fromkeys(what for what, _ in taken)
        },
    }
    if grown is not None:
        found["memory"] = grown
    print(json.dumps(found, indent=1))
    whole = json.loads(figures.read_text(encoding="utf-8"))
    whole["builds"] = _joined(whole.get("builds", {}), found)
    figures.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    docs.write_text(benchmark_page(whole), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
