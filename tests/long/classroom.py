"""A whole class in real browsers at once: ``python -m tests.long.classroom --students 10 --cases 10``.

Students join with the code and answer case after case, all at the same time; the first one reloads, the second one's
phone dies and another takes over, the third has two tabs and answers in both. Afterwards the export must hold what each
said, once, and the figures of the store must be scikit-learn's. Prints how long each step took (50th, 95th, 99th
percentile, longest), the longest time in which the server did not answer at all (the stall), and the machine's load:
browsers and server share its cores, so that times on a busy machine are those of the machine.
"""

from __future__ import annotations

import asyncio
import csv
import io
import os
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer
from playwright.async_api import Browser, Page, async_playwright, expect
from sklearn.metrics import brier_score_loss, roc_auc_score

from core.review import Store
from core.review.trail import verify
from core.teaching import learners, quizzes, results
from core.teaching.figures import by_learner, figures
from core.teaching.rules import Models, Rules
from tests.dashboard import readings, weights
from tests.dashboard.conftest import ARGS, CHROMIUM
from tests.dashboard.house import House
from tests.teaching import school

SURE = (50, 60, 70, 80, 90, 95, 100)
PATIENCE = 300_000.0  # ms: a loaded machine is slow, not wrong
POLL = 0.25  # seconds between two looks whether the server answers


@dataclass
class Student:
    """One student: what they will say of each case, and where they are."""

    name: str
    plan: list[tuple[bool, int]]
    reloads: int = 0  # the case at which the page is reloaded; 0 for none
    dies: int = 0
    twice: int = 0


@dataclass
class Times:
    """Milliseconds by step, and the longest silence of the server."""

    steps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    stall: float = 0.0
    refused: int = 0

    async def take(self, step: str, work: Awaitable[None]) -> None:
        """Do a step and note how long it took."""
        before = time.perf_counter()
        await work
        self.steps[step].append(1000 * (time.perf_counter() - before))

    def watch(self, url: str, end: threading.Event) -> None:
        """Ask the server again and again whether it is there; the longest wait is its stall."""
        while not end.wait(POLL):
            before = time.perf_counter()
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=120) as answer:
                    answer.read()
            except OSError:
                self.refused += 1
            self.stall = max(self.stall, time.perf_counter() - before)


@asynccontextmanager
async def phone(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A phone of its own that opens an address."""
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    await page.goto(address)
    yield page
    await context.close()


async def settled(page: Page) -> None:
    """Wait until the server has nothing more to draw: a choice clicked before that is the last case's."""
    app = page.locator("[data-testid=stApp]")
    await expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    await expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=PATIENCE)


async def at(page: Page, place: int, of: int) -> None:
    """Wait for a case."""
    heading = page.get_by_role("heading", name=f"Case {place} of {of}", exact=True)
    await expect(heading).to_be_visible(timeout=PATIENCE)
    await settled(page)


async def fill(page: Page, finding: bool, sure: int) -> None:
    """Say what is seen and how sure; a second click on a choice would take it back."""
    for name in ("tumour" if finding else "no tumour seen", f"{sure} %"):
        choice = page.get_by_role("radio", name=name, exact=True)
        if await choice.get_attribute("aria-checked") != "true":
            await choice.click()
            await settled(page)
        await expect(choice).to_be_checked(timeout=PATIENCE)
    await expect(page.get_by_role("button", name="This is my answer")).to_be_enabled(timeout=PATIENCE)


async def give(page: Page) -> None:
    """Give the answer, and be told the truth."""
    await page.get_by_role("button", name="This is my answer").click()
    await expect(page.get_by_text("The truth:")).to_be_visible(timeout=PATIENCE)


async def onward(page: Page, place: int, of: int) -> None:
    """To the next case, or to the results."""
    await page.get_by_role("button", name="Next case" if place < of else "To your results").click()
    if place < of:
        await at(page, place + 1, of)
    else:
        await expect(page.get_by_text(f"of {of} cases right")).to_be_visible(timeout=PATIENCE)


async def answer(browser: Browser, page: Page, me: Student, place: int, times: Times) -> None:
    """One case, with whatever happens to this student there."""
    finding, sure = me.plan[place - 1]
    await times.take("fill in", fill(page, finding, sure))
    if place == me.reloads:
        await page.reload()
        await at(page, place, len(me.plan))
        await expect(page.get_by_role("radio", name=f"{sure} %", exact=True)).to_be_checked(timeout=PATIENCE)
    if place == me.twice:
        twin = await page.context.new_page()
        await twin.goto(page.url)
        await at(twin, place, len(me.plan))
        await fill(twin, not finding, 100)
        await give(page)
        await twin.get_by_role("button", name="This is my answer").click()
        await expect(twin.get_by_text(f"{sure} % sure")).to_be_visible(timeout=PATIENCE)
        await twin.close()
    else:
        await times.take("answer and truth", give(page))
    await times.take("next case", onward(page, place, len(me.plan)))


async def take_part(browser: Browser, url: str, code: str, me: Student, times: Times) -> None:
    """From the door to the results."""
    of = len(me.plan)

    async def join(page: Page) -> None:
        await page.get_by_label("Name for the teacher's list").fill(me.name)
        await page.get_by_role("button", name="Join", exact=True).click()
        await page.get_by_role("button", name="Begin").click()
        await at(page, 1, of)

    done = 0
    async with phone(browser, f"{url}/class?code={code}") as page:
        await times.take("join", join(page))
        for place in range(1, of + 1):
            if place == me.dies:
                await fill(page, *me.plan[place - 1])
                break
            await answer(browser, page, me, place, times)
            done = place
        address = page.url
    if done < of:
        async with phone(browser, address) as page:
            await at(page, done + 1, of)
            for place in range(done + 1, of + 1):
                await answer(browser, page, me, place, times)


async def hold(url: str, code: str, class_: list[Student], times: Times) -> None:
    """All students at once."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        await asyncio.gather(*(take_part(browser, url, code, me, times) for me in class_))
        await browser.close()


def check(store: Store, quiz: int, class_: list[Student]) -> list[str]:
    """What does not agree: the export with what was said, the store's figures with scikit-learn's."""
    actor = school.teacher(store)
    truth = [item.finding for item in quizzes.items_for(store, actor, quiz)]
    rows = results.of_quiz(store, actor, quiz)
    told = list(csv.DictReader(io.StringIO(results.csv(rows))))
    wrong = [] if verify(store).ok else ["the audit trail is broken"]
    if len(told) != len(class_) * len(truth):
        wrong.append(f"{len(told)} answers instead of {len(class_) * len(truth)}")
    found = {mine[0].name: figures(mine, resamples=0) for mine in by_learner(rows).values()}
    for me in class_:
        mine = sorted((row for row in told if row["learner"] == me.name), key=lambda row: int(row["case"]))
        said = [(row["answer"] == "finding", int(row["confidence"])) for row in mine]
        stated = [sure / 100 if finding else 1 - sure / 100 for finding, sure in me.plan]
        own = found.get(me.name)
        if said != me.plan:
            wrong.append(f"{me.name} said {me.plan}, exported is {said}")
        elif own is None or own.auc is None or own.brier is None:
            wrong.append(f"{me.name} has no figures")
        elif (
            abs(own.auc.value - roc_auc_score(truth, stated)) + abs(own.brier - brier_score_loss(truth, stated)) > 1e-9
        ):
            wrong.append(f"{me.name}: AUC {own.auc.value}, Brier {own.brier} are not scikit-learn's")
    return wrong


def main(
    students: Annotated[int, typer.Option(min=3)] = 10, cases: Annotated[int, typer.Option(min=3)] = 10, seed: int = 1
) -> None:
    """Hold a class and check what is left of it; exits with 1 when anything is not as it should be."""
    rng = np.random.default_rng(seed)
    class_ = [
        Student(f"Student {n + 1}", [(bool(rng.integers(2)), int(rng.choice(SURE))) for _ in range(cases)])
        for n in range(students)
    ]
    class_[0].reloads, class_[1].dies, class_[2].twice = 2, 3, 1
    times, end = Times(), threading.Event()
    with TemporaryDirectory() as name:
        house = House(Path(name), weights.write(Path(name) / "weights"))
        store = readings.opened(house.store)
        school.short_course(store)
        labels = ["tumour" if n % 2 else "no tumour" for n in range(cases)]
        quiz = school.quiz(store, Rules(models=Models.NEVER, shuffle=False), labels).id or 0
        code = learners.open_class(store, school.teacher(store), quiz)
        house.start()
        watcher = threading.Thread(target=times.watch, args=(house.url, end))
        watcher.start()
        before, began = os.getloadavg()[0], time.monotonic()
        try:
            asyncio.run(hold(house.url, code, class_, times))
            took = time.monotonic() - began
            wrong = check(store, quiz, class_)
        finally:
            end.set()
            watcher.join()
            house.stop()
    typer.echo(f"{students} students, {cases} cases each, {took:.0f} s, {students * cases} answers")
    for step, values in times.steps.items():
        p50, p95, p99 = np.percentile(values, (50, 95, 99))
        typer.echo(f"{step:>18}: {p50:.0f}, {p95:.0f}, {p99:.0f} ms; longest {max(values):.0f} ms; n = {len(values)}")
    typer.echo(f"longest silence of the server: {1000 * times.stall:.0f} ms, refused {times.refused} times")
    typer.echo(f"load average {before:.1f} before, {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores")
    for one in wrong:
        typer.echo(one, err=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    typer.run(main)
