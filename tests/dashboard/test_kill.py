"""The server is killed (SIGKILL) at random moments while opinions are locked and an archive is scored: nothing is lost.

Three kills by default; ``OVERREAD_KILLS=50 python -m pytest tests/dashboard/test_kill.py -s`` for more.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from core.engine.engine import Engine
from core.review import RunState, Stage, Store, trail
from core.review.archives import need_models
from core.review.tables import ScoreRun
from tests.dashboard import desk, readings, weights
from tests.dashboard.house import House
from tests.dashboard.test_second_reader import begin, fill

pytestmark = pytest.mark.browser

KILLS = int(os.environ.get("OVERREAD_KILLS", "3"))
PATIENCE = 180.0  # seconds for what a loaded machine still gets done


def _lock_and_kill(page: Page, house: House, case: int, wait: float) -> bool:
    """Lock an opinion, kill the server ``wait`` seconds later. Whether the page had said by then that it is locked."""
    begin(page, house.url, case)
    fill(page)
    page.get_by_role("button", name="Lock my opinion and show the models").click(no_wait_after=True)
    page.wait_for_timeout(wait * 1000)
    try:
        return page.get_by_role("tab", name="Opinion", exact=True).count() > 0  # there once an opinion is locked
    except Error:
        return False
    finally:
        house.kill()


def _scored(store: Store, archive: int) -> set[tuple[int, str]]:
    return {(s.case_id, s.model) for s in store.machine_scores(archive) if s.version == "0.0.1" and not s.error}


@pytest.mark.timeout(600 + 200 * KILLS)
def test_no_locked_opinion_and_no_scored_case_is_lost(browser: Browser, tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    house = House(tmp_path, weights.write(tmp_path / "weights"))
    store = readings.opened(house.store)
    planted = readings.plant(store, KILLS + 8)
    models = need_models(Engine(house.weights), readings.SYSTEM)
    run = store.start_scoring(1, planted.archive, readings.SYSTEM, models.described, len(planted.cases))

    told: set[int] = set()
    kept: set[int] = set()
    scored: set[tuple[int, str]] = set()
    for case in planted.cases[:KILLS]:
        house.start()
        context = browser.new_context()
        context.set_default_timeout(PATIENCE * 1000)
        if _lock_and_kill(context.new_page(), house, case, chance.uniform(0.0, 2.5)):
            told.add(case)
        context.close()
        locked = {c for c in planted.cases if store.opinion(c, 1, Stage.BLIND) is not None}
        now = _scored(store, planted.archive)
        assert told <= locked, f"seed {seed}: a locked opinion is gone"
        assert kept <= locked, f"seed {seed}: an opinion of an earlier round is gone"
        assert scored <= now, f"seed {seed}: a scored case is gone"
        kept, scored = locked, now
        for number in set(planted.cases[:KILLS]) & {case} - locked:
            draft = store.draft(number, 1, Stage.BLIND)
            assert draft is not None, f"seed {seed}: neither opinion nor draft"
            assert draft.content["confidence"] == 90
    assert trail.verify(store).ok

    house.start()  # what was left half done goes on by itself
    try:
        end = time.monotonic() + PATIENCE
        while store.run(ScoreRun, run.id or 0).state != RunState.DONE and time.monotonic() < end:
            time.sleep(0.5)
        assert store.run(ScoreRun, run.id or 0).state == RunState.DONE
        assert {case for case, _ in _scored(store, planted.archive)} == set(planted.cases)
        page = browser.new_page()
        page.goto(f"{house.url}/read?case={planted.cases[0]}")
        if planted.cases[0] in kept:
            desk.turn_to(page, "Opinion")
        word = "Before the models:" if planted.cases[0] in kept else "Your opinion, before the models'"
        expect(page.get_by_text(word)).to_be_visible(timeout=desk.ANSWER)
        page.close()
    finally:
        house.stop()
    print(f"{KILLS} kills (seed {seed}): {len(told)} opinions seen locked, {len(kept)} in the store, none lost")
