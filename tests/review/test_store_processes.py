"""Several processes at once, and processes that die: nothing locked is lost, nothing is written twice."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from core.review import Role, Stage, Store
from core.review.trail import verify
from tests.review import killed
from tests.review.casebook import archive, case, person

KILLS = 50

_servers = multiprocessing.get_context("forkserver")
_servers.set_forkserver_preload(["tests.review.killed"])  # so that a child starts in milliseconds


def _start(target: Callable[..., None], *args: Any) -> tuple[Any, Connection]:
    mine, theirs = _servers.Pipe()
    process = _servers.Process(target=target, args=(*args, theirs))
    process.start()
    theirs.close()
    return process, mine


def _race(started: list[tuple[Any, Connection]]) -> list[Any]:
    """Let processes that are ready go at the same moment; their answers."""
    for _, told in started:
        assert told.recv() == "ready"
    for _, told in started:
        told.send("go")
    answers = [told.recv() for _, told in started]
    for process, _ in started:
        process.join(timeout=60)
        assert process.exitcode == 0
    return answers


def _url(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


def test_kill_9_loses_nothing_that_was_reported(sqlite_store: Store) -> None:
    reader, place = person(sqlite_store, "reader", Role.REVIEWER), archive(sqlite_store)
    chance = random.Random(20260301)
    told: dict[str, list[str]] = {"open": [], "image": [], "case": [], "score": [], "measured": [], "opinion": []}
    deaths = 0

    def hear(pipe: Connection) -> None:
        kind, value = pipe.recv_bytes().decode().split()
        told[kind].append(value)

    for _ in range(KILLS):
        process, pipe = _start(killed.work_until_killed, _url(sqlite_store), place, reader)
        for _ in range(chance.randint(1, 12)):  # steps rather than seconds: machines differ in speed
            hear(pipe)
        process.join(timeout=chance.uniform(0, 0.03))  # then in the middle of any step
        os.kill(process.pid, signal.SIGKILL)
        process.join(timeout=30)
        deaths += process.exitcode == -signal.SIGKILL
        with contextlib.suppress(EOFError):
            while True:
                hear(pipe)
        pipe.close()
    assert deaths == KILLS
    assert len(told["opinion"]) >= KILLS  # the killed were busy

    cases = {str(c.id): c for c in sqlite_store.cases(place)}
    opinions = [o for c in cases.values() for o in sqlite_store.opinions(c.id or 0, reader)]
    assert set(told["case"]) <= set(cases)
    assert set(told["score"]) <= {str(s.case_id) for s in sqlite_store.machine_scores(place)}
    assert set(told["opinion"]) <= {str(o.id) for o in opinions}
    assert set(told["measured"]) <= {number for number in cases if sqlite_store.measurements(int(number), reader)}
    for sha256 in told["image"]:
        assert len(sqlite_store.image(sha256)) == 20_000
    for found in cases.values():  # no case names an image that was not written completely
        assert len(sqlite_store.case_bytes(found.id or 0)[0][1]) == 20_000
        shown = sqlite_store.opinion(found.id or 0, reader, Stage.BLIND) is not None
        assert sqlite_store.reveal_allowed(found.id or 0, reader) == shown  # opinion and release: both or neither
    assert verify(sqlite_store).ok


def test_two_readers_in_four_processes_never_overwrite_each_other(store: Store) -> None:
    readers = [person(store, name, Role.REVIEWER) for name in ("first", "second")]
    place = archive(store)
    cases = [case(store, place, bytes([number])).id or 0 for number in range(15)]
    # Each reader works in two browser tabs: of two answers to one question exactly one can be kept.
    tabs = [(reader, 10 * reader + tab) for reader in readers for tab in (0, 1)]
    answers = _race([_start(killed.lock_all, _url(store), cases, reader, confidence) for reader, confidence in tabs])
    for reader in readers:
        kept = {
            (tab[1], number) for tab, (won, _) in zip(tabs, answers, strict=True) if tab[0] == reader for number in won
        }
        assert sorted(number for _, number in kept) == cases
        for confidence, number in kept:
            opinion = store.opinion(number, reader, Stage.BLIND)
            assert opinion is not None
            assert opinion.confidence == confidence  # what the winner wrote, not the loser
    assert all(sorted([*won, *lost]) == cases for won, lost in answers)
    found = verify(store)
    assert found.ok
    assert sum(entry.action == "opinion.locked" for entry in store.audit_trail()) == 2 * len(cases)


def test_a_store_is_made_once_however_many_open_it(tmp_path: Path) -> None:
    numbers = _race([_start(killed.open_new, str(tmp_path / "new")) for _ in range(4)])
    assert sorted(numbers) == [2, 3, 4, 5]  # the local user's entry comes first
    store = Store.open(str(tmp_path / "new"))
    assert verify(store).entries == 5
    store.close()


@pytest.mark.parametrize("fault", [BrokenPipeError("disk is full"), KeyboardInterrupt()])
def test_an_error_in_the_middle_leaves_nothing_behind(store: Store, fault: BaseException) -> None:
    reader, place = person(store, "reader", Role.REVIEWER), archive(store)
    found = case(store, place)
    before = [entry.seq for entry in store.audit_trail()]

    def fail_half_way() -> None:
        with store.writing() as session:
            row = session.get(type(found), found.id)
            assert row is not None
            row.patient = "changed"
            session.flush()
            raise fault

    with pytest.raises(type(fault)):
        fail_half_way()
    assert store.case(found.id or 0).patient == ""
    assert [entry.seq for entry in store.audit_trail()] == before
    assert store.save_draft(found.id or 0, reader, Stage.BLIND, {})  # and the lock is free again
