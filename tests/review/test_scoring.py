"""Scoring in the background: each case once, with the version that said it; paused, stopped, killed and taken up."""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlmodel import text

from core.engine.results import Review
from core.errors import ArchiveError, ModelUnavailableError, ModelVersionError, NotAllowedError
from core.review import CaseState, Role, Store
from core.review.archives import (
    adopt,
    begin_scoring,
    compare_versions,
    installed,
    is_running,
    pause,
    progress,
    resume,
    scored_versions,
    shut_down,
    stale_cases,
    stop,
    wait,
)
from core.review.tables import ImportRun, Score, ScoreRun
from tests.review.archive_child import work
from tests.review.archive_kit import SYSTEM, GreyEngine, card, folder, imported
from tests.review.casebook import person

KILLS = int(os.environ.get("OVERREAD_KILLS", "10"))  # more of them for a long run
CASES = 8 * KILLS


@pytest.fixture(autouse=True)
def _beats_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a second would otherwise be over before their first heartbeat."""
    monkeypatch.setattr("core.review.archives.background.BEAT_SECONDS", 0.0)


@pytest.fixture
def archive(sqlite_store: Store, tmp_path: Path) -> int:
    """Archive of twelve cases of four patients."""
    levels = {f"P{p}": [(0.08 * p + 0.2 * k, int(k == 2)) for k in range(3)] for p in range(4)}
    return imported(sqlite_store, folder(tmp_path / "set", levels))


def _actor(store: Store) -> int:
    return store.local_user().number or 0


def _scored(store: Store, engine: GreyEngine, archive: int) -> ScoreRun:
    return wait(store, begin_scoring(store, engine, _actor(store), archive, SYSTEM))


def test_every_model_answers_every_case_once(sqlite_store: Store, archive: int) -> None:
    engine = GreyEngine()
    run = _scored(sqlite_store, engine, archive)
    assert (run.state, run.done, run.failed, run.total) == ("done", 12, 0, 12)
    assert engine.asked == 12
    scores = sqlite_store.machine_scores(archive)
    assert len(scores) == 36
    levels = []
    for score in scores:
        (data,) = sqlite_store.case_bytes(score.case_id)
        levels.append(float(np.mean(Image.open(io.BytesIO(data[1])))) / 255)
        expected = levels[-1] + engine.bias[score.model]
        assert score.finding == pytest.approx(min(max(expected, 0), 1), abs=0.01)
        assert score.decision == ("finding" if (score.finding or 0) >= 0.5 else "clear")
        assert (score.version, score.weights_sha256) == ("1.0", card(score.model).weights_sha256)
        assert (score.mask_pixels is None) == (score.model == "resnet50")
        assert sum(score.probabilities.values()) == pytest.approx(1)
    planned = sorted(0.08 * patient + 0.2 * place for patient in range(4) for place in range(3))
    assert sorted(levels)[::3] == pytest.approx(planned, abs=0.01)  # each picture three times, once a model
    assert {case.state for case in sqlite_store.cases(archive)} == {CaseState.SCORED}
    assert len(sqlite_store.machine_discrepancies(archive)) == 12
    with pytest.raises(ArchiveError, match="Nothing is left"):
        begin_scoring(sqlite_store, engine, _actor(sqlite_store), archive, SYSTEM)


def test_progress_pause_resume_and_stop(sqlite_store: Store, archive: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.review.archives.work._MOST_SECONDS", 0.0)  # each case is kept by itself
    engine, actor = GreyEngine(seconds=0.02), _actor(sqlite_store)
    began = time.monotonic()
    run = begin_scoring(sqlite_store, engine, actor, archive, SYSTEM)
    _until(lambda: sqlite_store.run(ScoreRun, run.id or 0).done >= 2)
    with pytest.raises(ArchiveError, match="being scored already"):
        begin_scoring(sqlite_store, engine, actor, archive, SYSTEM)
    pause(sqlite_store, actor, run)
    _until(lambda: sqlite_store.run(ScoreRun, run.id or 0).state == "paused")
    paused = time.monotonic()
    resting = sqlite_store.run(ScoreRun, run.id or 0)
    told = progress(sqlite_store, resting)
    assert told.active
    assert not told.interrupted
    assert told.per_minute == pytest.approx(60 * resting.done / resting.seconds)
    assert told.seconds_left == pytest.approx(resting.seconds / resting.done * (12 - resting.done))
    asked = engine.asked
    time.sleep(0.4)
    assert engine.asked == asked
    rested = time.monotonic() - paused
    resume(sqlite_store, engine, actor, run)
    _until(lambda: engine.asked > asked)
    stop(sqlite_store, actor, run)
    stopped = wait(sqlite_store, run)
    assert stopped.state == "stopped"
    assert 0 < stopped.done < 12
    finished = wait(sqlite_store, resume(sqlite_store, engine, actor, stopped))
    assert (finished.state, finished.done, len(sqlite_store.machine_scores(archive))) == ("done", 12, 36)
    assert 12 * 3 * 0.02 < finished.seconds < time.monotonic() - began - rested  # the pause is not counted


def test_of_several_who_begin_at_once_one_does(sqlite_store: Store, archive: int) -> None:
    engine, actor = GreyEngine(seconds=0.02), _actor(sqlite_store)
    together = threading.Barrier(6)

    def begin() -> str:
        together.wait()
        try:
            begin_scoring(sqlite_store, engine, actor, archive, SYSTEM)
        except ArchiveError as error:
            return error.message
        return "begun"

    with ThreadPoolExecutor(6) as callers:
        said = sorted(call.result() for call in [callers.submit(begin) for _ in range(6)])
    assert said == ["This archive is being scored already."] * 5 + ["begun"]
    (run,) = sqlite_store.runs(ScoreRun, archive)
    assert wait(sqlite_store, run).done == 12


def test_cases_are_kept_a_few_together_and_none_is_lost_to_what_ends_the_run(
    sqlite_store: Store, archive: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks(GreyEngine):
        def review(self, *told: Any, **named: Any) -> Review:
            if self.asked == 10:
                raise RuntimeError("out of order")
            return super().review(*told, **named)

    kept: list[int] = []
    monkeypatch.setattr("core.review.archives.work._MOST_SECONDS", 3600.0)
    save = sqlite_store.save_scores

    def counted(scores: list[Score]) -> None:
        kept.append(len({score.case_id for score in scores}))
        save(scores)

    monkeypatch.setattr(sqlite_store, "save_scores", counted)
    run = _scored(sqlite_store, Breaks(), archive)
    assert (run.state, kept) == ("failed", [8, 2])
    assert len({s.case_id for s in sqlite_store.machine_scores(archive)}) == 10
    again = _scored(sqlite_store, GreyEngine(), archive)
    assert (again.state, again.done, kept) == ("done", 2, [8, 2, 2])
    assert len(sqlite_store.machine_scores(archive)) == 36


def test_people_at_the_pages_go_first(sqlite_store: Store, archive: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.review.archives.work._BUSY_SECONDS", 0.01)
    run = _scored(sqlite_store, GreyEngine(busy=5), archive)
    assert (run.state, run.done, run.failed) == ("done", 12, 0)


def test_a_damaged_case_is_an_error_not_a_number(sqlite_store: Store, archive: int) -> None:
    case = sqlite_store.cases(archive)[3]
    (file,) = sqlite_store.case_files(case.id or 0)
    path = sqlite_store.image_path(file.sha256)
    whole = path.read_bytes()
    path.write_bytes(b"spoilt")
    run = _scored(sqlite_store, GreyEngine(), archive)
    assert (run.state, run.done, run.failed) == ("done", 12, 1)
    errors = [s for s in sqlite_store.machine_scores(archive) if s.error]
    assert {s.case_id for s in errors} == {case.id}
    assert all(s.finding is None and s.decision is None for s in errors)
    assert case.id not in {d.case_id for d in sqlite_store.machine_discrepancies(archive)}
    path.write_bytes(whole)
    again = _scored(sqlite_store, GreyEngine(), archive)
    assert (again.total, again.failed) == (1, 0)
    assert not [s for s in sqlite_store.machine_scores(archive) if s.error]


def test_without_models_or_rights_nothing_begins(sqlite_store: Store, archive: int) -> None:
    with pytest.raises(ModelUnavailableError):
        begin_scoring(sqlite_store, GreyEngine(), _actor(sqlite_store), archive, "chest-ct")
    reader = person(sqlite_store, "reader", Role.REVIEWER)
    with pytest.raises(NotAllowedError):
        begin_scoring(sqlite_store, GreyEngine(), reader, archive, SYSTEM)


def test_a_new_version_writes_beside_the_old_and_is_compared(sqlite_store: Store, archive: int) -> None:
    old, new = GreyEngine(), GreyEngine(version="2.0", bias={"unet": 0.15, "resnet50": 0.0, "resunet": 0.0})
    _scored(sqlite_store, old, archive)
    models = installed(new, SYSTEM)
    assert stale_cases(sqlite_store, archive, models) == {c.id for c in sqlite_store.cases(archive)}
    assert _scored(sqlite_store, new, archive).total == 12
    assert stale_cases(sqlite_store, archive, models) == set()
    assert len(sqlite_store.machine_scores(archive)) == 72
    known = [
        (v.version, v.cases, v.installed) for v in scored_versions(sqlite_store, archive, models) if v.model == "unet"
    ]
    assert known == [("2.0", 12, True), ("1.0", 12, False)]
    before, after = card("unet").identity, card("unet", "2.0").identity
    told = compare_versions(sqlite_store, archive, models, "unet", before, after)
    levels = [0.08 * p + 0.2 * k for p in range(4) for k in range(3)]
    flips = sum(level < 0.5 <= level + 0.15 for level in levels)
    assert (told.to_finding, told.to_clear, len(told.changes)) == (flips, 0, 12)
    assert told.mean_difference == pytest.approx(0.15, abs=1e-6)
    assert told.correlation == pytest.approx(1.0)
    assert [c.flipped for c in told.changes] == [True] * flips + [False] * (12 - flips)
    with pytest.raises(ModelVersionError):
        compare_versions(sqlite_store, archive, models, "unet", before, (before[0], "2.0"))


def test_a_run_never_mixes_versions(sqlite_store: Store, archive: int) -> None:
    engine, actor = GreyEngine(seconds=0.02), _actor(sqlite_store)
    run = begin_scoring(sqlite_store, engine, actor, archive, SYSTEM)
    _until(lambda: sqlite_store.run(ScoreRun, run.id or 0).done >= 2)
    engine.version = "2.0"  # the weights are exchanged under the run
    run = wait(sqlite_store, run)
    assert run.state == "failed"
    assert "models changed" in run.message
    assert {s.version for s in sqlite_store.machine_scores(archive)} == {"1.0"}
    run = wait(sqlite_store, resume(sqlite_store, engine, actor, run))
    assert run.state == "failed"
    assert "not those this run began with" in run.message


def test_a_server_that_ends_leaves_runs_to_the_next(sqlite_store: Store, archive: int) -> None:
    engine = GreyEngine(seconds=0.02)
    run = begin_scoring(sqlite_store, engine, _actor(sqlite_store), archive, SYSTEM)
    _until(lambda: sqlite_store.run(ScoreRun, run.id or 0).done >= 1)
    shut_down()
    left = sqlite_store.run(ScoreRun, run.id or 0)
    assert progress(sqlite_store, left).interrupted
    assert adopt(sqlite_store, engine) == [left]
    assert wait(sqlite_store, run).state == "done"
    assert adopt(sqlite_store, engine) == []


def test_kill_nine_at_random_moments_loses_no_case(sqlite_store: Store, tmp_path: Path) -> None:
    """Real SIGKILLs amid import and scoring; after each there are whole cases only, never fewer than before."""
    source = folder(tmp_path / "set", _many(CASES))
    archive = sqlite_store.add_archive(_actor(sqlite_store), "killed").id or 0
    place = str(tmp_path / "store")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.review.archive_child"])
    draw, before, during = random.Random(7), 0, {"import": 0, "scoring": 0}
    for number in range(KILLS):
        importing = number < KILLS // 2
        child = context.Process(target=work, args=(place, str(source), archive))
        child.start()
        # the first half of the kills falls into the import, the others into the scoring, evenly but for chance
        start, end = (before, CASES - 4) if importing else (max(before, CASES), 2 * CASES - 8)
        left = (KILLS // 2 if importing else KILLS) - number
        goal = start + draw.randint(1, max(1, (end - start) // left))
        _until(lambda goal=goal: _done(sqlite_store, archive) >= goal)
        time.sleep(draw.random() * 0.03)
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL
        during["scoring" if sqlite_store.runs(ScoreRun, archive) else "import"] += 1
        by_case = Counter(s.case_id for s in sqlite_store.machine_scores(archive))
        assert set(by_case.values()) <= {3}
        done = _done(sqlite_store, archive)
        assert done >= goal
        before = done
    assert min(during.values()) >= 3, during
    last = context.Process(target=work, args=(place, str(source), archive))
    last.start()
    last.join(120)
    assert last.exitcode == 0
    assert len(sqlite_store.cases(archive)) == CASES
    scores = sqlite_store.machine_scores(archive)
    assert len(scores) == 3 * CASES
    assert not any(s.error for s in scores)
    runs = [*sqlite_store.runs(ScoreRun, archive), *sqlite_store.runs(ImportRun, archive)]
    assert [run.state for run in runs] == ["done", "done"]
    assert not any(is_running(sqlite_store, run) for run in runs)
    with sqlite_store.reading() as session:
        assert session.connection().execute(text("PRAGMA integrity_check")).scalar() == "ok"


def _done(store: Store, archive: int) -> int:
    """Cases imported, and cases scored."""
    return len(store.cases(archive)) + len({s.case_id for s in store.machine_scores(archive)})


def _many(count: int) -> dict[str, list[tuple[float, int]]]:
    return {f"P{p}": [((p * 10 + k) / count, k % 2) for k in range(10)] for p in range(count // 10)}


def _until(met: object, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not met():  # type: ignore[operator]
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)
